"""The ways to sign in beside the password, for the templates that offer them."""

from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.adapter import get_adapter
from django.http import HttpRequest


@dataclass(frozen=True)
class WaysIn:
    """Asked for when drawn: most pages offer no way in."""

    request: HttpRequest

    @property
    def providers(self) -> list[Any]:
        """Give Microsoft and Google where the operator has configured them."""
        return list(get_adapter().list_providers(self.request))


def ways_in(request: HttpRequest) -> dict[str, Any]:
    """Give the ways in to every page."""
    return {"ways_in": WaysIn(request)}
