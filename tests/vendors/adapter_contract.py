"""What every vendor adapter must do, run against its simulator over real HTTP. Inherit and fill in the blanks."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, timedelta

import pytest
from pytest_django import Settings

from reconcile.http.errors import CustomerMustAct, RemoteError, TryLater
from tests.vendors.simulated import Simulated
from vendors.adapters.base import (
    Outcome,
    Progress,
    UsagePull,
    VendorAccountRecord,
    VendorAdapter,
    VendorCredentials,
    VendorKind,
)

OUTAGES = ("500", "html_502", "html_200", "truncated", "empty", "headers_only", "drop_before", "drop_after")


class AdapterContract:
    """The promises of `vendors.adapters.base`. A subclass fills in what is declared here;
    its module gives a fixture `vendor`, the simulator of the whole module.

    `usage_calls` matches the simulator's usage list as "METHOD /path-regex", `data_calls` any data call,
    `token_calls` the shapes of calls that may be other than GET; `fields_of` gives right credentials,
    `wrong_fields` wrong ones.
    """

    kind: VendorKind
    usage_calls: str
    data_calls: str
    token_calls: frozenset[str] = frozenset()
    wrong_fields: Mapping[str, str]
    day: date

    def fields_of(self, vendor: Simulated) -> Mapping[str, str]:
        """Give credentials that the simulator takes."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _calm(self, settings: Settings, vendor: Simulated) -> None:
        settings.OUTBOUND_PLAIN_ORIGINS = ["http://127.0.0.1:*"]
        settings.OUTBOUND_READ_TRIES = 2
        vendor.reset()

    @pytest.fixture
    def credentials(self, vendor: Simulated) -> VendorCredentials:
        """The right credentials for the simulator."""
        return VendorCredentials(
            org_id=1, integration_id=1, base_url=vendor.url, fields=self.fields_of(vendor)
        )

    @pytest.fixture
    def adapter(self, credentials: VendorCredentials) -> VendorAdapter:
        """An adapter on the simulator."""
        return self.kind.build(credentials)

    def test_registry_line_is_whole(self, adapter: VendorAdapter, credentials: VendorCredentials) -> None:
        names = [field.name for field in self.kind.fields]
        assert adapter.key == self.kind.key
        assert self.kind.label
        assert len(set(names)) == len(names) > 0
        assert set(credentials.fields) <= set(names)
        assert any(field.secret for field in self.kind.fields)

    def test_identity_names_the_instance(self, adapter: VendorAdapter) -> None:
        identity = adapter.identify()
        assert identity.name
        assert identity.external_id

    def test_wrong_credentials_are_for_the_customer(self, credentials: VendorCredentials) -> None:
        adapter = self.kind.build(replace(credentials, fields=self.wrong_fields))
        for act in (adapter.identify, lambda: list(adapter.read_accounts()), lambda: pull(adapter, self.day)):
            with pytest.raises(CustomerMustAct) as caught:
                act()
            self.assert_silent_on_secrets(caught.value, self.wrong_fields)

    def test_accounts_are_whole(self, adapter: VendorAdapter) -> None:
        accounts = accounts_of(adapter)
        ids = [account.external_id for account in accounts]
        assert ids
        assert len(set(ids)) == len(ids)
        assert all(account.name and account.status == account.status.lower() for account in accounts)
        assert {account.parent_external_id for account in accounts} - {""} <= set(ids)

    def test_counts_are_whole(self, adapter: VendorAdapter) -> None:
        usage = pull(adapter, self.day)
        keys = [(count.account_external_id, count.service_external_id) for count in usage.counts]
        assert usage.complete
        assert keys
        assert len(set(keys)) == len(keys)
        assert {account for account, _ in keys} <= {account.external_id for account in accounts_of(adapter)}
        assert {service for _, service in keys} == {service.external_id for service in usage.services}
        assert all(service.name and service.unit for service in usage.services)

    def test_counts_say_when_and_whence(self, adapter: VendorAdapter) -> None:
        usage = pull(adapter, self.day)
        assert usage.taken_at.tzinfo is UTC
        for count in usage.counts:
            assert count.quantity.is_finite()
            assert count.quantity >= 0
            assert count.as_of.utcoffset() == timedelta(0)
            assert count.as_of <= usage.taken_at
            assert count.source_refs

    def test_what_is_not_well_has_a_reason(self, adapter: VendorAdapter) -> None:
        outcomes = pull(adapter, self.day).outcomes
        accounts = [outcome.account_external_id for outcome in outcomes]
        assert len(set(accounts)) == len(accounts)
        assert all(outcome.reason for outcome in outcomes if outcome.outcome is not Outcome.OK)

    def test_the_same_twice(self, adapter: VendorAdapter) -> None:
        first, second = pull(adapter, self.day), pull(adapter, self.day)
        assert figures(first) == figures(second)
        assert first.outcomes == second.outcomes
        assert accounts_of(adapter) == accounts_of(adapter)

    def test_progress_never_passes_its_total(self, adapter: VendorAdapter) -> None:
        heard: list[Progress] = []
        adapter.read_usage(self.day, heard.append)
        assert heard
        assert all(one.what and (one.total is None or 0 <= one.done <= one.total) for one in heard)

    @pytest.mark.parametrize("form", OUTAGES)
    def test_an_outage_is_no_answer(self, adapter: VendorAdapter, vendor: Simulated, form: str) -> None:
        vendor.fail(self.usage_calls, form=form)
        with pytest.raises(TryLater) as caught:
            pull(adapter, self.day)
        self.assert_silent_on_secrets(caught.value, self.fields_of(vendor))

    @pytest.mark.parametrize("form", OUTAGES)
    def test_one_hiccup_changes_nothing(self, adapter: VendorAdapter, vendor: Simulated, form: str) -> None:
        expected = figures(pull(adapter, self.day))
        vendor.fail(self.data_calls, form=form, every=3, times=2)
        assert figures(pull(adapter, self.day)) == expected
        assert vendor.hits() == 2

    def test_too_many_requests_are_waited_for(self, adapter: VendorAdapter, vendor: Simulated) -> None:
        expected = figures(pull(adapter, self.day))
        vendor.fail(self.usage_calls, form="429_body", seconds=0, times=1)
        assert figures(pull(adapter, self.day)) == expected
        assert vendor.hits() == 1

    def test_a_refused_read_is_for_the_customer(self, adapter: VendorAdapter, vendor: Simulated) -> None:
        for status in (401, 403):
            vendor.fail(self.usage_calls, status=status)
            with pytest.raises(CustomerMustAct) as caught:
                pull(adapter, self.day)
            assert caught.value.status == status
            self.assert_silent_on_secrets(caught.value, self.fields_of(vendor))

    def test_accounts_come_whole_or_not_at_all(self, adapter: VendorAdapter, vendor: Simulated) -> None:
        vendor.fail(self.data_calls, form="500")
        with pytest.raises(TryLater):
            next(iter(adapter.read_accounts()))

    def test_it_only_reads(self, adapter: VendorAdapter, vendor: Simulated) -> None:
        adapter.identify()
        accounts_of(adapter)
        pull(adapter, self.day)
        shapes = set(vendor.requests()["counts"]) - self.token_calls
        assert shapes
        assert all(shape.startswith("GET ") for shape in shapes)

    def test_nobody_at_the_address(self, credentials: VendorCredentials) -> None:
        adapter = self.kind.build(replace(credentials, base_url="http://127.0.0.1:9"))
        with pytest.raises(TryLater):
            adapter.identify()

    @pytest.mark.parametrize("address", ["http://vendor.example", "ftp://127.0.0.1", "nonsense", "https://"])
    def test_an_impossible_address_is_for_the_customer(
        self, credentials: VendorCredentials, address: str
    ) -> None:
        with pytest.raises(CustomerMustAct):
            self.kind.build(replace(credentials, base_url=address)).identify()

    def test_credentials_are_not_printed(self, credentials: VendorCredentials) -> None:
        assert not any(value in repr(credentials) for value in credentials.fields.values())

    def assert_silent_on_secrets(self, error: RemoteError, fields: Mapping[str, str]) -> None:
        """Check that the error has a sentence and that no secret field stands in it."""
        assert error.sentence
        secret = {field.name for field in self.kind.fields if field.secret}
        for name in secret & set(fields):
            assert fields[name] not in f"{error} {error.sentence} {error.detail} {error!r}"


def accounts_of(adapter: VendorAdapter) -> list[VendorAccountRecord]:
    """Read all accounts."""
    return [account for chunk in adapter.read_accounts() for account in chunk]


def pull(adapter: VendorAdapter, day: date) -> UsagePull:
    """Read the usage as of a day, deaf to progress."""
    return adapter.read_usage(day, lambda _: None)


def figures(usage: UsagePull) -> dict[tuple[str, str], str]:
    """Give the quantities by account and service, as text, so that 15 and 15.0 differ."""
    return {
        (count.account_external_id, count.service_external_id): str(count.quantity) for count in usage.counts
    }
