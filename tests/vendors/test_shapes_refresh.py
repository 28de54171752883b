"""Who is brought up to date when what is split, or counts to more than one service, changes; and what may not end."""

from collections.abc import Callable
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organization, User
from dashboard.models import Card
from psa.models import Account, AgreementLine, Service
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.vendors.mapping_desk import Desk
from vendors import counting_rules
from vendors.counting import Do, Rule, Step
from vendors.models import AccountMapping, AccountSplit, AlsoCounts, NamedUnit, VendorAccount, VendorService


@pytest.fixture
def desk(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Desk:
    return Desk(org, sign_in(alice))


def name(books: Books, account: VendorAccount, service: VendorService, *emails: str) -> None:
    """Say who is behind a count."""
    NamedUnit.objects.bulk_create(
        NamedUnit(
            org=books.org, integration_id=account.integration_id, vendor_account=account, vendor_service=service,
            external_id=email, key=email, name=email, named_at=books.now,
            traits={"name": email, "email": email, "domain": email.partition("@")[2]},
        )
        for email in emails
    )  # fmt: skip


@pytest.fixture
def parted(desk: Desk) -> AgreementLine:
    """Harbor Dental's twelve agents, two of them Quarry Lane's; Quarry Lane is billed for one."""
    with org_scope(desk.org.pk):
        AccountMapping.objects.create(org=desk.org, vendor_account=desk.loose, account=desk.harbor)
        people = [f"p{n}@harbor.example" for n in range(10)] + ["a@quarry.example", "b@quarry.example"]
        name(desk.books, desk.loose, desk.agents, *people)
        split_off(desk, desk.quarry, "quarry.example")
        line = desk.books.line(desk.books.agreement(desk.quarry), desk.backup, "1")
        desk.books.refresh()
        assert desk.books.card(line).vendor_units == 2
        return line


def split_off(desk: Desk, account: Account, domain: str, **months: Any) -> AccountSplit:
    return AccountSplit.objects.create(
        org=desk.org, vendor_account=desk.loose, account=account, field="domain", pattern=domain, **months
    )


def test_excluding_what_is_split_changes_the_lines_of_its_parts_too(
    desk: Desk, parted: AgreementLine
) -> None:
    desk.act("exclude", f"{desk.loose.pk}|{desk.harbor.pk}")
    with org_scope(desk.org.pk):
        assert desk.books.card(parted).kind == Card.Kind.PSA_ONLY
    assert desk.rebuilt() == 0


def test_a_preview_says_what_excluding_does_to_the_parts(desk: Desk, parted: AgreementLine) -> None:
    page = unescape(desk.preview("exclude", f"{desk.loose.pk}|{desk.harbor.pk}").text)
    assert "On the dashboard: 2 lines change" in page


def test_mapping_a_service_changes_the_lines_of_parts(desk: Desk, parted: AgreementLine) -> None:
    with org_scope(desk.org.pk):
        desk.books.vendor_account(desk.quarry, "Quarry Ln")
        gigabytes = desk.books.service("Backup storage", "0.10")
        name(desk.books, desk.loose, desk.storage, "c@quarry.example")
    desk.act("map", f"{desk.storage.pk}|", side="services", target=gigabytes.pk)
    assert desk.rebuilt() == 0


def test_a_rule_of_a_service_changes_the_lines_of_parts(desk: Desk, parted: AgreementLine) -> None:
    with org_scope(desk.org.pk):
        draft = counting_rules.Draft(
            service=desk.backup.pk, rule=Rule(steps=(Step(do=Do.MINIMUM, by=Decimal(25)),))
        )
        counting_rules.make(desk.org.pk, counting_rules.Plan(draft=draft), by=None)
        assert desk.books.card(parted).vendor_units == 25
    assert desk.rebuilt() == 0


def test_excluding_a_service_changes_the_lines_of_the_bundle_that_it_counts_to(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        AccountMapping.objects.create(org=desk.org, vendor_account=desk.loose, account=desk.harbor)
        bundle = desk.books.service("Care bundle", "20")
        AlsoCounts.objects.create(org=desk.org, vendor_service=desk.agents, service=bundle)
        # An account that no source counts: only its line knows whether anybody counts the bundle.
        away = desk.books.line(desk.books.agreement(desk.quarry), bundle, "3")
        desk.books.refresh()
        assert desk.books.card(away).reason == "no_vendor_account"
    desk.act("exclude", f"{desk.agents.pk}|{desk.backup.pk}", side="services")
    assert desk.rebuilt() == 0
    with org_scope(desk.org.pk):
        assert desk.books.card(away).reason == "no_vendor_service"


# ---- What may not end --------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["preview", "act"])
def test_what_is_split_is_not_unmapped(desk: Desk, parted: AgreementLine, act: str) -> None:
    with org_scope(desk.org.pk):
        split_off(desk, desk.books.account("Upland Dairy"), "upland.example")
    reply = getattr(desk, act)("unmap", f"{desk.loose.pk}|{desk.harbor.pk}")
    assert reply.status_code == 409
    assert "is split over 3 accounts: end the split first. Nothing was changed." in unescape(reply.text)
    assert desk.mapped() == {desk.loose.pk: desk.harbor.pk}


def test_what_was_split_once_is_unmapped(desk: Desk, parted: AgreementLine) -> None:
    with org_scope(desk.org.pk):
        AccountSplit.objects.update(until_month=timezone.now().date().replace(day=1))
    assert desk.act("unmap", f"{desk.loose.pk}|{desk.harbor.pk}").status_code == 200
    assert desk.mapped() == {}
    assert desk.rebuilt() == 0


def test_what_counts_to_more_services_is_not_unmapped(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        bundle = Service.objects.get(pk=desk.books.service("Care bundle", "20").pk)
        AlsoCounts.objects.create(org=desk.org, vendor_service=desk.agents, service=bundle)
    reply = desk.act("unmap", f"{desk.agents.pk}|{desk.backup.pk}", side="services")
    assert reply.status_code == 409
    assert "counts to 1 more service too: end that first" in unescape(reply.text)


def test_an_account_that_is_split_moves_to_another_and_its_parts_stay(
    desk: Desk, parted: AgreementLine
) -> None:
    with org_scope(desk.org.pk):
        other = desk.books.account("Upland Dairy")
    assert desk.act("map", f"{desk.loose.pk}|{desk.harbor.pk}", target=other.pk).status_code == 200
    assert ("Upland Dairy", "new", None, Decimal(10)) in desk.lines()
    assert desk.rebuilt() == 0
