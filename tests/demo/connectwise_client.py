"""A plain client of the simulated ConnectWise API, and a way to start the simulator in its own process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[2]


class Client:
    """Calls the API as the member whose credentials the simulator printed."""

    def __init__(self, credentials: dict[str, str]) -> None:
        self.credentials = credentials
        self.url = credentials["url"]
        self.base = f"{self.url}/v4_6_release/apis/3.0"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (
            f"{credentials['company']}+{credentials['public_key']}",
            credentials["private_key"],
        )
        self.session.headers["clientId"] = credentials["client_id"]

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """One call below the API's base address."""
        arguments.setdefault("timeout", 10)
        return self.session.request(method, self.base + path, **arguments)

    def get(self, path: str, **arguments: Any) -> requests.Response:
        return self.call("GET", path, **arguments)

    def ids(self, path: str, conditions: str, **parameters: str) -> list[int]:
        """The ids of a list under these conditions."""
        reply = self.get(path, params={"conditions": conditions, "pageSize": "1000", **parameters})
        assert reply.status_code == 200, reply.text
        return [row["id"] for row in reply.json()]

    def patch(self, path: str, **changes: Any) -> requests.Response:
        """Replace these fields."""
        body = [{"op": "replace", "path": name, "value": value} for name, value in changes.items()]
        return self.call("PATCH", path, json=body)

    def control(self, method: str, name: str, body: Any = None) -> requests.Response:
        """One call of the control plane, without credentials."""
        return requests.request(method, f"{self.url}/_sim/{name}", json=body, timeout=10)

    def faults(self, **settings: Any) -> None:
        reply = self.control("POST", "faults", settings)
        assert reply.status_code == 200, reply.text

    def options(self, **options: Any) -> None:
        self.faults(options=options)

    def role(self, **settings: Any) -> None:
        reply = self.control("POST", "role", settings)
        assert reply.status_code == 200, reply.text

    def fail(self, match: str, **rule: Any) -> None:
        self.faults(fail_next=[{"match": match, **rule}])

    def ledger(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.control("GET", "ledger").text.splitlines()]


@contextmanager
def running(*command: str) -> Iterator[Client]:
    """Start a simulator (arguments of python), read the line it prints, and stop it at the end."""
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        client = Client(json.loads(process.stdout.readline()))
        with client.session:
            yield client
    finally:
        process.terminate()
        process.communicate(timeout=10)
