"""Sending what waits: collected pushes when somebody says so, dated ones on their day (B6)."""

from collections.abc import Sequence
from datetime import date

from django.db.models import QuerySet

from accounts import audit
from accounts.models import User
from accounts.notice_models import Kind
from accounts.notices import Place, query, tell
from dashboard import alone, stranded
from dashboard.decisions import keep_up, label, refuse_closed
from dashboard.models import Card
from dashboard.months import find_closed
from dashboard.seconds import MOVED_ON, is_as_approved
from psa import pushes
from psa.models import Push
from reconcile.clock import read_clock
from reconcile.period import month_of
from reconcile.signals import figures_changed

TOO_EARLY = "It is to be sent on {day}. To send it now, undo it and approve it again."
NOT_AGREED = "It waits for a second approver."
NOT_AGREED_BY_THEN = "Its day has come, and no second approver has agreed to it. Nothing was written."


def release(org_id: int, push_ids: Sequence[int], *, by: User) -> tuple[list[Push], list[tuple[Card, str]]]:
    """Send collected pushes; one whose count has changed since it was approved waits for another look."""
    audit.hold(org_id)
    refuse_closed(org_id)
    stranded.withdraw(org_id)
    fit: list[Card] = []
    left: list[tuple[Card, str]] = []
    today = read_clock().date()
    for card in _waiting(org_id).filter(push__in=push_ids):
        if reason := why_not_released(card, today):
            left.append((card, reason))
        else:
            fit.append(card)
    waits = {card.pk for card in alone.ask_second(org_id, fit, by=by)}
    left += [(card, alone.TOGETHER) for card in fit if card.pk in waits]
    return pushes.release([card.push for card in fit if card.pk not in waits], by=by), left


def why_not_released(card: Card, today: date) -> str:
    """Say why a waiting push is not sent now; empty when it is."""
    push: Push = card.push
    if push.waits_for_second:
        return NOT_AGREED
    if push.release_on and push.release_on > today:
        return TOO_EARLY.format(day=f"{push.release_on:%-d %b %Y}")
    return "" if is_as_approved(card) else MOVED_ON


def release_due(org_id: int) -> list[Push]:
    """Send the pushes whose day has come by the database's clock; one that may not go waits for a person instead."""
    now = read_clock()
    keep_up(org_id, now)
    if find_closed(org_id, month_of(now)):
        return []
    due = list(_waiting(org_id).filter(push__release_on__lte=now.date()))
    kept = [(card, reason) for card in due if (reason := _why_kept_back(card))]
    _keep_back(org_id, kept)
    back = {card.pk for card, _ in kept}
    return pushes.release([card.push for card in due if card.pk not in back])


def _why_kept_back(card: Card) -> str:
    if card.push.waits_for_second:
        return NOT_AGREED_BY_THEN
    return "" if is_as_approved(card) else MOVED_ON


def _keep_back(org_id: int, kept: Sequence[tuple[Card, str]]) -> None:
    """Let pushes wait for a person instead of a day, say why, and tell approvers."""
    if not kept:
        return
    for why in {reason for _, reason in kept}:
        those = [card.push.pk for card, reason in kept if reason == why]
        Push.objects.filter(pk__in=those).update(release_on=None, reason=why)
    notes = [audit.Note(f"push:{card.push_id}", label(card), new={"reason": why}) for card, why in kept]
    audit.record_all(org_id, actor=None, verb="push kept back", notes=notes)
    figures_changed.send(Push, org_id=org_id, account_ids=sorted({card.account_id for card, _ in kept}))
    (first, why), number = kept[0], len(kept)
    tell(
        org_id,
        Kind.PUSH_STOPPED,
        key="pushes kept back",
        title="1 push was not sent on its day"
        if number == 1
        else f"{number:,} pushes were not sent on their day",
        body=f"{label(first)}: {why}" + (f" {number - 1:,} more wait with it." if number > 1 else ""),
        place=Place("dashboard", query=query(tab="ready")),
    )


def _waiting(org_id: int) -> QuerySet[Card]:
    cards = Card.objects.filter(org_id=org_id, state=Card.State.READY, push__state=Push.State.WAITING)
    return cards.select_related("push", "decision", "account", "service", "line").order_by("pk")
