"""Tasks of syncs: the rows say what is due, these only bring them forward."""

from celery import shared_task
from django.utils import timezone

from reconcile.celery import wake
from reconcile.tenancy.tasks import TenantTask
from sync import runs


@shared_task(base=TenantTask)
def run_sync(org_id: int, run_id: int) -> None:
    """Bring one run forward."""
    runs.run(org_id, run_id)


@shared_task
def drain_runs() -> None:
    """Wake a worker for every due run: lost wake-ups, waits that are over and run-out leases end here."""
    for org_id, run_id in runs.find_due(timezone.now()):
        wake(runs.RUN, org_id, run_id)
