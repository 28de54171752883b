"""What a person may do on the dashboard now: by their role, and while the month is closed nothing decides (E13)."""

from typing import Any

from accounts.roles import Role
from dashboard import months
from reconcile.tenancy.views import OrgRequest


def rights(request: OrgRequest) -> dict[str, Any]:
    """Give what templates read before they offer an act; one query. Needs the organization's scope.

    `may_approve` and `may_prepare` are for what decides; `may_remark` for tickets, notes and tags, which stay possible.
    """
    closed = months.find_closed(request.org.pk)
    return {
        "closed": closed,
        "may_approve": closed is None and request.member.may(Role.APPROVER),
        "may_prepare": closed is None and request.member.may(Role.REVIEWER),
        "may_remark": request.member.may(Role.REVIEWER),
        "may_reopen": request.member.may(Role.ADMIN),
        "may_rule": request.member.may(Role.ADMIN),
    }
