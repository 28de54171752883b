"""Every address × every role × the wrong organization. A route without an entry here fails."""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import serializers
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.models import ExchangeRate, Invitation, Membership, Notice, NoticeMark, Organization, User
from accounts.roles import Role
from dashboard.models import Card, Note, SavedView, Settlement
from psa.models import AccountTag, AgreementLine, Connection, Push
from reconcile.tenancy.scope import org_scope
from sync.models import SyncRun
from tests.dashboard.builders import Books
from tests.dashboard.closed import close_past_month
from tests.tenancy.routes import ROUTES, Things
from vendors.models import CountingRule, Integration, Snapshot, VendorAccount, VendorService

MARKER = "Zzyzx"
MARKS = (SavedView, Note, AccountTag)


def tenant_routes() -> Iterator[str]:
    def walk(patterns: list[Any], prefix: str) -> Iterator[str]:
        for pattern in patterns:
            where = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, where)
            elif isinstance(pattern, URLPattern) and where.startswith("o/<slug:slug>/"):
                yield pattern.name or where

    yield from walk(get_resolver().url_patterns, "")


def invite_guest(org: Organization) -> tuple[Membership, Invitation]:
    """Give an organization a member and an open invitation; needs its scope."""
    guest = User.objects.create_user(f"guest@{org.slug}.example", name=f"{MARKER} {org.slug}")
    member = Membership.objects.create(org=org, user=guest, role=Role.VIEWER)
    address = f"{MARKER}@{org.slug}.example"
    invitation = Invitation.objects.create(
        org=org, email=address, role=Role.VIEWER, token_hash=org.slug, invited_by=guest
    )
    return member, invitation


def keep_rule(org: Organization, line: AgreementLine) -> CountingRule:
    """Give an organization a counting rule that names what is marked; needs its scope."""
    return CountingRule.objects.create(
        org=org, service_id=line.service_id or 0, account_id=line.account_id, note=f"{MARKER} {org.slug}"
    )


def furnish(org: Organization) -> Things:
    """Give an organization one of everything, named with the marker."""
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        Connection.objects.update(remote_account="x", checked_at=books.now, name=f"{MARKER} {org.slug}")
        line = books.pair("10", "12")
        books.refresh()
        line.account.name = f"{MARKER} {org.slug}"
        line.account.save()
        other = books.pair("5", "7")
        push = Push.objects.create(
            org=org, connection=books.psa, epoch=1, remote_host="psa.example", remote_account="x", line=other,
            agreement_remote_id="1", line_remote_id="1", service_remote_id="1", write_kind="absolute", way="in_place",
            seen=5, wanted=7, effective_on=books.now.date(), key=uuid.uuid4(),
            request_hash="x", state="waiting",
        )  # fmt: skip
        lost = Push.objects.create(
            org=org, connection=books.psa, epoch=1, remote_host="psa.example", remote_account="x",
            account=other.account, agreement=other.agreement, service=other.service,
            agreement_remote_id="1", service_remote_id="1", write_kind="delta", way="add", seen=0, wanted=7,
            effective_on=books.now.date(), key=uuid.uuid4(), request_hash="x", state="person",
            reason="Nobody can tell.",
        )  # fmt: skip
        run = SyncRun.objects.create(org=org, integration=books.veeam, mode="quick", state="queued")
        snapshot = Snapshot.objects.create(org=org, integration=books.veeam, taken_at=books.now, state="held")
        member, invitation = invite_guest(org)
        view = SavedView.objects.create(org=org, name=f"{MARKER} {org.slug}", query="tab=held")
        settlement = Settlement.objects.create(
            org=org, line=line, through=books.now.date(), how="waived", units=2, note=f"{MARKER} {org.slug}"
        )
        # As if everybody had been a member before it was told.
        notice = Notice.objects.create(
            org=org, kind="sync_done", key="done", role=Role.VIEWER, title=f"{MARKER} {org.slug}", view="sync_status",
            at=books.now + timedelta(minutes=5),
        )  # fmt: skip
        rate = ExchangeRate.objects.create(
            org=org, base="EUR", quote="USD", rate="1.1", on="2026-01-05", source="manual"
        )
        return Things(
            report=close_past_month(org).pk, notice=notice.pk,
            slug=org.slug, card=books.card(line).pk, connection=books.psa.pk, integration=books.veeam.pk, run=run.pk,
            snapshot=snapshot.pk, vendor_account=VendorAccount.objects.earliest("pk").pk, push=push.pk,
            lost=lost.pk,
            vendor_service=VendorService.objects.earliest("pk").pk, account=line.account_id, line=line.pk,
            service=line.service_id or 0,
            settlement=settlement.pk, member=member.pk, invitation=invitation.pk, view=view.pk, rate=rate.pk,
            rule=keep_rule(org, line).pk,
        )  # fmt: skip


def call(client: Client, name: str, slug: str, things: Things, method: str) -> Any:
    route = ROUTES[name]
    url = reverse(name, args=[slug, *(getattr(things, thing) for thing in route.ids), *route.words])
    return client.get(url) if method == "GET" else client.post(url, route.form(things))


def rows(org: Organization) -> str:
    """Give everything that another organization could have harmed."""
    with org_scope(org.pk):
        models = (
            Connection, Integration, Card, Settlement, Push, SyncRun, Snapshot, VendorAccount, Notice, NoticeMark,
            Membership, Invitation, ExchangeRate, CountingRule,
            *MARKS,
        )  # fmt: skip
        # In an order, or the same rows could read as different ones.
        every = [row for model in models for row in model.objects.order_by("pk")]
        return serializers.serialize("json", every)


METHODS = [
    (name, method) for name, r in ROUTES.items() for method in ("GET", "POST") if getattr(r, method.lower())
]


def test_every_route_has_an_entry() -> None:
    assert set(tenant_routes()) == set(ROUTES)


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_each_role_does_exactly_its_part(
    name: str, method: str, org: Organization, alice: User, join: Callable[[str, Role], User], sign_in: Any
) -> None:
    things = furnish(org)
    needed = getattr(ROUTES[name], method.lower())
    people = {Role.OWNER: alice} | {role: join(role.label, role) for role in Role if role is not Role.OWNER}
    assert call(Client(), name, org.slug, things, method).headers["Location"].startswith("/account/login/")
    for role in Role:
        status = call(sign_in(people[role]), name, org.slug, things, method).status_code
        if role < needed:
            assert status == 403, f"{role.label} got {status}"
        else:
            assert status < 500, f"{role.label} got {status}"
            assert status not in (403, 404), f"{role.label} got {status}"


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_a_stranger_gets_404_and_sees_nothing(
    name: str, method: str, org: Organization, charlie: User, other_org: Organization, sign_in: Any
) -> None:
    things = furnish(org)
    before = rows(org)
    response = call(sign_in(charlie), name, org.slug, things, method)
    assert response.status_code == 404
    assert MARKER not in response.content.decode()
    assert rows(org) == before


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_another_organizations_ids_name_nothing_here(
    name: str, method: str, org: Organization, charlie: User, other_org: Organization, sign_in: Any
) -> None:
    things = furnish(org)
    before = rows(org)
    response = call(sign_in(charlie), name, other_org.slug, things, method)
    if ROUTES[name].ids:
        assert response.status_code == 404
    assert response.status_code < 500
    assert f"{MARKER} {org.slug}" not in response.content.decode()
    assert rows(org) == before
