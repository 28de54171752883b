"""Tasks of integrations and mappings: telling of credentials that run out, and following what was planned."""

from celery import shared_task
from django.utils import timezone

from reconcile.celery import wake
from reconcile.clock import read_clock
from reconcile.period import month_of
from reconcile.tenancy.scope import org_scope
from reconcile.tenancy.tasks import TenantTask
from vendors import expiry, shapes


@shared_task(base=TenantTask)
def tell_of_ending(org_id: int) -> None:
    """Tell one organization of its credentials that end soon."""
    expiry.tell(org_id, timezone.now().date())


@shared_task
def find_ending() -> None:
    """Wake a worker for every organization with a credential that ends soon; what was told is not told again."""
    for org_id in expiry.find_organizations(timezone.now().date()):
        wake("vendors.tasks.tell_of_ending", org_id)


@shared_task(base=TenantTask)
def follow_month(org_id: int) -> None:
    """Make one organization's mappings today's that were planned for a month that has come."""
    with org_scope(org_id):
        shapes.apply_due(org_id, month_of(read_clock()))


@shared_task
def find_months_come() -> None:
    """Wake a worker for every organization with a planned mapping whose month has come."""
    for org_id in shapes.find_organizations(month_of(read_clock())):
        wake("vendors.tasks.follow_month", org_id)
