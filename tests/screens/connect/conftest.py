"""What the tests of connecting share: both simulators, a stranger, an admin, and what they have connected."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Organization, User
from psa.models import Connection
from tests.demo import connectwise_client
from tests.demo.connectwise_client import running
from tests.screens.connect.filling import FOREIGN, console_fields, only, psa_fields, url
from vendors.models import Integration


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    settings.OUTBOUND_PLAIN_ORIGINS = ["http://127.0.0.1:*"]
    settings.OUTBOUND_READ_TRIES = 1


@pytest.fixture(scope="module")
def psa() -> Iterator[connectwise_client.Client]:
    with running("manage.py", "simulate", "connectwise", "--port", "0", "--data", "demo") as client:
        yield client


@pytest.fixture(scope="module")
def console() -> Iterator[dict[str, str]]:
    command = [sys.executable, "manage.py", "simulate", "veeam_vspc", "--port", "0", "--data", "demo"]
    process = subprocess.Popen(command, cwd=connectwise_client.ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.fixture
def stranger() -> Iterator[str]:
    """Something else than a PSA: it answers every call with JSON of its own, and with a text to leak."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f'{{"message": "{FOREIGN}", "errors": [{{"message": "{FOREIGN}"}}]}}'.encode()
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name in the standard library

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def admin(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(alice)


@pytest.fixture
def connected(org: Organization, admin: Client, psa: connectwise_client.Client) -> Connection:
    psa.role()
    assert admin.post(url("psa_add", org), psa_fields(psa)).status_code == 302
    return only(org, Connection)


@pytest.fixture
def veeam(org: Organization, admin: Client, console: dict[str, str]) -> Integration:
    assert admin.post(url("integration_add", org), console_fields(console)).status_code == 302
    return only(org, Integration)
