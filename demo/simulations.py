"""The demo's two simulators: where they listen and with which keys, the same on every start."""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CREDENTIALS = ("company", "public_key", "private_key", "client_id", "username", "password", "api_key")


@dataclass(frozen=True)
class Simulation:
    """One simulator of the demo, kept in the folder: what it announced last, and the writes it applied."""

    name: str
    folder: Path

    @property
    def announced(self) -> Path:
        """The file with the line that the simulator prints when it listens."""
        return self.folder / f"{self.name}.json"

    @property
    def remembered(self) -> Path:
        """The file with what it announced on an earlier start."""
        return self.folder / f"{self.name}-last.json"

    @property
    def ledger(self) -> Path:
        """The file with every write that it applied, which outlives it."""
        return self.folder / f"{self.name}-ledger.jsonl"

    def command(self) -> list[str]:
        """Give the command that starts it, as it was before if it was started before."""
        last = _read(self.remembered)
        self.announced.unlink(missing_ok=True)
        self.announced.touch(mode=0o600)
        command = ["manage.py", "simulate", self.name, "--port", str(_free_port(last)), "--data", "demo"]
        command += ["--ledger", str(self.ledger), "--replay"]
        for name in CREDENTIALS:
            if name in last:
                # One word, because a key may begin with a dash.
                command.append(f"--{name.replace('_', '-')}={last[name]}")
        return command

    def read_announcement(self) -> dict[str, Any]:
        """Return address and keys once the simulator listens, before that nothing; remember them."""
        text = self.announced.read_text()
        if not text.endswith("\n"):
            return {}
        self.remembered.write_text(text)
        self.remembered.chmod(0o600)
        return _read(self.remembered)


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _free_port(last: Mapping[str, Any]) -> int:
    """Give the port of the last start if nobody has taken it since, else 0: any."""
    if not last:
        return 0
    port = int(str(last["url"]).split(":")[2].split("/")[0])
    return port if port_is_free(port) else 0


def port_is_free(port: int) -> bool:
    """Tell whether we could listen on a loopback port."""
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
