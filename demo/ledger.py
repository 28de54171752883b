"""The simulators' ledger: an append-only record of every applied write, out of the product's reach."""

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any


class Ledger:
    """Entries in memory and, with a path, one JSON line per entry on disk (flushed and synced each time)."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._file: IO[str] | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lines = _whole_lines(path)
            self._file = path.open("a", encoding="utf-8")

    def append(
        self,
        *,
        host: str,
        key: str,
        method: str,
        path: str,
        tenant: str,
        line: object,
        agreement: object,
        before: object,
        after: object,
        request_id: str,
    ) -> None:
        """Record one applied write; call it under the lock that applies the change: both happen or none."""
        entry: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(),
            "host": host,
            "key": key,
            "method": method,
            "path": path,
            "tenant": tenant,
            "line": line,
            "agreement": agreement,
            "before": before,
            "after": after,
            "request_id": request_id,
        }
        text = json.dumps(entry)
        with self._lock:
            if self._file is not None:
                self._file.write(text + "\n")
                self._file.flush()
                os.fsync(self._file.fileno())
            self._lines.append(text)

    def text(self) -> str:
        """All entries as JSON lines, the file's earlier ones included."""
        with self._lock:
            return "".join(line + "\n" for line in self._lines)


def _whole_lines(path: Path) -> list[str]:
    """The entries of an earlier run; a last one that was cut off was never answered, and is taken out."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        os.truncate(path, len(whole))
    return whole.decode().splitlines()
