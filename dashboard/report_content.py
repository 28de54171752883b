"""What a closed month's report holds: plain values, read once, from which every later rendering is made (E13)."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.exchange import Exchange
from accounts.models import AuditHead, Organization, User
from accounts.rates import exchange_for
from dashboard import totals
from dashboard.exports import explain_gaps
from dashboard.hidden import find_hidden
from dashboard.models import Card, CarryOver, Decision
from dashboard.months import with_marks
from dashboard.report_pushes import corrections, list_pushes
from dashboard.report_together import bring_together
from dashboard.rows import Row
from reconcile.tables import trim

FORMAT = 1
ZERO = Decimal(0)
PARTS = ("corrected", "dismissed", "snoozed", "carried")


def compose(
    org: Organization, *, period: date, version: int, at: datetime, by: User, role: str, head: AuditHead
) -> dict[str, Any]:
    """Read everything that the report of the current period says: a fixed number of queries, however many lines."""
    cards = list(_cards(org.pk))
    pushes = list_pushes(org.pk, period)
    lines = [_line(card) for card in cards]
    found = sum_up(lines, pushes)
    exchange = exchange_for(org.pk, on=timezone.localdate(at))
    content: dict[str, Any] = plain(
        name_signing(org, period=period, version=version, at=at, by=by, role=role, head=head)
        | {
            "sources": _sources(org.pk, at),
            "coverage": _coverage(org.pk, exchange),
            "totals": found,
            "together": bring_together(found, exchange),
            "lines": lines,
            "pushes": pushes,
            "exceptions": _exceptions(org.pk, period, cards),
            "unmapped": _unmapped(org.pk),
            "hidden": _hidden(org.pk),
        }
    )
    return content


def name_signing(
    org: Organization, *, period: date, version: int, at: datetime, by: User, role: str, head: AuditHead
) -> dict[str, Any]:
    """Say of which organization and month a report is, who signed it, and where the audit trail stood."""
    return {
        "format": FORMAT,
        "organization": {"name": org.name, "slug": org.slug},
        "period": period,
        "version": version,
        "closed": {"at": at, "by": str(by), "email": by.email, "role": role},
        "trail": {"seq": head.last_seq, "hash": head.last_hash},
    }


def sum_up(lines: Iterable[dict[str, Any]], pushes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add up what was found, by currency and by what became of it; unknown amounts are counted, not added."""
    sums: dict[tuple[str, str], dict[str, Any]] = {}

    def add(part: str, currency: str, effect: Decimal | None) -> None:
        for name in (part, "found"):
            row = sums.setdefault(
                (currency, name),
                {"currency": currency, "part": name, "lines": 0, "under": ZERO, "over": ZERO, "unknown": 0},
            )
            row["lines"] += 1
            if effect is None:
                row["unknown"] += 1
            else:
                row["under" if effect > 0 else "over"] += effect

    for made in corrections(pushes):
        # What costs nothing, because it is included, was corrected all the same.
        effects = [push["effect"] for push in made]
        add("corrected", made[0]["currency"], None if None in effects else sum(effects, ZERO))
    for line in lines:
        if line["outcome"] in PARTS:
            add(line["outcome"], line["currency"], line["effect"])
    order = {part: n for n, part in enumerate((*PARTS, "found"))}
    return sorted(sums.values(), key=lambda row: (row["currency"], order[row["part"]]))


def _cards(org_id: int) -> QuerySet[Any]:
    named = Card.objects.filter(org_id=org_id).select_related(
        "account",
        "service",
        "agreement",
        "integration",
        "connection",
        "push",
        "decision__by",
        "decision__rule",
        "line",
    )
    return with_marks(named).order_by("service__name", "account__name", "agreement__name", "pk")


