"""Who has set up a second step (A2): an authenticator app or a passkey; recovery codes alone are none."""

from collections.abc import Collection
from typing import Any

STEPS = ("totp", "webauthn")


def has_mfa(user: Any) -> bool:
    """Say whether the person has a second step."""
    return bool(who_has_mfa([user.pk]))


def who_has_mfa(user_ids: Collection[int]) -> set[int]:
    """Give which of these people have a second step; one query."""
    # When models are loaded, allauth's need ours first.
    from allauth.mfa.models import Authenticator

    found = Authenticator.objects.filter(user_id__in=user_ids, type__in=STEPS)
    return set(found.values_list("user_id", flat=True))
