"""The demo's children: a failure is named with the end of its log, and none outlives the supervisor."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from demo.processes import ChildFailed, Children

PROJECT = Path(__file__).resolve().parent.parent.parent
SLEEP = ["-c", "import time; time.sleep(600)"]
# A worker that ignores the polite signal, with a child of its own that does too.
STUBBORN = [
    "-c",
    (
        "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork();"
        "print('up', flush=True); time.sleep(600)"
    ),
]
PARENT = f"""
import os, sys, time
from pathlib import Path
from demo.processes import Children
child = Children(Path(sys.argv[1])).start("sleeper", {SLEEP!r}, os.environ)
print(child.process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def children(tmp_path):
    some = Children(tmp_path)
    yield some
    some.stop()


def wait_until(true, what: str) -> None:
    for _ in range(1200):
        if true():
            return
        time.sleep(0.05)
    pytest.fail(f"never happened: {what}")


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_child_that_fails_is_named_with_what_it_said_last(children, tmp_path):
    child = children.start("worker", ["-c", "import sys; sys.exit('the broker is away')"], os.environ)
    wait_until(lambda: child.process.poll() is not None, "the child's end")
    with pytest.raises(ChildFailed, match="worker ended with code 1") as failed:
        children.check()
    assert "the broker is away" in str(failed.value)
    assert str(tmp_path / "worker.log") in str(failed.value)


def test_another_child_that_dies_ends_the_wait_for_one(children):
    children.start("web", SLEEP, os.environ).process.send_signal(signal.SIGKILL)
    seed = children.start("seed", SLEEP, os.environ)
    with pytest.raises(ChildFailed, match="web ended by signal 9"):
        children.finish(seed)


def test_a_child_that_is_done_is_no_failure(children):
    children.finish(children.start("seed", ["-c", "pass"], os.environ))
    children.check()


def test_a_child_that_dies_is_started_again_and_it_is_said(children, monkeypatch):
    monkeypatch.setattr("demo.processes.BACK_OFF_SECONDS", (0.05, 0.05))
    said: list[str] = []
    child = children.start("worker", SLEEP, os.environ)
    first = child.process.pid
    child.process.send_signal(signal.SIGKILL)
    wait_until(lambda: children.revive(said.append) or child.process.pid != first, "the second start")
    assert said == [f"worker ended by signal 9; it is started again in 0.05 s. Its log: {child.log}"]
    assert child.process.poll() is None


def test_a_child_that_keeps_dying_ends_the_demo_and_names_its_log(children, monkeypatch, tmp_path):
    monkeypatch.setattr("demo.processes.BACK_OFF_SECONDS", (0.05, 0.05))
    said: list[str] = []
    command = ["-c", "import sys; print('again', flush=True); sys.exit('the broker is away')"]
    children.start("worker", command, os.environ)
    with pytest.raises(ChildFailed, match="worker keeps dying: it was started again 2 times") as failed:
        wait_until(lambda: children.revive(said.append), "giving up")
    assert str(tmp_path / "worker.log") in str(failed.value)
    assert "the broker is away" in str(failed.value)
    assert len(said) == 2
    # What it said each time is in its log.
    assert (tmp_path / "worker.log").read_text().count("again") == 3


def test_a_command_is_asked_for_anew_when_its_child_is_started_again(children, monkeypatch):
    """A simulator comes back on the port that it took at its first start."""
    monkeypatch.setattr("demo.processes.BACK_OFF_SECONDS", (0.05,))
    commands = iter([["-c", "pass"], SLEEP])
    child = children.start("simulate", lambda: next(commands), os.environ)
    first = child.process.pid
    wait_until(lambda: children.revive(lambda said: None) or child.process.pid != first, "the second start")
    assert psutil.Process(child.process.pid).cmdline()[1:] == SLEEP


def test_stopping_takes_stubborn_ones_along_with_their_children(children, monkeypatch):
    monkeypatch.setattr("demo.processes.POLITE_SECONDS", 0.2)
    child = children.start("worker", STUBBORN, os.environ)
    wait_until(lambda: child.log.read_text().count("up") == 2, "both processes")
    family = [child.process.pid, *(p.pid for p in psutil.Process(child.process.pid).children())]
    assert len(family) == 2
    children.stop()
    for pid in family:
        wait_until(lambda pid=pid: is_gone(pid), f"the end of {pid}")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent was killed")
def test_a_killed_supervisor_leaves_nobody_behind(tmp_path):
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.kill()
    wait_until(lambda: is_gone(child), "the end of the child")
