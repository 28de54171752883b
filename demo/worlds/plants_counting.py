"""Planted cases of counting: every kind of rule, bundles, people with two licences, and a tenant of two customers."""

from demo.worlds import catalogue as c
from demo.worlds.names import customer_name
from demo.worlds.ordinary import backup_agreement, managed, size
from demo.worlds.plan import Agreement, PlannedRule, PlannedSplit, Tenant
from demo.worlds.planter import Planter

# The first customer of these; one per case.
FIRST = 100


def plant_counting(planter: Planter) -> None:
    """Plant one customer per group of rules, and the two services that several counters count towards."""
    planter.plan.also += [
        ("ManagedWorkstationAgents", c.SUITE), ("Vb365ProtectedUsers", c.SUITE),
        ("Vb365ProtectedUsers", c.PERSON), ("Vb365ProtectedEducationalUsers", c.PERSON),
    ]  # fmt: skip
    planter.plan.rules += [
        PlannedRule(c.SUITE, combine="largest_service", note="One suite per user or workstation"),
        PlannedRule(c.PERSON, combine="distinct", note="A person with two licences counts once"),
    ]
    internal_units(planter)
    minimums(planter)
    rounding(planter)
    shares_and_limits(planter)
    bundles(planter)
    shared_users(planter)
    names(planter)
    split_tenant(planter)
    other_months(planter)


def _customer(planter: Planter, number: int) -> tuple[Agreement, Tenant]:
    company = planter.company(customer_name(FIRST + number))
    managed(planter, company, size(planter.dice))
    return backup_agreement(planter, company), planter.tenant(company, crm_ref=str(company.id))


def _rule(
    planter: Planter, agreement: Agreement, item: c.Item, *steps: tuple[str, str, str], combine: str = "sum"
) -> None:
    """Plan a rule of an item for one account."""
    rule = PlannedRule(item, company=agreement.company, steps=steps, combine=combine)
    planter.plan.rules.append(rule)


def internal_units(planter: Planter) -> None:
    """Three mailboxes are the customer's own, and two servers were promised."""
    agreement, tenant = _customer(planter, 0)
    _rule(planter, agreement, c.MAILBOX, ("exclude", "3", "internal mailboxes"))
    planter.match(agreement, c.MAILBOX, 37, "rule_exclude")
    tenant.use(c.MAILBOX.counters[0], 40)
    _rule(planter, agreement, c.SERVER, ("include", "2", "promised until the move"))
    planter.line(agreement, c.SERVER, 4, "adjust", vendor=5, plant="rule_include")
    tenant.use(c.SERVER.counters[0], 3)


def minimums(planter: Planter) -> None:
    """A contract's minimum of 25: once in play, once not."""
    agreement, tenant = _customer(planter, 1)
    for item in (c.WORKSTATION, c.MAILBOX):
        steps = (("minimum", "25", "contract"),)
        planter.plan.rules.append(PlannedRule(item, agreement=agreement, steps=steps))
    planter.match(agreement, c.WORKSTATION, 25, "rule_minimum")
    tenant.use(c.WORKSTATION.counters[0], 18)
    planter.line(agreement, c.MAILBOX, 25, "adjust", vendor=31, plant="rule_minimum_idle")
    tenant.use(c.MAILBOX.counters[0], 31)


def rounding(planter: Planter) -> None:
    """Storage is sold in steps."""
    agreement, tenant = _customer(planter, 2)
    for item, step, used, billed, kind, units in (
        (c.STORAGE, ("up", "100"), 830, 800, "adjust", 900),
        (c.MAIL_STORAGE, ("down", "10"), 47, 40, "match", 40),
        (c.ARCHIVE, ("nearest", "50"), 126, 150, "match", 150),
    ):
        _rule(planter, agreement, item, (*step, ""))
        planter.line(agreement, item, billed, kind, vendor=units, plant=f"rule_{step[0]}")
        tenant.use(item.counters[0], used)


def shares_and_limits(planter: Planter) -> None:
    """Half of what is stored offsite is billed, and never more than ten machines."""
    agreement, tenant = _customer(planter, 3)
    _rule(planter, agreement, c.OFFSITE_WORKSTATION, ("percent", "50", "half price promised"))
    planter.match(agreement, c.OFFSITE_WORKSTATION, 6, "rule_percent")
    tenant.use(c.OFFSITE_WORKSTATION.counters[0], 12)
    _rule(planter, agreement, c.MACHINE, ("maximum", "10", "flat fee above"))
    planter.line(agreement, c.MACHINE, 8, "adjust", vendor=10, plant="rule_maximum")
    tenant.use(c.MACHINE.counters[0], 13)


