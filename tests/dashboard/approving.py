"""What tests of approving share: approve a line as its page shows it, and act on the push that its page shows."""

from typing import Any

from django.test import Client

from accounts.models import Organization
from dashboard.models import Card
from psa.models import Push
from reconcile.tenancy.scope import org_scope

HERE = "/o/northgate-it/lines"


def approve(client: Client, card: Card, **form: str) -> Any:
    with org_scope(card.org_id):
        card = Card.objects.get(pk=card.pk)
    seen = {
        "seen_psa": f"{card.psa_units.normalize():f}",
        "seen_vendor": f"{card.vendor_units.normalize():f}",
    }
    return client.post(f"{HERE}/{card.pk}/approve/", seen | form, headers={"HX-Request": "true"})


def act(client: Client, card: Card, name: str, **form: str) -> Any:
    """Act on a line whose push is the one that the page shows, unless the form names another."""
    if name in ("second", "turn-down"):
        form = {"push": push_on(card)} | form
    return client.post(f"{HERE}/{card.pk}/{name}/", form, headers={"HX-Request": "true"})


def push_on(card: Card) -> str:
    with org_scope(card.org_id):
        return str(Card.objects.get(pk=card.pk).push_id)


def states(org: Organization) -> list[tuple[str, bool]]:
    with org_scope(org.pk):
        return list(Push.objects.order_by("pk").values_list("state", "needs_second"))
