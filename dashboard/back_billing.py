"""Back-billing proposals (E12): past invoices that billed a line too low or too high, by what both sides said then.

A month is the invoice of its first day: what the line billed and what the vendors counted at the end of the day
before. The coming invoice is no part of it: approving the line corrects that one. Where the count was unknown, or
several lines shared it, nothing is proposed.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.models import User
from dashboard import past, past_loading
from dashboard.decisions import Refused
from dashboard.models import Settlement
from dashboard.past import Past
from psa.models import AgreementLine

MONTHS = 12
# A count of zero can be an outage, and a shared one is nobody's: neither is a reason to send an invoice or a credit.
DOUBTFUL = frozenset({"zero", "shared"})


@dataclass(frozen=True)
class Month:
    """One invoice that billed other than what was used; `amount` None: the line had no price then."""

    invoice_on: date
    billed: Decimal
    used: Decimal
    amount: Decimal | None

    @property
    def units(self) -> Decimal:
        return self.used - self.billed


@dataclass(frozen=True)
class Proposal:
    """What the past invoices of one line got wrong, oldest month first; positive: billed too low."""

    line: int
    months: Sequence[Month]

    @property
    def units(self) -> Decimal:
        """The unit-months."""
        return sum((month.units for month in self.months), Decimal(0))

    @property
    def amount(self) -> Decimal | None:
        """The money, in the line's currency; a gap in it is a gap."""
        amounts = [month.amount for month in self.months]
        return None if None in amounts else sum((a for a in amounts if a is not None), Decimal(0))


def propose(whole: Past, today: date, settled: Mapping[int, date]) -> list[Proposal]:
    """Look at the last twelve invoices of every line in `whole`; `settled`: through which invoice day, by line."""
    missed: dict[int, list[Month]] = defaultdict(list)
    ends = past.months_before(today, MONTHS)
    for pair in whole.lines:
        for end in ends:
            invoice_on = end + timedelta(days=1)
            for one in whole.judge(pair, end):
                used = one.verdict.vendor_units
                if one.line is None or one.quantity is None or used is None or used == one.quantity:
                    continue
                if one.verdict.reason in DOUBTFUL or invoice_on <= settled.get(one.line, date.min):
                    continue
                missed[one.line].append(Month(invoice_on, one.quantity, used, one.verdict.effect))
    return [Proposal(line, months) for line, months in sorted(missed.items())]


def find(org_id: int, *, line: AgreementLine | None = None) -> list[Proposal]:
    """Give the organization's proposals, or those of one line; needs its scope. A fixed number of queries."""
    whole = past_loading.load(org_id, line.account_id if line else None)
    found = propose(whole, timezone.now().date(), settled_through(org_id))
    return [one for one in found if line is None or one.line == line.pk]


def settle(line: AgreementLine, through: date | None, how: str, note: str, *, by: User) -> Settlement:
    """Note that a line's missed months up to an invoice day are dealt with; raises Refused when none are missed."""
    audit.hold(line.org_id)
    found = [one for one in find(line.org_id, line=line) if one.months[-1].invoice_on == through]
    if not found:
        raise Refused(
            "These months have changed since you opened the page. Nothing was noted: look at them again."
        )
    (proposal,) = found
    row = Settlement(
        org_id=line.org_id, line=line, through=proposal.months[-1].invoice_on, how=how, units=proposal.units,
        amount=proposal.amount, currency=line.agreement.currency or line.connection.currency, note=note, by=by,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise Refused("Somebody has just dealt with these months. Nothing more was noted.") from None
    audit.record(
        line.org_id, actor=by, verb="settled missed months",
        subject=f"settlement:{row.pk}", label=f"{line.account}, {line.service or line.description}",
        new={
            "how": how, "through": row.through, "units": row.units, "amount": row.amount,
            "currency": row.currency, "note": note,
        },
    )  # fmt: skip
    return row


def take_back(settlement: Settlement, *, by: User) -> None:
    """Propose the months again; raises Refused when that was done already."""
    audit.hold(settlement.org_id)
    standing = Settlement.objects.filter(pk=settlement.pk, undone_at__isnull=True)
    if not standing.update(undone_at=timezone.now()):
        raise Refused("That was taken back already.")
    audit.record(
        settlement.org_id, actor=by, verb="took back settled months", subject=f"settlement:{settlement.pk}",
        label=str(settlement.line.account), old={"through": settlement.through},
    )  # fmt: skip


def list_settled(org_id: int, many: int = 20) -> list[Settlement]:
    """Give the newest settlements that stand, with what a row prints."""
    rows = Settlement.objects.filter(org_id=org_id, undone_at__isnull=True)
    return list(rows.select_related("line__account", "line__service", "by").order_by("-at", "-pk")[:many])


def settled_through(org_id: int) -> dict[int, date]:
    """Give the last invoice day that is dealt with, by line."""
    rows = Settlement.objects.filter(org_id=org_id, undone_at__isnull=True)
    return dict(rows.values_list("line").annotate(Max("through")))
