"""Child processes of the demo: each with a log of its own, none outliving the supervisor."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
POLITE_SECONDS = 15


class ChildFailed(Exception):
    """A child ended when it should not have; the message names it, its log, and what it said last."""


@dataclass
class Child:
    """One running child."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    def check(self) -> None:
        """Raise ChildFailed if it has ended."""
        code = self.process.poll()
        if code is not None:
            raise ChildFailed(describe_failure(self.name, code, self.log))


@dataclass
class Children:
    """The children, in the order of their start."""

    logs: Path
    running: list[Child] = field(default_factory=list)

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str], answers: Path | None = None
    ) -> Child:
        """Start a Python module or script; its output goes to its log, or what it prints to `answers`."""
        log = self.logs / f"{name}.log"
        with log.open("wb") as said, (answers or log).open("ab") as printed:
            process = subprocess.Popen(
                [sys.executable, *command],
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=said,
                # Ctrl-C is for the supervisor, which stops the others in order.
                start_new_session=True,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads here
            )
        child = Child(name, log, process)
        self.running.append(child)
        return child

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
            # A worker that was killed leaves the processes of its pool behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGKILL)
        self.running.clear()


def describe_failure(name: str, code: int, log: Path) -> str:
    """Say in one sentence which child ended how, with the end of its log."""
    how = f"by signal {-code}" if code < 0 else f"with code {code}"
    tail = log.read_text(errors="replace").strip().splitlines()[-12:]
    return "\n".join([f"{name} ended {how}. The end of {log}:", *(f"    {line}" for line in tail)])


def die_with_parent() -> None:
    """Have Linux end this process when the supervisor is killed and cannot."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal(child: Child, number: signal.Signals) -> None:
    if child.process.poll() is None:
        child.process.send_signal(number)