def bundles(planter: Planter) -> None:
    """Several counters behind one item: complete sets, the largest part, and a suite beside the services themselves."""
    for number, combine, teams, billed, kind, units in (
        (4, "smallest_service", 5, 5, "match", 5),
        (5, "largest_service", 9, 10, "adjust", 12),
    ):
        agreement, tenant = _customer(planter, number)
        _rule(planter, agreement, c.TEAM_SITE, combine=combine)
        planter.line(agreement, c.TEAM_SITE, billed, kind, vendor=units, plant=f"bundle_{combine}")
        for counter, used in zip(c.TEAM_SITE.counters, (12, teams), strict=True):
            tenant.use(counter, used)
    agreement, tenant = _customer(planter, 6)
    planter.line(agreement, c.SUITE, 22, "adjust", vendor=24, plant="bundle_of_services")
    tenant.use(c.WORKSTATION.counters[0], 20)
    tenant.use(c.MAILBOX.counters[0], 24)
    agreement, tenant = _customer(planter, 7)
    steps = (("minimum", "30", "contract"),)
    planter.plan.rules.append(PlannedRule(c.SUITE, agreement=agreement, steps=steps))
    # Where an agreement has a rule of its own, the steps of the service's are not taken; how parts combine is.
    planter.match(agreement, c.SUITE, 30, "bundle_with_minimum")
    tenant.use(c.WORKSTATION.counters[0], 8)
    tenant.use(c.MAILBOX.counters[0], 9)


def shared_users(planter: Planter) -> None:
    """Three learners work there too: one person, two licences. One school bills each licence by its own rule."""
    agreement, tenant = _customer(planter, 8)
    planter.line(agreement, c.PERSON, 30, "adjust", vendor=27, plant="shared_users")
    tenant.use(c.MAILBOX.counters[0], 20)
    tenant.use(c.EDUCATION.counters[0], 10)
    agreement, tenant = _customer(planter, 9)
    _rule(planter, agreement, c.PERSON, combine="sum")
    planter.match(agreement, c.PERSON, 18, "rule_override")
    tenant.use(c.MAILBOX.counters[0], 12)
    tenant.use(c.EDUCATION.counters[0], 6)


def names(planter: Planter) -> None:
    """Spare workstations are left out by name; of servers only two sorts are billed; names may be missing."""
    agreement, tenant = _customer(planter, 10)
    spare = PlannedRule(c.WORKSTATION, company=agreement.company, filters=(("name", "*-ws*", False),))
    wanted = (("name", "*-sql*", True), ("name", "*-app*", True))
    planter.plan.rules += [spare, PlannedRule(c.SERVER, company=agreement.company, filters=wanted)]
    planter.match(agreement, c.WORKSTATION, 10, "rule_filter")
    tenant.use(c.WORKSTATION.counters[0], 15)
    planter.line(agreement, c.SERVER, 1, "adjust", vendor=2, plant="rule_filter_keeps")
    tenant.use(c.SERVER.counters[0], 6)
    agreement, tenant = _customer(planter, 11)
    planter.plan.rules.append(
        PlannedRule(c.WORKSTATION, company=agreement.company, filters=(("name", "*-ws*", False),))
    )
    planter.line(agreement, c.WORKSTATION, 9, "waiting", "names_missing", plant="rule_names_missing")
    tenant.use(c.WORKSTATION.counters[0], 9)
    planter.misname(tenant, c.WORKSTATION.counters[0], 8)


def split_tenant(planter: Planter) -> None:
    """One company of the console serves two customers: its laptops are the sister's."""
    agreement, tenant = _customer(planter, 12)
    sister = planter.company(f"{agreement.company.name} Mobile")
    managed(planter, sister, size(planter.dice))
    planter.plan.splits.append(PlannedSplit(tenant, sister, "name", "*-lt*"))
    tenant.use(c.WORKSTATION.counters[0], 20)
    planter.match(agreement, c.WORKSTATION, 13, "split_rest")
    planter.line(backup_agreement(planter, sister), c.WORKSTATION, 5, "adjust", vendor=7, plant="split_part")


def other_months(planter: Planter) -> None:
    """A rule that has ended and one that has not begun change nothing now."""
    agreement, tenant = _customer(planter, 13)
    for months, by in (((None, 0), "100"), ((1, None), "200")):
        steps = (("exclude", by, "promised"),)
        planter.plan.rules.append(
            PlannedRule(c.STORAGE, company=agreement.company, steps=steps, first=months[0], until=months[1])
        )
    planter.match(agreement, c.STORAGE, 500, "rule_other_months")
    tenant.use(c.STORAGE.counters[0], 500)
