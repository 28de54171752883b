"""Tasks of pushes and tickets: the rows say what is due, these only wake whoever brings them to their end."""

from collections.abc import Sequence

from celery import shared_task

from psa import push_runs, push_steps, ticket_runs
from reconcile.celery import wake
from reconcile.tenancy.tasks import TenantTask


@shared_task(base=TenantTask)
def send_pushes(org_id: int, push_ids: Sequence[int] = ()) -> None:
    """Send what is due in one organization, or these pushes of it."""
    push_runs.run(org_id, push_ids)


@shared_task
def drain_pushes() -> None:
    """Wake a worker for every organization with due pushes: lost wake-ups and run-out leases end here."""
    for org_id in push_steps.find_organizations():
        wake("psa.tasks.send_pushes", org_id)


@shared_task(base=TenantTask)
def create_tickets(org_id: int) -> None:
    """Make the tickets of one organization that are due."""
    ticket_runs.run(org_id)


@shared_task
def drain_tickets() -> None:
    """Wake a worker for every organization with due tickets: lost wake-ups and run-out leases end here."""
    for org_id in ticket_runs.find_organizations():
        wake("psa.tasks.create_tickets", org_id)
