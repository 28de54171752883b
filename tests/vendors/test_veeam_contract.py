"""The Veeam adapter under the contract of all vendor adapters, with both ways to sign in."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime

import pytest
from pytest_django import Settings

from demo.veeam_vspc.sample import every_sort
from demo.veeam_vspc.simulator import build
from tests.vendors.adapter_contract import AdapterContract
from tests.vendors.simulated import Simulated, serving
from vendors.adapters import ADAPTERS


@pytest.fixture(scope="module")
def vendor() -> Iterator[Simulated]:
    """One console with a company of every sort."""
    with serving(build, every_sort(datetime.now(UTC).date())) as simulated:
        yield simulated


class VeeamContract(AdapterContract):
    """What both ways share."""

    kind = ADAPTERS["veeam_vspc"]
    usage_calls = "GET /organizations/companies/usage"
    data_calls = "GET /(organizations|licensing|alarms)"
    token_calls = frozenset({"POST /token"})

    @property
    def day(self) -> date:  # type: ignore[override]
        """Today: the console's yesterday is the latest day that counts."""
        return datetime.now(UTC).date()

    @pytest.fixture(autouse=True)
    def _wide_budget(self, settings: Settings) -> None:
        settings.VEEAM_REQUESTS_PER_MINUTE = 100_000


class TestApiKey(VeeamContract):
    """With a static API key."""

    wrong_fields = {"api_key": "wrong-key"}

    def fields_of(self, vendor: Simulated) -> Mapping[str, str]:
        """The simulator's key."""
        return {"api_key": vendor.credentials["api_key"]}


class TestPassword(VeeamContract):
    """With a user name and a password, exchanged for tokens."""

    wrong_fields = {"username": "reconcile", "password": "wrong-password"}

    def fields_of(self, vendor: Simulated) -> Mapping[str, str]:
        """The simulator's user."""
        return {name: vendor.credentials[name] for name in ("username", "password")}
