"""When a difference is dismissed for a reason that will stand next month too, the dated rule that says it (D6)."""

from urllib.parse import urlencode

from django.db.models import Sum

from dashboard.models import Card
from dashboard.templatetags.lines import plain
from dashboard.words import INTERNAL, MINIMUM, PROMISED, SHARED


def propose(card: Card, reason: str) -> str:
    """Give the query of the form of a rule that makes this dismissal needless; "" when none would."""
    if card.service_id is None:
        return ""
    steps = _steps(card, reason)
    if not steps and reason != SHARED:
        return ""
    fields: list[tuple[str, object]] = [("service", card.service_id)]
    # What a contract says is said of its lines; who is counted is said of the account's count.
    if reason in (MINIMUM, PROMISED) and card.agreement_id:
        fields.append(("agreement", card.agreement_id))
    else:
        fields.append(("account", card.account_id))
    if reason == SHARED:
        fields.append(("combine", "distinct"))
    for do, by, note in steps:
        fields += [("do", do), ("by", by), ("note", note)]
    return urlencode(fields)


def _steps(card: Card, reason: str) -> list[tuple[str, str, str]]:
    """Give the steps as (do, by, note)."""
    if reason == INTERNAL and card.delta is not None and card.delta > 0:
        return [("exclude", plain(card.delta), "internal")]
    if card.psa_units is None:
        return []
    if reason == MINIMUM:
        return [("minimum", _billed(card), "contract")]
    if reason == PROMISED:
        return [("minimum", _billed(card), "promised"), ("maximum", _billed(card), "promised")]
    return []


def _billed(card: Card) -> str:
    """Give what the agreement bills of the service with all its lines: its rule is about them together."""
    beside = Card.objects.filter(
        org_id=card.org_id, account_id=card.account_id, service=card.service,
        agreement=card.agreement, line__isnull=False,
    ).exclude(kind=Card.Kind.HIDDEN)  # fmt: skip
    return plain(beside.aggregate(units=Sum("psa_units"))["units"])
