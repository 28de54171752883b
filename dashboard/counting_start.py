"""Where making a rule begins: with the one that stands for the same already, or with what an address proposes (D6)."""

from dataclasses import dataclass
from datetime import date

from django.http import QueryDict

from dashboard.counting_forms import RuleForm, steps_in
from dashboard.filters import number
from dashboard.templatetags.lines import plain
from vendors.counting import Combine
from vendors.counting_rules import find_standing
from vendors.models import CountingRule


@dataclass(frozen=True)
class Start:
    """The form to begin with. `row`: the rule that stands for the same, to be changed; `copied`: a wider one."""

    form: RuleForm
    row: CountingRule | None = None
    copied: CountingRule | None = None


def begin(org_id: int, query: QueryDict, period: date) -> Start:
    """Read ?service=&account=&agreement=&combine=&do=&by=&note=; an account goes before an agreement.

    A rule of one account counts in the place of the one for all, so it begins as a copy of that.
    """
    service, account, agreement = (_read(query, name) for name in ("service", "account", "agreement"))
    form = RuleForm(service=service, account=account, agreement=agreement, begins=f"{period:%Y-%m}")
    form.scope = "account" if account else "agreement" if agreement else "all"
    copied = None
    if service:
        if row := _standing(org_id, form, period):
            return Start(RuleForm.of(row, period), row)
        copied = find_standing(org_id, service, period) if account else None
    if copied:
        form.take(copied.plain)
    propose(form, query)
    return Start(form, None, copied)


def _standing(org_id: int, form: RuleForm, period: date) -> CountingRule | None:
    """Give the rule that stands for the same: the account's own, else the agreement's; for neither, the service's."""
    scopes = [{"account": form.account}, {"agreement": form.agreement}]
    named = [scope for scope in scopes if any(scope.values())] or [{}]
    found = (find_standing(org_id, form.service or 0, period, **scope) for scope in named)
    return next((row for row in found if row), None)


def propose(form: RuleForm, query: QueryDict) -> None:
    """Fill in what an address proposes, behind what stands already."""
    combine = str(query.get("combine", ""))
    if combine in set(Combine):
        form.combine = combine
    standing = {(one.do, one.by) for one in form.steps}
    form.extend(one for one in steps_in(query) if (one.do.value, plain(one.by)) not in standing)


def _read(query: QueryDict, name: str) -> int | None:
    found = number(query.get(name, ""))
    return int(found) if found else None
