"""Child processes of the demo: each with its log, started again when it dies, none outliving the supervisor."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

PR_SET_PDEATHSIG = 1
POLITE_SECONDS = 15
# How long a dead child stays away before each new start; one that dies once more after the last ends the demo.
BACK_OFF_SECONDS = (1.0, 3.0, 10.0)
# A child that has lived so long has its starts back.
STEADY_SECONDS = 300


class ChildFailed(Exception):
    """A child ended when it should not have; the message names it, its log, and what it said last."""


@dataclass
class Child:
    """One running child, with how it was started, and how often it has been started again."""

    name: str
    log: Path
    command: Callable[[], Sequence[str]]
    env: Mapping[str, str]
    answers: Path | None
    process: subprocess.Popen[bytes]
    began: float = field(default_factory=time.monotonic)
    restarts: int = 0
    due: float | None = None

    def check(self) -> None:
        """Raise ChildFailed if it has ended."""
        code = self.process.poll()
        if code is not None:
            raise ChildFailed(describe_failure(self.name, code, self.log))

    def plan_restart(self) -> str:
        """Plan the next start of a child that has ended, and say so; raise ChildFailed when it keeps dying."""
        if time.monotonic() - self.began >= STEADY_SECONDS:
            self.restarts = 0
        if self.restarts == len(BACK_OFF_SECONDS):
            times = len(BACK_OFF_SECONDS)
            why = describe_failure(self.name, self.process.returncode, self.log)
            raise ChildFailed(f"{self.name} keeps dying: it was started again {times} times.\n{why}")
        wait = BACK_OFF_SECONDS[self.restarts]
        self.restarts += 1
        self.due = time.monotonic() + wait
        how = describe_end(self.process.returncode)
        return f"{self.name} ended {how}; it is started again in {wait:g} s. Its log: {self.log}"

    def restart(self) -> None:
        """Start it again as it was; its log goes on."""
        self.process = _launch(self.log, self.command(), self.env, self.answers)
        self.began, self.due = time.monotonic(), None


@dataclass
class Children:
    """The children, in the order of their start."""

    logs: Path
    running: list[Child] = field(default_factory=list)

    def start(
        self,
        name: str,
        command: Sequence[str] | Callable[[], Sequence[str]],
        env: Mapping[str, str],
        answers: Path | None = None,
    ) -> Child:
        """Start a Python module or script; its output goes to its log, or what it prints to `answers`.

        A command that is asked for anew at each start may differ: a simulator comes back where it listened.
        """
        log = self.logs / f"{name}.log"
        log.write_bytes(b"")
        give = command if callable(command) else partial(list, command)
        child = Child(name, log, give, env, answers, _launch(log, give(), env, answers))
        self.running.append(child)
        return child

    def revive(self, say: Callable[[str], None]) -> None:
        """Start dead children again after a short while and say so; raise ChildFailed for one that keeps dying."""
        for child in self.running:
            if child.due is not None:
                if time.monotonic() >= child.due:
                    child.restart()
            elif child.process.poll() is not None:
                end_group(child)
                say(child.plan_restart())

    def finish(self, child: Child) -> None:
        """Wait until a child is done while the others live; raise ChildFailed if it or another fails."""
        others = [other for other in self.running if other is not child]
        while child.process.poll() is None:
            for other in others:
                other.check()
            time.sleep(0.05)
        self.running.remove(child)
        if child.process.returncode:
            raise ChildFailed(describe_failure(child.name, child.process.returncode, child.log))

    def check(self) -> None:
        """Raise ChildFailed if any has ended."""
        for child in self.running:
            child.check()

    def stop(self) -> None:
        """Stop the youngest first, politely, then by force; the simulators, started first, see the last call."""
        for child in reversed(self.running):
            _signal(child, signal.SIGTERM)
        for child in reversed(self.running):
            try:
                child.process.wait(POLITE_SECONDS)
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
                child.process.wait()
            end_group(child)
        self.running.clear()


def describe_failure(name: str, code: int, log: Path) -> str:
    """Say in one sentence which child ended how, with the end of its log."""
    tail = log.read_text(errors="replace").strip().splitlines()[-12:]
    return "\n".join(
        [f"{name} ended {describe_end(code)}. The end of {log}:", *(f"    {line}" for line in tail)]
    )


def describe_end(code: int) -> str:
    """Say how a process ended."""
    return f"by signal {-code}" if code < 0 else f"with code {code}"


def end_group(child: Child) -> None:
    """End what a child that is gone has left: a worker that was killed leaves the processes of its pool behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)


def _launch(
    log: Path, command: Sequence[str], env: Mapping[str, str], answers: Path | None
) -> subprocess.Popen[bytes]:
    with log.open("ab") as said, (answers or log).open("ab") as printed:
        return subprocess.Popen(
            [sys.executable, *command],
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=said,
            # Ctrl-C is for the supervisor, which stops the others in order.
            start_new_session=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads here
        )


def die_with_parent() -> None:
    """Have Linux end this process when the supervisor is killed and cannot."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal(child: Child, number: signal.Signals) -> None:
    if child.process.poll() is None:
        child.process.send_signal(number)
