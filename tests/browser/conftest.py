"""The whole product as processes around the test database, and a browser in front of it."""

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import global_settings
from playwright.sync_api import Page, expect, sync_playwright

from tests import chromium
from tests.drills.rig import WORKER_SETTINGS, database_url, process_group, product_worker, until
from tests.screens.conftest import QUIET

PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Product:
    """Where the product is served."""

    url: str


@pytest.fixture
def product(committed_db: None, tmp_path: Path, settings: Any) -> Iterator[Product]:
    """Serve the product by gunicorn with a Celery worker and beat, on the test database."""
    # People made by the test sign in at the product, which takes no test's short cuts.
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = {"DATABASE_URL": "owner", "APP_DATABASE_URL": "default"}
    environment = WORKER_SETTINGS | {name: database_url(alias) for name, alias in names.items()}
    bind = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "reconcile.wsgi", "--bind", bind, "--threads", "8"]
    with ExitStack() as stack:
        stack.enter_context(process_group(command, environment))
        stack.enter_context(product_worker(tmp_path))
        until(lambda: _answers(f"http://{bind}/healthz"), "the product answers")
        yield Product(f"http://{bind}")


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


@contextmanager
def visiting(product: Product) -> Iterator[Page]:
    """Open a browser on the product; fails when the page complained, above all about the policy.

    Inside the block no test may use the database: Django refuses it while Playwright's loop runs.
    """
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=QUIET)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, base_url=product.url)
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        browser.close()
    # A form that is sent back with its errors is a 422, which Chromium reports as well.
    assert [said for said in complaints if "status of 422" not in said] == []
