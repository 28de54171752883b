"""Keeps the planner informed of new organizations: one that its statistics do not know is taken for a single row."""

from functools import partial

from django.db import connection, transaction

from reconcile.celery import wake

# So many cards written at once: a first sync, a first mapping, or a new month.
MANY_CARDS = 1000


def renew() -> None:
    """Have the database look again at the rows of its organizations; takes about a second."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT renew_tenant_statistics()")


def renew_after(cards_written: int) -> None:
    """Have a worker renew the statistics once this transaction has committed, when it has changed much."""
    if cards_written >= MANY_CARDS:
        transaction.on_commit(partial(wake, "dashboard.tasks.renew_statistics"), robust=True)
