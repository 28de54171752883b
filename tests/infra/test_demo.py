"""`manage.py demo` whole: it gets ready, keeps what was written over a restart, and leaves nothing running."""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data: Path, port: int) -> dict[str, str]:
    return os.environ | {"RECONCILE_DATA": str(data), "PORT": str(port)}


@contextmanager
def running_demo(data: Path, port: int) -> Iterator[str]:
    """Run the demo until Ctrl-C; give what it said up to its sign-in."""
    command = [sys.executable, "manage.py", "demo"]
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment(data, port), stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout
        said = ""
        try:
            for line in demo.stdout:
                said += line
                if line.startswith("Sign in as"):
                    break
            yield said
        finally:
            demo.send_signal(signal.SIGINT)
            rest = demo.stdout.read()
        assert demo.wait() == 0, said + rest


def call(url: str, credentials: dict[str, Any], method: str = "GET", body: Any = None) -> Any:
    """Call the simulated PSA as another program of the same company would."""
    user = f"{credentials['company']}+{credentials['public_key']}:{credentials['private_key']}"
    headers = {
        "Authorization": "Basic " + base64.b64encode(user.encode()).decode(),
        "clientId": credentials["client_id"],
        "Content-Type": "application/json",
    }
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - loopback
    with OPENER.open(request, timeout=30) as reply:
        return json.load(reply)


def first_addition(psa: dict[str, Any]) -> str:
    """Give the address of one agreement line."""
    base = f"{psa['url'].rstrip('/')}/v4_6_release/apis/3.0/finance/agreements"
    for agreement in call(base, psa):
        for addition in call(f"{base}/{agreement['id']}/additions", psa):
            return f"{base}/{agreement['id']}/additions/{addition['id']}"
    pytest.fail("the demo's PSA has no line")


def processes_of(data: Path) -> list[str]:
    """List what still runs for this data folder, by command line or by environment."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = str(data) in " ".join(process.cmdline()) or process.environ().get("RECONCILE_DATA") == str(
                data
            )
        except psutil.Error:
            continue
        if ours:
            found.append(" ".join(process.cmdline()))
    return found


@pytest.fixture
def data():
    # Not pytest's folder: that one is private, and PostgreSQL must reach its data when root runs this.
    folder = Path(tempfile.mkdtemp(prefix="reconcile-demo-"))
    folder.chmod(0o711)
    yield folder / "data"
    shutil.rmtree(folder)


def test_demo_starts_serves_stops_and_starts_again_where_it_was(data):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with running_demo(data, port) as said:
        assert f"Ready: {address}\n" in said
        with OPENER.open(f"{address}/healthz", timeout=30) as reply:
            assert (reply.status, json.load(reply)["status"]) == (200, "ok")
        psa = json.loads((data / "demo" / "connectwise.json").read_text())
        line = first_addition(psa)
        call(line, psa, "PATCH", [{"op": "replace", "path": "quantity", "value": 4711}])
        second = subprocess.run(
            [sys.executable, "manage.py", "demo"],
            cwd=PROJECT,
            env=environment(data, free_port()),
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert "The demo runs already" in second.stderr
    assert processes_of(data) == []
    with running_demo(data, port):
        assert json.loads((data / "demo" / "connectwise.json").read_text()) == psa
        assert call(line, psa)["quantity"] == 4711
    assert processes_of(data) == []


def test_a_port_in_use_is_named_with_a_way_out(data):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = subprocess.run(
            [sys.executable, "manage.py", "demo"],
            cwd=PROJECT,
            env=environment(data, port),
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 1
    assert f"Port {port} is in use. Choose another: make demo PORT=" in result.stderr
    assert processes_of(data) == []
