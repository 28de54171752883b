"""Notices (A7): the page that lists them, marking them read, and what is mailed to whom."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from accounts import notices
from accounts.roles import Role
from reconcile.tenancy.views import OrgRequest, member_view

PAGE = 30


@require_safe
@member_view(Role.VIEWER)
def notice_list(request: OrgRequest) -> HttpResponse:
    """Show one page of notices, newest first, all or the unread ones, and the choice of e-mails."""
    member = request.member
    only_unread = request.GET.get("show") == "unread"
    found = notices.unread_by(member) if only_unread else notices.seen_by(member)
    number = _number(request.GET.get("page", ""))
    rows = list(found[(number - 1) * PAGE : number * PAGE + 1])
    context = {
        "rows": [(notice, notices.address_of(notice, request.org.slug)) for notice in rows[:PAGE]],
        "only_unread": only_unread,
        "unread": notices.unread_by(member).count(),
        "newer": number - 1,
        "older": number + 1 if len(rows) > PAGE else 0,
        "choices": notices.choices_of(member),
        "email": member.user.email,
    }
    return render(request, "notices/page.html", context)


@require_POST
@member_view(Role.VIEWER)
def notice_read(request: OrgRequest, pk: int) -> HttpResponse:
    """Mark one notice as read; with `go`, lead to where it is solved."""
    notice = get_object_or_404(notices.seen_by(request.member), pk=pk)
    notices.mark_read(request.member, [notice])
    if "go" in request.POST:
        return redirect(notices.address_of(notice, request.org.slug))
    return _back(request)


@require_POST
@member_view(Role.VIEWER)
def notices_read(request: OrgRequest) -> HttpResponse:
    """Mark all notices as read that the member may see."""
    notices.mark_read(request.member, notices.unread_by(request.member))
    return _back(request)


@require_POST
@member_view(Role.VIEWER)
def notice_choices(request: OrgRequest) -> HttpResponse:
    """Keep which kinds of notices the member wants by e-mail, too."""
    notices.choose(request.member, request.POST.getlist("mail"))
    messages.success(request, "Saved. It holds for you, in this organization.")
    return _back(request)


def _back(request: OrgRequest) -> HttpResponse:
    """Lead back to the page that asked, which is one of ours."""
    came_from = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came_from, {request.get_host()}) and "/notices/" in came_from:
        return redirect(came_from)
    return redirect("notices", request.org.slug)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 and int(text) else 1
