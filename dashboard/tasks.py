"""Tasks of the dashboard."""

from celery import shared_task
from django.db import connection

from dashboard import releasing, standing, statistics, stranded
from reconcile.celery import wake
from reconcile.clock import read_clock
from reconcile.tenancy.scope import org_scope
from reconcile.tenancy.tasks import TenantTask


@shared_task
def renew_statistics() -> None:
    """Tell the planner of organizations that have grown; a lost call is made good by the next autovacuum."""
    statistics.renew()


@shared_task
def find_days_come() -> None:
    """Wake a worker for every organization in which a day has come, of a snooze or a push, or a push lost its card."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organizations_with_a_day_come(%s)", [read_clock()])
        found = [org_id for (org_id,) in cursor.fetchall()]
    for org_id in found:
        wake("dashboard.tasks.follow_days", org_id)


@shared_task(base=TenantTask)
def follow_days(org_id: int) -> None:
    """Bring snoozed lines back whose day has come, and send the pushes that waited for theirs.

    What waits for nothing any more, because its card is gone, is taken back.
    """
    with org_scope(org_id):
        stranded.withdraw(org_id)
        releasing.release_due(org_id)


@shared_task(base=TenantTask)
def follow_rule(org_id: int) -> None:
    """Approve what the organization's standing rule chooses now (E15)."""
    standing.follow(org_id)
