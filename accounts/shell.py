"""What the shell around every page shows: the organization, the person and the counts in the navigation."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.models import Membership, Organization
from accounts.notices import unread_by
from reconcile.tenancy.scope import current_org_id, org_scope


@dataclass(frozen=True)
class Count:
    """The number beside a navigation entry; `failed` makes it red and adds the word."""

    number: int
    failed: bool = False


# Each app adds what it counts, from its AppConfig.ready(), so that accounts knows none of them. The key is
# the entry: dashboard, integrations, mapping or sync. A counter runs inside the organization's scope, on
# every page: one fast query at most. A count of 0 is not shown.
COUNTERS: dict[str, Callable[[Organization], Count]] = {}


@dataclass(frozen=True)
class Shell:
    """The organization and the person that the navigation names; the counts are asked for when drawn."""

    org: Organization
    member: Membership

    @property
    def counts(self) -> dict[str, Count]:
        """Count what waits for someone behind each navigation entry."""
        # A page is drawn inside its scope already; a page without one opens it here.
        with nullcontext() if current_org_id() == self.org.pk else org_scope(self.org.pk):
            return {entry: counter(self.org) for entry, counter in COUNTERS.items()} | {
                # Alone among the numbers it is the person's, not the organization's.
                "notices": Count(unread_by(self.member).count())
            }

    @property
    def initials(self) -> str:
        """Give up to two letters for the narrow navigation: "Northgate IT" is "NI"."""
        return "".join(word[0] for word in self.org.name.split()[:2]).upper()


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give the shell to a request inside an organization, and the support address to every page."""
    context: dict[str, Any] = {
        "support_email": settings.SUPPORT_EMAIL,
        "portal_new": settings.SUPPORT_PORTAL_NEW_URL,
        "portal_mine": settings.SUPPORT_PORTAL_MINE_URL,
    }
    org = getattr(request, "org", None)
    if org is not None:
        context["shell"] = Shell(org, request.member)  # type: ignore[attr-defined]
    return context
