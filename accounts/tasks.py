"""Tasks of letters and announcements: the rows say what is due, these only bring it forward."""

import logging
from typing import Any

from celery import shared_task
from celery.signals import beat_init
from django.db import DatabaseError

from accounts import addresses, letters
from reconcile.celery import wake
from reconcile.tenancy.tasks import TenantTask

log = logging.getLogger(__name__)


@shared_task(base=TenantTask, while_closed=True)
def send_letters(org_id: int) -> None:
    """Send what waits in one organization's outbox."""
    letters.send_due(org_id)


@shared_task
def drain_letters() -> None:
    """Wake a worker for every organization with letters to send: lost wake-ups end here."""
    for org_id in letters.find_organizations():
        wake(letters.SEND, org_id)


@shared_task(base=TenantTask)
def tell_addresses(org_id: int) -> None:
    """Tell one organization that our addresses have changed."""
    addresses.tell(org_id)


@shared_task
def spread_addresses() -> None:
    """Wake a worker for every organization that was not told yet, one task each."""
    for org_id in addresses.find_untold():
        wake("accounts.tasks.tell_addresses", org_id)


@beat_init.connect
def compare_addresses(**kwargs: Any) -> None:
    """Compare the addresses once per start: a tick would announce back and forth while two versions run."""
    try:
        if addresses.announce():
            log.info("our outgoing addresses have changed; every organization is told")
    except DatabaseError:
        log.exception("the outgoing addresses could not be compared; manage.py announce_addresses does it")
