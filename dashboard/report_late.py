"""The report of a month that was signed after its end: of which moment its numbers are, what is not told (E13)."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Max, Q

from accounts.models import AuditHead, Organization, User
from accounts.rates import exchange_for
from dashboard.grace import last_day_of
from dashboard.late_lines import LateLine
from dashboard.models import Card
from dashboard.past import end_of
from dashboard.past_exports import explain
from dashboard.report_content import name_signing, plain, sum_up, tell_decision
from dashboard.report_together import bring_together
from dashboard.templatetags.lines import reason_words
from psa.models import Connection
from reconcile.tables import trim
from vendors.models import Integration, Snapshot

COMPARED = (Card.Kind.ADJUST, Card.Kind.MATCH, Card.Kind.HELD)
UNTOLD = (
    "Names, mappings, agreements, units included free and guards are those of the day of signing: the PSA keeps no "
    "past of them. Which usage was not mapped, which lines were left out of the lists, when the PSA had last been read "
    "and whether a source was held are known of today only, so they are not in this report."
)


def compose_late(
    org: Organization,
    *,
    period: date,
    version: int,
    at: datetime,
    by: User,
    role: str,
    head: AuditHead,
    lines: Sequence[LateLine],
    pushes: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Say everything that is known of a month as it stood at its end; the totals are those of the recomputed day."""
    last_day = last_day_of(period)
    ended = end_of(last_day)
    told = [_line(one) for one in lines]
    found = sum_up(told, [push for push in pushes if _ended_by(push, ended)])
    exchange = exchange_for(org.pk, on=last_day)
    content: dict[str, Any] = plain(
        name_signing(org, period=period, version=version, at=at, by=by, role=role, head=head)
        | {
            "as_of": last_day,
            "sources": _sources(org.pk, ended),
            "coverage": _coverage(lines, exchange.currency),
            "totals": found,
            "together": bring_together(found, exchange),
            "lines": told,
            "pushes": [_tell_push(push, ended) for push in pushes],
            "exceptions": [_except(one, line) for one, line in zip(lines, told, strict=True) if one.carrying],
            "unmapped": None,
            "hidden": [],
        }
    )
    return content


def explain_late(content: dict[str, Any]) -> str:
    """Say of which moment a report's numbers are when it was signed after its month; "" for one signed in time."""
    if not content.get("as_of"):
        return ""
    last_day, signed = date.fromisoformat(content["as_of"]), datetime.fromisoformat(content["closed"]["at"])
    return (
        f"As of {last_day:%-d %b %Y}, signed {signed:%-d %b %Y}. The quantities, prices, counts, gaps and exchange "
        f"rates are those of the end of {last_day:%-d %B} (UTC), recomputed; decisions are those that stood then. "
        + UNTOLD
    )


def _line(one: LateLine) -> dict[str, Any]:
    row = one.row
    why = ". ".join(filter(None, (explain(row), one.after)))
    return {
        "id": row.remote_id, "account": row.account, "agreement": row.agreement,
        "service": "" if one.service_id is None else row.service, "kind": one.kind,
        "kind_label": Card.Kind(one.kind).label, "state": one.state, "state_label": one.state_label, "why": why,
        "connection": row.connection, "source": "", "psa_units": trim(one.psa_units),
        "vendor_units": trim(one.vendor_units), "difference": trim(row.delta), "price": trim(row.judged.price),
        "effect": trim(one.effect), "currency": row.currency, "psa_read_at": None, "counted_at": None,
        "unknown_since": None, "outcome": one.outcome, "carried": one.carrying, "decision": tell_decision(one.decision),
    }  # fmt: skip


def _except(one: LateLine, line: dict[str, Any]) -> dict[str, Any]:
    """Name an exception with who accounted for it: by a reason, or by having approved it in time."""
    said: Any = one.decision if one.after else one.mark
    return line | {"reason": one.carrying, "by": str(said.by or ""), "at": said.at}


def _ended_by(push: dict[str, Any], moment: datetime) -> bool:
    return push["finished_at"] is None or push["finished_at"] <= moment


def _tell_push(push: dict[str, Any], moment: datetime) -> dict[str, Any]:
    """Say of a push that ended after the month when it did: it is in the report of that month as what it changed."""
    if _ended_by(push, moment):
        return push
    return push | {"state_label": f"{push['state_label']}, after the month"}


def _coverage(lines: Sequence[LateLine], currency: str) -> dict[str, Any]:
    with_source = [
        one for one in lines if one.line_id and one.kind not in (Card.Kind.HIDDEN, Card.Kind.PSA_ONLY)
    ]
    missing = Counter(one.row.judged.verdict.reason for one in with_source if one.kind not in COMPARED)
    return {
        "billable": len(with_source),
        "compared": sum(one.kind in COMPARED for one in with_source),
        "missing": [
            {"label": reason_words(reason), "lines": number, "billed": None}
            for reason, number in sorted(missing.items())
        ],
        "currency": currency,
    }  # fmt: skip


def _sources(org_id: int, moment: datetime) -> list[dict[str, Any]]:
    """Name the sources with the last count that had been published by then; when a PSA had been read is not kept."""
    published = Q(snapshot__state=Snapshot.State.PUBLISHED, snapshot__taken_at__lte=moment)
    counted = Integration.objects.filter(org_id=org_id).annotate(
        last=Max("snapshot__taken_at", filter=published)
    )
    rows = [
        {"name": str(c), "kind": c.kind, "as_of": None, "held": None}
        for c in Connection.objects.filter(org_id=org_id).order_by("name")
    ]
    return rows + [
        {"name": str(i), "kind": i.kind, "as_of": i.last, "held": None} for i in counted.order_by("name")
    ]
