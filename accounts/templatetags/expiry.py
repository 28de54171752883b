"""How a credential's last day is shown beside its source."""

from datetime import date

from django import template
from django.utils import timezone

from accounts import expiry

register = template.Library()


@register.filter
def ends_soon(day: date | None) -> str:
    """Write "Key expires in 12 days" while that is near; otherwise nothing."""
    return expiry.ends_soon(day, timezone.now().date())
