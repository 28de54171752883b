"""Sending what waits: collected pushes when somebody says so, dated ones on their day (B6)."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import User
from dashboard import alone
from dashboard.decisions import keep_up, label, refuse_closed
from dashboard.models import Card
from dashboard.months import find_closed
from dashboard.seconds import MOVED_ON, is_as_approved
from psa import pushes
from psa.models import Push
from reconcile.signals import figures_changed

TOO_EARLY = "It is to be sent on {day}. To send it now, undo it and approve it again."
NOT_AGREED = "It waits for a second approver."


def release(org_id: int, push_ids: Sequence[int], *, by: User) -> tuple[list[Push], list[tuple[Card, str]]]:
    """Send collected pushes; one whose count has changed since it was approved waits for another look."""
    audit.hold(org_id)
    refuse_closed(org_id)
    fit: list[Card] = []
    left: list[tuple[Card, str]] = []
    for card in _waiting(org_id).filter(push__in=push_ids):
        if reason := why_not_released(card):
            left.append((card, reason))
        else:
            fit.append(card)
    waits = {card.pk for card in alone.ask_second(org_id, fit, by=by)}
    left += [(card, alone.TOGETHER) for card in fit if card.pk in waits]
    return pushes.release([card.push for card in fit if card.pk not in waits], by=by), left


def why_not_released(card: Card) -> str:
    """Say why a waiting push is not sent now; empty when it is."""
    push: Push = card.push
    if push.waits_for_second:
        return NOT_AGREED
    if push.release_on and push.release_on > timezone.now().date():
        return TOO_EARLY.format(day=f"{push.release_on:%-d %b}")
    return "" if is_as_approved(card) else MOVED_ON


def release_due(org_id: int) -> list[Push]:
    """Send the pushes whose chosen day has come; one that moved on waits for a person instead."""
    keep_up(org_id)
    if find_closed(org_id):
        return []
    due = list(_waiting(org_id).filter(push__release_on__lte=timezone.now().date()))
    agreed = [card for card in due if not card.push.waits_for_second]
    _keep_back(org_id, [card for card in agreed if not is_as_approved(card)])
    return pushes.release([card.push for card in agreed if is_as_approved(card)])


def _keep_back(org_id: int, moved: Sequence[Card]) -> None:
    """Let pushes wait for a person instead of a day, and say why."""
    if not moved:
        return
    Push.objects.filter(pk__in=[card.push_id for card in moved]).update(release_on=None, reason=MOVED_ON)
    notes = [audit.Note(f"push:{card.push_id}", label(card), new={"reason": MOVED_ON}) for card in moved]
    audit.record_all(org_id, actor=None, verb="push kept back", notes=notes)
    figures_changed.send(Push, org_id=org_id, account_ids=sorted({card.account_id for card in moved}))


def _waiting(org_id: int) -> QuerySet[Card]:
    cards = Card.objects.filter(org_id=org_id, state=Card.State.READY, push__state=Push.State.WAITING)
    return cards.select_related("push", "decision", "account", "service", "line").order_by("pk")
