"""A server on loopback and a browser, for what only a browser can show."""

import re
import threading
from collections.abc import Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connections
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests import chromium

QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Close the thread's connection with the thread: one kept open would hold the test database."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            connections.close_all()


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Serve the product from a thread; give its address. Pages that need the database need `committed_db` too."""
    with make_server("127.0.0.1", 0, get_wsgi_application(), _Server, _Silent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium; it ends with the module, because Django refuses its database while Playwright's loop runs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=QUIET)
        yield browser
        browser.close()


def is_complaint(said: ConsoleMessage) -> bool:
    """Say whether something is wrong; a refusal or a question is an answer, noted as an error by its status alone."""
    return said.type in {"error", "warning"} and not re.search(r"\b(409|422)\b", said.text)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Give a fresh page; the test fails when the browser complained, above all about the policy."""
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.context.close()
    assert complaints == []
