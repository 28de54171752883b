"""Finds what has become of pushes whose card has gone: pages that are open still ask for it, and people must see it."""

from django.db.models import Exists, OuterRef, QuerySet

from accounts import audit
from accounts.models import User
from dashboard.decisions import Refused, refuse_closed
from dashboard.models import Card
from psa import pushes
from psa.adapters.base import Way
from psa.models import Push


def card_after(push: Push) -> Card | None:
    """Give the card of the line that a push is about by now; of an addition, that of the newest line of its usage."""
    cards = Card.objects.filter(org_id=push.org_id, line__isnull=False)
    if push.line_id is not None:
        return cards.filter(line=push.line_id).first()
    return cards.filter(account=push.account_id, service=push.service_id).order_by("-pk").first()


def list_additions(org_id: int) -> QuerySet[Push]:
    """Give the additions that a person must look up and that no card shows (RELIABILITY R4): one query.

    The card of the usage goes when a sync brings a line of it into the mirror, or when nothing is used any more. What
    somebody has added again since is that later push's matter.
    """
    additions = Push.objects.filter(org_id=org_id, way=Way.ADD)
    later = additions.filter(
        account=OuterRef("account"), service=OuterRef("service"), pk__gt=OuterRef("pk")
    ).exclude(state=Push.State.CANCELLED)
    waiting = additions.filter(state=Push.State.PERSON).exclude(Exists(later))
    unseen = waiting.exclude(Exists(Card.objects.filter(org_id=org_id, push=OuterRef("pk"))))
    return unseen.select_related("account", "service", "connection").order_by("pk")


def look_again(org_id: int, push_id: int, *, by: User) -> None:
    """Have an addition that no card shows looked up in the PSA once more. Raises Refused.

    It is sent again only when the PSA surely does not show it (RELIABILITY 1, step 8).
    """
    audit.hold(org_id)
    refuse_closed(org_id)
    push = list_additions(org_id).filter(pk=push_id).first()
    if push is None:
        raise Refused("That added line waits for nobody any more. Reload the page to see what became of it.")
    try:
        pushes.look_again(push, by=by)
    except pushes.PushRefused as refused:
        raise Refused(refused.sentence) from refused
