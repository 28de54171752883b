"""The rows of the back-billing page: each proposal with its line, its card and its currency."""

from accounts.exchange import Exchange
from dashboard import back_billing
from dashboard.models import Card
from dashboard.sums import worth
from psa.models import AgreementLine

# A line, what its invoices missed, its card and its currency.
MissedRow = tuple[AgreementLine, back_billing.Proposal, int | None, str]


def list_missed(org_id: int, exchange: Exchange) -> list[MissedRow]:
    """Give the lines whose past invoices missed units, the largest amount first: a fixed number of queries."""
    found = {one.line: one for one in back_billing.find(org_id)}
    lines = AgreementLine.objects.filter(org_id=org_id, pk__in=found)
    named = lines.select_related("account", "service", "agreement", "connection")
    cards = dict(Card.objects.filter(org_id=org_id, line__in=found).values_list("line_id", "pk"))
    rows = [(line, found[line.pk], cards.get(line.pk), _currency(line)) for line in named]
    rows.sort(key=lambda row: (-worth(row[1].amount, row[3], exchange), row[0].account.name, row[0].pk))
    return rows


def _currency(line: AgreementLine) -> str:
    return str(line.agreement.currency or line.connection.currency)
