"""What a person does with differences that wait: dismiss and snooze, one line or a selection."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.rates import exchange_for
from accounts.roles import Role
from dashboard import asides, bulk, cards, decisions, rule_offers, selection, totals
from dashboard.asides import Aside
from dashboard.bulk_views import show_results
from dashboard.decisions import Refused
from dashboard.entries import day_in, seen_in
from dashboard.views import find, refuse_line, show_row
from dashboard.words import DISMISS_REASONS
from reconcile.period import month_of
from reconcile.templatetags.figures import short_date
from reconcile.tenancy.views import OrgRequest, member_view


@require_POST
@member_view(Role.REVIEWER)
def dismiss(request: OrgRequest, card_id: int) -> HttpResponse:
    """Set one difference aside for this period."""
    return _set_aside(request, card_id, _dismissal)


@require_POST
@member_view(Role.REVIEWER)
def snooze(request: OrgRequest, card_id: int) -> HttpResponse:
    """Set one difference aside until a day."""
    return _set_aside(request, card_id, _snooze)


@require_POST
@member_view(Role.REVIEWER)
def dismiss_preview(request: OrgRequest) -> HttpResponse:
    """Show what dismissing the selected lines would set aside; nothing is decided by this."""
    context = _preview(request, asides.why_not_dismissed) | {"reasons": DISMISS_REASONS}
    return render(request, "dashboard/dismiss_many_dialog.html", context)


@require_POST
@member_view(Role.REVIEWER)
def snooze_preview(request: OrgRequest) -> HttpResponse:
    """Show what snoozing the selected lines would set aside; nothing is decided by this."""
    return render(request, "dashboard/snooze_many_dialog.html", _preview(request, asides.why_not_snoozed))


@require_POST
@member_view(Role.REVIEWER)
def dismiss_many(request: OrgRequest) -> HttpResponse:
    """Dismiss the lines of a preview; each line says for itself what became of it."""
    return _set_many_aside(request, _dismissal)


@require_POST
@member_view(Role.REVIEWER)
def snooze_many(request: OrgRequest) -> HttpResponse:
    """Snooze the lines of a preview; each line says for itself what became of it."""
    return _set_many_aside(request, _snooze)


def _dismissal(request: OrgRequest) -> Aside:
    return Aside(_reason(request) or DISMISS_REASONS[-1])


def _snooze(request: OrgRequest) -> Aside:
    """Read until when: a button names a day of its own, else the field's day counts."""
    day = day_in(request.POST.get("until") or request.POST.get("day", ""))
    if day is None:
        raise Refused("Choose the day on which the line comes back.")
    return Aside(_reason(request), asides.check_day(day, timezone.now().date()))


def _reason(request: OrgRequest) -> str:
    return request.POST.get("reason", "").replace("\x00", "").strip()[:200]


def _set_aside(request: OrgRequest, card_id: int, read: Any) -> HttpResponse:
    card = find(request, card_id)
    decisions.keep_up(request.org.pk)
    try:
        aside = read(request)
        card = decisions.find(request.org.pk, card_id)
        asides.set_aside(card, seen_in(request), aside, by=request.user)
    except Refused as refused:
        return refuse_line(request, refused, card_id)
    words = f"Snoozed until {short_date(aside.until)}:" if aside.until else "Dismissed:"
    offer = rule_offers.propose(card, aside.reason) if request.member.may(Role.ADMIN) else ""
    toast = f"{words} {decisions.label(card)}. U takes it back."
    return show_row(request, find(request, card_id), toast, offer=offer)


def _preview(request: OrgRequest, why_not: Any) -> dict[str, Any]:
    decisions.keep_up(request.org.pk)
    chosen = selection.read(request)
    preview = bulk.preview(request.org.pk, chosen.ids, why_not)
    today = timezone.now().date()
    return {
        "preview": preview,
        "beyond": chosen.beyond,
        "packed": selection.pack(preview.cards),
        "effect": totals.add_effects(preview.cards, exchange_for(request.org.pk)),
        "period": month_of(timezone.now()),
        "bills_from": cards.bills_from(),
        "presets": asides.presets(today),
        "last_day": today + timedelta(days=asides.LONGEST_DAYS),
    }


def _set_many_aside(request: OrgRequest, read: Any) -> HttpResponse:
    decisions.keep_up(request.org.pk)
    act = uuid4()
    aside, seen = read(request), selection.unpack(request)
    done, left = asides.set_many_aside(request.org.pk, seen, aside, by=request.user, act=act)
    if aside.until:
        words = f"{len(done)} snoozed until {short_date(aside.until)}"
        more = "They come back by themselves on that day, or when one of their numbers changes."
    else:
        words = f"{len(done)} dismissed"
        more = "They come back with the next period, or when one of their numbers changes."
    return show_results(request, words, more, left, act if done else None)
