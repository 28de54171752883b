"""The counting rules, splits and bundles that the demo organization's admin would have made."""

from datetime import date, datetime
from decimal import Decimal

from accounts.models import Organization, User
from demo.mappings import Mappings
from demo.worlds.plan import PlannedRule
from psa.models import Account, Agreement, Service
from vendors.counting import Combine, Do, Filter, Rule, Step, fold
from vendors.counting_rules import Draft
from vendors.models import AccountSplit, AlsoCounts, CountingRule, VendorAccount, VendorService


def apply(org: Organization, mappings: Mappings, now: datetime, *, by: User) -> None:
    """Make them; call inside the organization's scope, after the first syncs."""
    services = dict(Service.objects.values_list("remote_id", "pk"))
    accounts = dict(Account.objects.values_list("remote_id", "pk"))
    agreements = dict(Agreement.objects.values_list("remote_id", "pk"))
    this_month = now.date().replace(day=1)

    def draft(wanted: PlannedRule) -> Draft:
        return Draft(
            service=services[str(wanted.item.id)],
            account=accounts[str(wanted.company.id)] if wanted.company else None,
            agreement=agreements[str(wanted.agreement.id)] if wanted.agreement else None,
            rule=_rule(wanted), note=wanted.note,
            from_month=_month(this_month, wanted.first), until_month=_month(this_month, wanted.until),
        )  # fmt: skip

    CountingRule.objects.bulk_create(draft(one).build(org.pk, by) for one in mappings.rules)
    counters = dict(VendorService.objects.values_list("external_id", "pk"))
    AlsoCounts.objects.bulk_create(
        AlsoCounts(org=org, vendor_service_id=counters[counter], service_id=services[item])
        for counter, item in mappings.also
    )
    tenants = dict(VendorAccount.objects.values_list("external_id", "pk"))
    AccountSplit.objects.bulk_create(
        AccountSplit(
            org=org, vendor_account_id=tenants[one.tenant.uid], account_id=accounts[str(one.company.id)],
            field=one.field, pattern=fold(one.pattern),
        )
        for one in mappings.splits
    )  # fmt: skip


def _rule(wanted: PlannedRule) -> Rule:
    return Rule(
        combine=Combine(wanted.combine),
        filters=tuple(Filter(field=f, pattern=pattern, keeps=keeps) for f, pattern, keeps in wanted.filters),
        steps=tuple(Step(do=Do(do), by=Decimal(by), note=note) for do, by, note in wanted.steps),
    )


def _month(first: date, offset: int | None) -> date | None:
    """Give the first day of a month so many months from another."""
    if offset is None:
        return None
    years, month = divmod(first.month - 1 + offset, 12)
    return first.replace(year=first.year + years, month=month + 1)
