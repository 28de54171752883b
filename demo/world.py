"""The data that the simulators serve: `load("demo" | "empty" | "scale:LINES", today)`."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from demo.worlds import northgate, scale
from demo.worlds.connectwise_rows import connectwise
from demo.worlds.connectwise_setup import setup
from demo.worlds.plan import Plan
from demo.worlds.veeam_rows import nothing, veeam

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class World:
    """Every list of both APIs, in their own JSON shapes."""

    connectwise: Rows
    veeam: Rows


def load(spec: str, today: date) -> World:
    """Return the world of this name as it stands on `today` (UTC); raise ValueError for an unknown name."""
    if spec == "empty":
        return World(setup(), nothing())
    wanted = plan_of(spec)
    return World(connectwise(wanted, today), veeam(wanted, today))


def plan_of(spec: str) -> Plan:
    """Return the plan behind `demo` or `scale:LINES`; raise ValueError for anything else."""
    name, _, lines = spec.partition(":")
    if spec == "demo":
        return northgate.plan()
    if name == "scale" and lines.isdecimal() and int(lines) > 0:
        return scale.plan(int(lines))
    raise ValueError(f"no world is called {spec!r}: use demo, empty or scale:LINES")
