"""What the lines say now, for the apps below that ask before they change something."""

from collections.abc import Sequence

from dashboard.models import Card
from dashboard.writes import open_effect
from vendors.mapping_effect import LineFigures


def read_lines(org_id: int, account_ids: Sequence[int] | None) -> list[LineFigures]:
    """Give the figures of an organization's lines (of some accounts, when named): one query."""
    cards = Card.objects.filter(org_id=org_id).select_related("account", "service", "connection", "decision")
    if account_ids is not None:
        cards = cards.filter(account_id__in=account_ids)
    return [_figures(card) for card in cards]


def _figures(card: Card) -> LineFigures:
    return LineFigures(
        key=card.line_id or (card.account_id, card.service_id),
        account=str(card.account),
        service=str(card.service or "No service"),
        kind=card.get_kind_display(),
        state=card.get_state_display(),
        psa_units=card.psa_units,
        vendor_units=card.vendor_units,
        effect=open_effect(card),
        currency=card.currency,
        psa=str(card.connection),
    )
