"""What an admin does with exchange rates: enter one, import a file, remove one, put it back (G1)."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts import rates
from accounts.display_views import show
from accounts.models import ExchangeRate
from accounts.rate_forms import FileForm, RateForm
from accounts.rates import Imported
from accounts.roles import Role
from reconcile.tenancy.views import OrgRequest, member_view


@require_POST
@member_view(Role.ADMIN)
def rate_enter(request: OrgRequest) -> HttpResponse:
    """Keep one rate that was typed."""
    form = RateForm(request.POST)
    if not form.is_valid():
        return show(request, rate_form=form)
    changed = rates.enter(request.org.pk, form.entered, by=request.user)
    said = f"Kept: {form.entered.words}." if changed else "This rate is known already. Nothing was changed."
    messages.success(request, said)
    return redirect("settings_other", request.org.slug)


@require_POST
@member_view(Role.ADMIN)
def rate_import(request: OrgRequest) -> HttpResponse:
    """Keep the rates of a file, all of them or none."""
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        return show(request, file_form=form)
    name = form.cleaned_data["file"].name
    messages.success(request, tell(rates.import_file(request.org.pk, form.rates, name=name, by=request.user)))
    return redirect("settings_other", request.org.slug)


def tell(done: Imported) -> str:
    """Say what an import did, and what it did not."""
    said = [f"{done.added:,} rate{'' if done.added == 1 else 's'} added"]
    if done.replaced:
        said.append(f"{done.replaced:,} replaced, because the file says otherwise (see Activity)")
    if done.same:
        said.append(f"{done.same:,} known already")
    if done.too_old:
        said.append(f"{done.too_old:,} left out, because they are older than anything here needs")
    return (
        ", ".join(said) + "." if done.added or done.replaced else f"Nothing was changed: {', '.join(said)}."
    )


@require_POST
@member_view(Role.ADMIN)
def rate_remove(request: OrgRequest, rate_id: int) -> HttpResponse:
    """Take one rate out of use."""
    rate = find(request, rate_id)
    if rates.remove(request.org.pk, rate_id, by=request.user):
        messages.success(request, f"Removed: {rate}. You can put it back below the list.")
    else:
        messages.info(request, "This rate was removed already.")
    return redirect("settings_other", request.org.slug)


@require_POST
@member_view(Role.ADMIN)
def rate_put_back(request: OrgRequest, rate_id: int) -> HttpResponse:
    """Undo the removal of one rate."""
    rate = find(request, rate_id)
    if rates.put_back(request.org.pk, rate_id, by=request.user):
        messages.success(request, f"In use again: {rate}.")
    else:
        messages.info(request, "Nothing was changed: a rate of this pair and day is in use.")
    return redirect("settings_other", request.org.slug)


def find(request: OrgRequest, rate_id: int) -> ExchangeRate:
    """Give one rate of the organization, or 404."""
    rate = ExchangeRate.objects.filter(org_id=request.org.pk, pk=rate_id).first()
    if rate is None:
        raise Http404("No such rate")
    return rate
