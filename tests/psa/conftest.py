"""What the tests of PSA adapters share: simulators on loopback may be called."""

import pytest
from pytest_django import Settings

from accounts.models import Organization, User
from psa.adapters import ADAPTERS
from tests.psa.pocket import DeltaAdapter, PocketAdapter, PocketPsa, make_kind
from tests.psa.pushing import Desk


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    settings.OUTBOUND_PLAIN_ORIGINS = ["http://127.0.0.1:*"]
    settings.CONNECTWISE_REQUESTS_PER_MINUTE = 1_000_000


@pytest.fixture
def pocket(monkeypatch: pytest.MonkeyPatch) -> PocketPsa:
    """Give a PSA in memory, and register its kinds for one test."""
    psa = PocketPsa()
    for adapter in (PocketAdapter, DeltaAdapter):
        monkeypatch.setitem(ADAPTERS, adapter.key, make_kind(psa, adapter))
    return psa


@pytest.fixture
def desk(org: Organization, alice: User, pocket: PocketPsa) -> Desk:
    """Give an organization connected to the PSA in memory."""
    return Desk(org, alice, pocket)
