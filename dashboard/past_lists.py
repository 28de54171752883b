"""The lines of a past day in their groups, for reading: nothing on this list can be decided any more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.conf import settings

from accounts.exchange import Exchange
from dashboard import past_loading
from dashboard.past import Judged
from dashboard.past_counts import Pair
from dashboard.sums import Sides, two_sides
from psa.models import Account, AgreementLine, Connection, Service

DIFFERENT = frozenset({"adjust", "held", "new"})
COMPARED = DIFFERENT | {"match"}
ZERO = Decimal(0)


@dataclass(frozen=True)
class PastRow:
    """One line of a past day, with the names that it has today."""

    pair: Pair
    judged: Judged
    account: str
    service: str
    agreement: str
    connection: str
    currency: str
    remote_id: str

    @property
    def delta(self) -> Decimal | None:
        vendor = self.judged.verdict.vendor_units
        return None if vendor is None else vendor - (self.judged.quantity or ZERO)

    @property
    def weight(self) -> Decimal:
        return abs(self.judged.verdict.effect or ZERO)


@dataclass
class PastGroup:
    """The rows of one service on this page."""

    name: str
    rows: list[PastRow] = field(default_factory=list)


@dataclass(frozen=True)
class PastPage:
    """One page of a past day. The figures are of the whole day."""

    groups: Sequence[PastGroup]
    lines: int
    number: int
    last: int
    compared: int
    different: int
    sides: Sides

    @property
    def before(self) -> int:
        return self.number - 1

    @property
    def after(self) -> int:
        return self.number + 1


def list_day(
    org_id: int, day: date, exchange: Exchange, *, query: str = "", everything: bool = False, page: int = 1
) -> PastPage:
    """Recompute a day and give one page of it: what differed, or `everything`. A fixed number of queries.

    `exchange` has the rates of that day.
    """
    rows = _recompute(org_id, day)
    wanted = _choose(rows, query, everything=everything)
    size = settings.PAGE_LINES
    last = max(1, -(-len(wanted) // size))
    number = min(page, last)
    groups: dict[str, PastGroup] = {}
    for row in wanted[(number - 1) * size : number * size]:
        groups.setdefault(row.service, PastGroup(row.service)).rows.append(row)
    lines = [row for row in rows if row.judged.line is not None]
    return PastPage(
        groups=list(groups.values()),
        lines=len(wanted),
        number=number,
        last=last,
        compared=sum(row.judged.verdict.kind in COMPARED for row in lines),
        different=sum(row.judged.verdict.kind in DIFFERENT for row in rows),
        sides=two_sides(((row.currency, row.judged.verdict.effect) for row in rows), exchange),
    )


def list_whole_day(org_id: int, day: date, *, query: str = "", everything: bool = False) -> list[PastRow]:
    """Recompute a day and give all lines of its pages, in their order. As many queries as for one page."""
    return _choose(_recompute(org_id, day), query, everything=everything)


def _recompute(org_id: int, day: date) -> list[PastRow]:
    whole = past_loading.load(org_id)
    judged = [(pair, one) for pair in whole.pairs() for one in whole.judge(pair, day)]
    return name_rows(org_id, {line.pk: line for lines in whole.lines.values() for line in lines}, judged)


def _choose(rows: Iterable[PastRow], query: str, *, everything: bool) -> list[PastRow]:
    wanted = [row for row in rows if _is_wanted(row, query.casefold().split(), everything=everything)]
    return sorted(wanted, key=lambda row: (row.service.casefold(), -row.weight, row.account.casefold()))


def _is_wanted(row: PastRow, terms: Sequence[str], *, everything: bool) -> bool:
    if not everything and row.judged.verdict.kind not in DIFFERENT:
        return False
    text = f"{row.account} {row.service} {row.agreement}".casefold()
    return all(term in text for term in terms)


def name_rows(
    org_id: int, lines: dict[int, AgreementLine], judged: Iterable[tuple[Pair, Judged]]
) -> list[PastRow]:
    """Give what was judged with the names that it has today: three queries."""
    accounts = dict(Account.objects.filter(org_id=org_id).values_list("pk", "name"))
    services = {pk: (name, psa) for pk, name, psa in Service.objects.filter(org_id=org_id).values_list(
        "pk", "name", "connection_id"
    )}  # fmt: skip
    psas = {psa.pk: psa for psa in Connection.objects.filter(org_id=org_id)}
    rows = []
    for (account, service), one in judged:
        line = None if one.line is None else lines[one.line]
        name, psa = services.get(service or 0, ("No service", 0))
        connection = psas.get(line.connection_id if line else psa)
        rows.append(
            PastRow(
                pair=(account, service),
                judged=one,
                account=accounts.get(account, ""),
                service=name,
                agreement=line.agreement.name if line else "",
                connection=str(connection or ""),
                currency=(line.agreement.currency if line else "")
                or (connection.currency if connection else ""),
                remote_id=line.remote_id if line else "",
            )
        )
    return rows
