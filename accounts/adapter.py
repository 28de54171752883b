"""What sign-in does our way: when a person must prove again that it is them."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context

from accounts.fresh import signed_in_lately


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """One rule for all that is sensitive: who has just signed in has proved enough."""

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask again only when the last proof is too old."""
        return not signed_in_lately(context.request)
