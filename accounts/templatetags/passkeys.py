"""What the browser needs to know for a passkey, inside an attribute: the policy allows no script in the page."""

import json
from typing import Any

from django import template

register = template.Library()


@register.filter
def as_json(value: Any) -> str:
    """Write a value as JSON; the template escapes it for the attribute."""
    return json.dumps(value)
