"""The link to support, written one way on every screen."""

from django import template
from django.template import Context

from accounts import support

register = template.Library()


@register.simple_tag(takes_context=True)
def support_link(context: Context, reference: str = "", cause: str = "") -> str:
    """Give the address that opens a ticket about a failure of the organization that the request is about."""
    org = getattr(context.get("request"), "org", None)
    return support.ticket_link(str(reference), slug=org.slug if org else "", cause=cause)
