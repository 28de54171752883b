"""What a month's report says of pushes (E13): which belong to it, what each changed, and for which line."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Q

from dashboard.models import Decision
from dashboard.thresholds import price_push
from psa.models import Push
from reconcile.period import next_month
from reconcile.tables import trim


def list_pushes(org_id: int, period: date, *, since: bool = False) -> list[dict[str, Any]]:
    """Give the pushes that ended in a month, those asked for in it that have not, and all that wait for their day.

    Two queries. What is sent in a later month is in that month's report again, as what became of it. `since`: the month
    is over, and what was asked for in it and has ended after it is told, too.
    """
    begins, ends = (datetime(d.year, d.month, d.day, tzinfo=UTC) for d in (period, next_month(period)))
    fits = Q(finished_at__gte=begins, finished_at__lt=ends)
    fits |= Q(finished_at=None, created_at__gte=begins, created_at__lt=ends)
    fits |= Q(state=Push.State.WAITING, created_at__lt=ends)
    if since:
        fits |= Q(created_at__gte=begins, created_at__lt=ends)
    found = Push.objects.filter(fits, org_id=org_id).select_related(
        "line__account", "line__service", "line__agreement", "account", "service", "agreement", "connection",
        "requested_by", "second_by",
    )  # fmt: skip
    pushes = list(found.order_by("pk"))
    by_rule = Decision.objects.filter(org_id=org_id, push__in=pushes, rule__isnull=False)
    rules = {decision.push_id: str(decision.rule) for decision in by_rule.select_related("rule")}
    firsts = _find_firsts(pushes)
    return [_tell(push, rules.get(push.pk, ""), firsts[push.pk]) for push in pushes]


def corrections(pushes: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Give the confirmed pushes of each line that they corrected; what was taken back again corrected nothing."""
    made: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for push in pushes:
        if push["state"] == Push.State.CONFIRMED:
            made.setdefault((push["currency"], push["first"]), []).append(push)
    return [every for every in made.values() if every[0]["from"] != every[-1]["to"]]


def _find_firsts(pushes: Sequence[Push]) -> dict[int, str]:
    """Name for each push the first one of the same line, followed into the lines that additions and splits made.

    Two connections may name two lines alike, and a line to be added has no name before it is there.
    """
    firsts: dict[int, str] = {}
    began: dict[tuple[int, str], str] = {}
    for push in pushes:
        line = push.connection_id, push.line_remote_id
        firsts[push.pk] = began.get(line, push.reference) if push.line_remote_id else push.reference
        if push.state == Push.State.CONFIRMED:
            began[line] = began[push.connection_id, push.result_line_remote_id] = firsts[push.pk]
    return firsts


def _label(push: Push) -> str:
    """Say what became of a push by then: one that waits for a chosen day has not been written."""
    if push.state == Push.State.WAITING and push.release_on:
        return f"Waits for {push.release_on:%-d %b %Y}"
    return push.get_state_display()


def _tell(push: Push, rule: str, first: str) -> dict[str, Any]:
    line, change = push.line, price_push(push)
    return {
        "reference": push.reference, "first": first, "line": push.line_remote_id or push.result_line_remote_id,
        "account": str(push.for_account), "service": str(push.for_service or ""),
        "agreement": str(push.for_agreement), "connection": str(push.connection), "from": trim(push.seen),
        "to": trim(push.wanted), "read_back": trim(push.read_back), "effective_on": push.effective_on,
        "state": push.state, "state_label": _label(push), "by": str(push.requested_by or rule),
        "at": push.created_at, "second_by": str(push.second_by or ""), "second_at": push.second_at,
        "finished_at": push.finished_at, "undoes": push.undoes_id is not None,
        "price": trim(line.unit_price if line else push.unit_price), "currency": change.currency,
        "why": push.reason, "effect": trim(change.amount),
    }  # fmt: skip
