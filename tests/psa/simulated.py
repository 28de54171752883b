"""A simulated PSA in a process of its own, with its faults and its ledger within a test's reach."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Simulated:
    """A running simulator: what it printed when it began to listen."""

    url: str
    fields: dict[str, str]

    def break_next(self, match: str, form: str, **more: Any) -> None:
        """Plan one failure of the next call that matches "METHOD /path-regex"."""
        self.control("POST", "faults", {"fail_next": [{"match": match, "form": form, **more}]})

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """Use one of the simulator's own switches."""
        reply = requests.request(method, f"{self.url}/_sim/{name}", json=body, timeout=10)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def writes(self) -> list[dict[str, Any]]:
        """Give what the ledger holds: each write that was applied."""
        text = requests.get(f"{self.url}/_sim/ledger", timeout=10).text
        return [json.loads(line) for line in text.splitlines()]


@contextlib.contextmanager
def simulate(name: str, *arguments: str) -> Iterator[Simulated]:
    """Run `manage.py simulate NAME` on a free port until the block ends."""
    command = [sys.executable, "manage.py", "simulate", name, "--port", "0", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            fields = json.loads(process.stdout.readline())
            yield Simulated(fields.pop("url"), fields)
        finally:
            process.terminate()
