"""A simulated vendor in a process of its own, spoken to over real HTTP and switched over its control plane."""

import json
import multiprocessing
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from demo.server import Simulator
from demo.wire import run

Build = Callable[[Any, Mapping[str, str], Mapping[str, Any]], Simulator]
START_SECONDS = 30


@dataclass(frozen=True)
class Simulated:
    """A running simulator: where it listens and the credentials it takes."""

    url: str
    credentials: Mapping[str, str]

    def faults(self, **switches: Any) -> None:
        """Change fault switches; `options` are the simulator's own."""
        self.control("POST", "faults", switches)

    def fail(self, match: str, **rule: Any) -> None:
        """Let calls matching "METHOD /path-regex" fail, by default for ever."""
        self.faults(fail_next=[{"match": match, "times": None, **rule}])

    def hits(self) -> int:
        """Give how often the planned failures have struck."""
        return sum(rule["hits"] for rule in json.loads(self.control("GET", "faults"))["fail_next"])

    def requests(self) -> dict[str, Any]:
        """Give the counts of calls since the last reset."""
        found: dict[str, Any] = json.loads(self.control("GET", "requests"))
        return found

    def reset(self) -> None:
        """Clear the faults and the counts."""
        self.control("DELETE", "faults")
        self.control("DELETE", "requests")

    def control(self, method: str, name: str, body: Any = None) -> bytes:
        """Call the control plane; raises on any answer but a good one."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sim/{name}", data, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            content: bytes = answer.read()
        return content


@contextmanager
def serving(build: Build, world: Any, options: Mapping[str, Any] | None = None) -> Iterator[Simulated]:
    """Serve `world` until the block ends. `build` and `world` must be picklable."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(build, world, dict(options or {}), theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        assert mine.poll(START_SECONDS), "the simulator did not start"
        url, credentials = mine.recv()
        yield Simulated(url, credentials)
    finally:
        process.terminate()
        process.join(10)
        mine.close()


def _serve(build: Build, world: Any, options: Mapping[str, Any], pipe: Connection) -> None:
    simulator = build(world, {}, options)
    run(simulator, 0, lambda url: pipe.send((url, simulator.credentials)))
