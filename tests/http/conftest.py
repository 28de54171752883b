"""What the tests of outbound HTTP share: loopback allowed, short caps, no pauses."""

import pytest
from pytest_django import Settings

from reconcile.http.session import Limits


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    settings.OUTBOUND_PLAIN_ORIGINS = ["http://127.0.0.1:*"]


@pytest.fixture
def limits() -> Limits:
    return Limits(connect_seconds=2, read_seconds=2, total_seconds=5, max_bytes=1_000_000, tries=1)
