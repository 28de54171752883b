"""Derives the service cards of an organization: one SQL statement per change, for the accounts it affects.

The same rules stand in `dashboard/rules.py` as a pure function; a property test holds the two together.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib.resources import files

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Exists, Q
from django.utils import timezone

from dashboard import statistics
from dashboard.models import Card, Decision
from dashboard.rules import GAPS
from psa.models import AgreementLine
from reconcile.celery import wake
from reconcile.period import month_of, next_month
from vendors import shapes
from vendors.models import MappingSpan

_COUNTS = (files("dashboard") / "counts.sql").read_text()
REFRESH = (files("dashboard") / "refresh_cards.sql").read_text().replace("{counts}\n", _COUNTS)
GAPS_BY_RANK = [gap for gap in reversed(GAPS) if gap]
# Any constant will do: it names our lock beside the organization's id.
CARD_LOCK = 20_701
# From so many accounts on, reading the tables once beats looking up row by row, whatever the planner expects.
MANY_ACCOUNTS = 3


def refresh(org_id: int, account_ids: Sequence[int] | None = None, now: datetime | None = None) -> int:
    """Bring the cards of some accounts (None: of all) up to date; call it inside the organization's scope.

    Returns how many card rows were written or removed. Refreshes of one organization wait for each
    other, so that none overwrites a newer result with an older one.
    """
    if account_ids is not None and not account_ids:
        return 0
    moment = now or timezone.now()
    period = month_of(moment)
    lock(org_id)
    many = account_ids is None or len(account_ids) > MANY_ACCOUNTS
    with connection.cursor() as cursor, _planned_for(cursor, many=many):
        cursor.execute(
            REFRESH,
            {
                "org": org_id,
                "everyone": account_ids is None,
                "accounts": list(account_ids or []),
                "now": moment,
                "today": moment.astimezone(UTC).date(),
                "period": period,
                "bills_from": next_month(period),
                "gaps": GAPS_BY_RANK,
            },
        )
        written, stranded = cursor.fetchone()
    statistics.renew_after(written)
    if stranded:
        transaction.on_commit(partial(wake, "dashboard.tasks.follow_days", org_id), robust=True)
    return int(written)


def lock(org_id: int) -> None:
    """Wait for whoever writes cards of this organization, and keep others waiting until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [CARD_LOCK, org_id % 2_147_483_647])


def follow_added(org_id: int, push_id: int, line: AgreementLine) -> None:
    """Let the card of usage, and what was decided on it, become that of the line which now bills it.

    The card keeps its id, so the row and the panel that somebody looks at stay. Its figures follow in `refresh`.
    """
    lock(org_id)
    decided = Decision.objects.filter(org_id=org_id, undone_at=None)
    decided.filter(line=line).exclude(push=push_id).update(undone_at=timezone.now())
    decided.filter(push=push_id).update(line=line)
    if not Card.objects.filter(org_id=org_id, line=line).exists():
        usage = Card.objects.filter(
            org_id=org_id, account=line.account_id, service=line.service_id, line=None
        )
        usage.update(line=line, agreement=line.agreement_id)


@contextmanager
def _planned_for(cursor: CursorWrapper, *, many: bool) -> Iterator[None]:
    """Keep the planner from nested loops over many accounts' rows: it expects one row of what it has no statistics of.

    That is so of every new organization, and of all that was merged in this transaction; 20,000 lines would
    then be joined with each other line by line.
    """
    if many:
        cursor.execute("SELECT set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true)")
    yield
    if many:
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT; SET LOCAL jit TO DEFAULT")


def refresh_if_outdated(org_id: int, stale_hours: int, now: datetime | None = None) -> bool:
    """Refresh all cards when time alone has changed them: a new month, a snooze that is over, a count too old.

    With a new month the mappings that were planned for it become today's.
    """
    moment = now or timezone.now()
    period = month_of(moment)
    fresh = [Card.Kind.ADJUST, Card.Kind.MATCH, Card.Kind.NEW, Card.Kind.HELD]
    outdated = Card.objects.filter(org_id=org_id).filter(
        ~Q(period=period)
        | Exists(MappingSpan.due(org_id, period))
        | Q(state=Card.State.SNOOZED, decision__until__lte=moment.astimezone(UTC).date())
        | Q(kind__in=fresh, integration__counted_at__lt=moment - timedelta(hours=stale_hours))
    )
    if not outdated.exists():
        return False
    shapes.apply_due(org_id, period)
    refresh(org_id, None, moment)
    return True


def bills_from(now: datetime | None = None) -> date:
    """Give the day whose invoice the cards are about: the first of next month."""
    return next_month(month_of(now or timezone.now()))
