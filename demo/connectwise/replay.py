"""Bringing a simulated PSA back to where an earlier one ended: its ledger, applied to fresh rows."""

import json
import re
from collections.abc import Iterable

from demo.connectwise.resources import RESOURCES, Resource
from demo.connectwise.simulator import ConnectWise
from demo.connectwise.store import Row

_PATHS = [
    (
        re.compile(
            r".*/apis/3\.0" + re.sub(r"\{\w+:int\}", r"\\d+", each.path) + r"(/\d+)?/?", re.IGNORECASE
        ),
        each,
    )
    for each in RESOURCES
]


def replay(simulator: ConnectWise, lines: Iterable[str]) -> None:
    """Apply each recorded write as it was applied then; nothing is recorded again.

    A last line that was cut off with the machine's power was never answered, and is left out.
    """
    with simulator.lock:
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            _apply(simulator, _resource(entry["path"]), entry["before"], entry["after"])
        for table in simulator.tables.values():
            table.start_ids_after(max(table.rows, default=0))


def _apply(simulator: ConnectWise, resource: Resource, before: Row | None, after: Row | None) -> None:
    table = simulator.tables[resource.table]
    if after is not None:
        table.put(after)
    elif before is not None and before["id"] in table.rows:
        table.remove(table.rows[before["id"]])
    if resource.table == "agreements" and after is not None:
        simulator.recompute_additions(after["id"])


def _resource(path: str) -> Resource:
    return next(each for pattern, each in _PATHS if pattern.fullmatch(path))
