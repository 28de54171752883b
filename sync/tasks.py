"""Tasks of syncs: the rows say what is due, these only bring them forward."""

from celery import shared_task

from reconcile.celery import wake
from reconcile.clock import read_clock
from reconcile.tenancy.tasks import TenantTask
from sync import runs, schedules, turns


@shared_task(base=TenantTask)
def run_sync(org_id: int, run_id: int) -> None:
    """Bring one run forward."""
    runs.run(org_id, run_id)


@shared_task
def drain_runs() -> None:
    """Wake a worker for every due run: lost wake-ups, waits that are over and run-out leases end here."""
    for org_id, run_id in turns.find_due(read_clock()):
        wake(runs.RUN, org_id, run_id)


@shared_task(base=TenantTask)
def start_automatic_sync(org_id: int) -> None:
    """Start what is due of one organization's schedule."""
    schedules.start(org_id, read_clock())


@shared_task
def start_due_syncs() -> None:
    """Wake a worker for every organization whose next automatic sync is due."""
    for org_id in schedules.find_due(read_clock()):
        wake(schedules.START, org_id)