def _line(card: Any) -> dict[str, Any]:
    row, decision = Row(card), card.decision
    return {
        "id": card.line.remote_id if card.line else "",
        "account": str(card.account), "agreement": str(card.agreement or ""), "service": str(card.service or ""),
        "kind": card.kind, "kind_label": card.get_kind_display(), "state": card.state,
        "state_label": card.get_state_display(), "why": explain_gaps(row) or "", "connection": str(card.connection),
        "source": str(card.integration or ""), "psa_units": trim(card.psa_units),
        "vendor_units": trim(card.vendor_units), "difference": trim(card.delta), "price": trim(card.price),
        "effect": trim(card.effect), "currency": card.currency, "psa_read_at": row.psa_read_at,
        "counted_at": card.integration.counted_at if card.integration else None,
        "unknown_since": card.unknown_since, "outcome": _outcome(card), "carried": card.carrying,
        "decision": tell_decision(decision),
    }  # fmt: skip


def tell_decision(decision: Decision | None) -> dict[str, Any] | None:
    """Say who decided what on a line, and why."""
    if decision is None:
        return None
    return {
        "verb": decision.get_verb_display(), "units": trim(decision.units), "reason": decision.reason,
        "by": str(decision.by or decision.rule or ""), "at": decision.at,
    }  # fmt: skip


def _outcome(card: Any) -> str:
    """Say what became of a difference that is still there; what the pushes corrected is added up from them."""
    if card.state == "snoozed":
        return "snoozed"
    if card.carrying and card.state in ("todo", "failed", "held"):
        return "carried"
    dismissed = card.state == "done" and card.decision is not None and card.decision.verb == "dismiss"
    return "dismissed" if dismissed and card.kind != Card.Kind.MATCH else ""


def _sources(org_id: int, now: datetime) -> list[dict[str, Any]]:
    found = totals.look_at_sources(org_id, 0, now)
    rows: list[dict[str, Any]] = [
        {"name": str(c), "kind": c.kind, "as_of": c.read_at, "held": False} for c in found.connections
    ]
    return rows + [
        {"name": str(i), "kind": i.kind, "as_of": i.counted_at, "held": bool(i.held)}
        for i in found.integrations
    ]


def _coverage(org_id: int, exchange: Exchange) -> dict[str, Any]:
    counted = totals.count(org_id, exchange)
    currency = counted.money.currency or exchange.currency
    reasons = [
        # Only the totals are converted: what else is not all in one currency has no sum.
        {
            "label": r.label,
            "lines": r.lines,
            "billed": trim(r.billed.get(currency) if len(r.billed) == 1 else None),
        }
        for r in counted.uncompared
    ]
    return {
        "billable": counted.billable, "compared": counted.compared, "missing": reasons, "currency": currency,
        "tabs": counted.tabs,
    }  # fmt: skip


def _exceptions(org_id: int, period: date, cards: Iterable[Any]) -> list[dict[str, Any]]:
    marks = CarryOver.objects.filter(org_id=org_id, period=period, undone_at__isnull=True).select_related(
        "by"
    )
    by_line = {mark.line_id or (mark.account_id, mark.service_id): mark for mark in marks}
    found = []
    for card in cards:
        if _outcome(card) != "carried":
            continue
        mark = by_line[card.line_id or (card.account_id, card.service_id)]
        found.append(_line(card) | {"reason": mark.reason, "by": str(mark.by or ""), "at": mark.at})
    return found


def _unmapped(org_id: int) -> dict[str, Any]:
    loose = totals.find_unmapped(org_id)
    currency, value = next(iter(loose.amounts.items())) if len(loose.amounts) == 1 else ("", None)
    return {
        "accounts": loose.accounts,
        "services": loose.services,
        "value": trim(value),
        "currency": currency,
    }


def _hidden(org_id: int) -> list[dict[str, Any]]:
    return [
        {
            "key": part.key, "label": part.label, "number": part.number, "units": trim(part.units),
            "unpriced": part.unpriced, "money": {currency: trim(value) for currency, value in part.money.items()},
        }
        for part in find_hidden(org_id, shows_all=False).parts
    ]  # fmt: skip


def plain(value: Any) -> Any:
    """Turn values into what JSON holds without loss: digits as text, times in UTC."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else value
