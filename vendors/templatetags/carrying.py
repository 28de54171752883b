"""Offers to carry mappings over, for the page of a PSA connection, whose app knows nothing of mappings."""

from typing import Any

from django import template
from django.template import Context

from accounts.roles import Role
from psa.models import Connection
from vendors.carrying import list_offers

register = template.Library()


@register.inclusion_tag("vendors/carry_offers.html", takes_context=True)
def carry_offers(context: Context, connection: Connection | None = None) -> dict[str, Any]:
    """Offer what can be carried over into a connection, or into the newest one; only to those who may map."""
    request = context["request"]
    may_map = request.member.may(Role.ADMIN)
    return {"request": request, "offers": list_offers(request.org.pk, connection) if may_map else []}
