"""What tests of a month's close share: the acts of a person through the URLs, and a month that is closed already."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.test import Client

from accounts import audit
from accounts.models import Membership, Organization
from dashboard.models import Card, MonthReport
from dashboard.report_content import compose
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books

See = Callable[[Callable[[], Any]], Any]
PAST = date(2025, 3, 1)


def close_past_month(org: Organization) -> MonthReport:
    """Lock a report of March 2025, made of the lines of today. Needs the organization's scope."""
    owner = Membership.objects.select_related("user").latest("role").user
    at = datetime(2025, 3, 31, 12, tzinfo=UTC)
    head = audit.hold(org.pk)
    content = compose(org, period=PAST, version=1, at=at, by=owner, role="Owner", head=head)
    report = MonthReport(
        org=org, period=PAST, version=1, closed_at=at, closed_by=owner, closed_by_label=owner.email, lines=1,
        exceptions=0,
    )  # fmt: skip
    report.seal(content)
    report.save()
    return report


def at(path: str) -> str:
    return f"/o/northgate-it/{path}"


def carry_all(client: Client, reason: str = "Waits for the client") -> Any:
    return client.post(at("close/carry/"), {"everything": "1", "reason": reason, "seen": seen_on(client)})


def seen_on(client: Client) -> str:
    """Give the fingerprint that the close page carries; empty once the month is closed."""
    page = client.get(at("close/")).content.decode()
    return page.partition('name="seen" value="')[2].partition('"')[0]


def sign(client: Client, seen: str | None = None, **more: str) -> Any:
    return client.post(
        at("close/sign/"), {"sure": "yes", "seen": seen_on(client) if seen is None else seen} | more
    )


def close(client: Client, see: See) -> MonthReport:
    carry_all(client)
    assert sign(client).status_code == 302
    report: MonthReport = see(lambda: MonthReport.objects.latest("pk"))
    return report


def change(books: Books, card: Card, quantity: str) -> None:
    """Change a line in the mirror, as a sync does."""
    with org_scope(books.org.pk):
        card.line.quantity = Decimal(quantity)
        card.line.save()
        books.refresh()
