"""Tasks of integrations: telling of credentials that run out."""

from celery import shared_task
from django.utils import timezone

from reconcile.celery import wake
from reconcile.tenancy.tasks import TenantTask
from vendors import expiry


@shared_task(base=TenantTask)
def tell_of_ending(org_id: int) -> None:
    """Tell one organization of its credentials that end soon."""
    expiry.tell(org_id, timezone.now().date())


@shared_task
def find_ending() -> None:
    """Wake a worker for every organization with a credential that ends soon; what was told is not told again."""
    for org_id in expiry.find_organizations(timezone.now().date()):
        wake("vendors.tasks.tell_of_ending", org_id)
