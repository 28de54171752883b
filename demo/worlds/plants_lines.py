"""Planted cases of lines: split, doubled, free, ended, future, and the same service in several places."""

from decimal import Decimal

from demo.worlds import catalogue as c
from demo.worlds.calendar import COMPARE_DAY, END_OF_LAST_MONTH, END_OF_MONTH, When
from demo.worlds.names import customer_name
from demo.worlds.ordinary import backup_agreement, counted, managed, size
from demo.worlds.plan import Agreement, Tenant
from demo.worlds.planter import Planter, past


def plant_lines(planter: Planter) -> None:
    """Plant one customer per group of cases."""
    split_lines(planter, *_customer(planter, 52))
    doubled_lines(planter, *_customer(planter, 53))
    several_agreements(planter, 54)
    order_of_lines(planter, 55)
    unbilled_lines(planter, *_customer(planter, 56))
    ended_lines(planter, *_customer(planter, 57))
    future_lines(planter, *_customer(planter, 58))
    usage_without_line(planter)


def _customer(planter: Planter, number: int) -> tuple[Agreement, Tenant]:
    """Plant a customer with a tenant and a monthly contract for what the console counts."""
    company = planter.company(customer_name(number))
    managed(planter, company, size(planter.dice))
    agreement = planter.agreement(company, "Backup and Recovery", prorate=True, starts=past(20))
    return agreement, planter.tenant(company, crm_ref=str(company.id))


def split_lines(planter: Planter, agreement: Agreement, tenant: Tenant) -> None:
    """An old row ends with the month, its successor starts on the compare day: only the new one counts."""
    for item, old, new, used, kind in (
        (c.WORKSTATION, 30, 34, 34, "match"),
        (c.MAILBOX, 36, 40, 43, "adjust"),
    ):
        planter.hidden(agreement, item, old, "line_ended", "split_old", ends=END_OF_MONTH)
        planter.line(agreement, item, new, kind, vendor=used, plant=f"split_new_{kind}", starts=COMPARE_DAY)
        tenant.use(item.counters[0], used)
    # Split last month already: the successor is in force.
    planter.hidden(agreement, c.SERVER, 2, "line_ended", "split_before", ends=END_OF_LAST_MONTH)
    planter.match(agreement, c.SERVER, 3, "split_before", starts=When(0))
    tenant.use(c.SERVER.counters[0], 3)


def doubled_lines(planter: Planter, agreement: Agreement, tenant: Tenant) -> None:
    """The same service twice in one contract: the first rows take what is left, the last takes the rest."""
    for item, used, rows in (
        (c.WORKSTATION, 10, ((10, 10), (10, 0))),
        (c.MAILBOX, 20, ((8, 8), (7, 12))),
        (c.SERVER, 9, ((5, 5), (5, 4), (5, 0))),
        (c.MACHINE, 11, ((6, 6), (5, 5))),
    ):
        tenant.use(item.counters[0], used)
        for billed, share in rows:
            kind, reason = ("match", "") if billed == share else ("held", "shared")
            planter.line(agreement, item, billed, kind, reason, vendor=share, plant="duplicate_line")


def several_agreements(planter: Planter, number: int) -> None:
    """The same service in two contracts with the right sum, and once with one that is too small."""
    first, tenant = _customer(planter, number)
    second = planter.agreement(first.company, "Backup and Recovery", "Backup, second site", starts=past(8))
    for item, left, right in ((c.WORKSTATION, 12, 8), (c.STORAGE, 1024, 512)):
        tenant.use(item.counters[0], left + right)
        planter.match(first, item, left, "two_agreements")
        planter.match(second, item, right, "two_agreements")
    tenant.use(c.MAILBOX.counters[0], 33)
    planter.match(first, c.MAILBOX, 20, "two_agreements_short")
    planter.line(second, c.MAILBOX, 10, "held", "shared", vendor=13, plant="two_agreements_short")


def order_of_lines(planter: Planter, number: int) -> None:
    """The later row has the earlier start, so it takes its share first; equal starts go by id."""
    late, tenant = _customer(planter, number)
    early = planter.agreement(late.company, "Cloud Hosting", starts=past(26))
    tenant.use(c.MACHINE.counters[0], 18)
    planter.line(late, c.MACHINE, 10, "held", "shared", vendor=3, plant="order_by_start")
    planter.match(early, c.MACHINE, 15, "order_by_start")
    tenant.use(c.REPLICA.counters[0], 5)
    planter.match(late, c.REPLICA, 3, "order_by_id", starts=past(6))
    planter.line(early, c.REPLICA, 3, "held", "shared", vendor=2, plant="order_by_id", starts=past(6))


def unbilled_lines(planter: Planter, agreement: Agreement, tenant: Tenant) -> None:
    """Lines that bill nothing are not compared; usage that they stand for is no new revenue."""
    for item, bill, units in ((c.WORKSTATION, "NoCharge", 5), (c.FILE_SHARE, "DoNotBill", 2)):
        planter.hidden(agreement, item, units, "not_billed", f"line_{bill}", bill=bill)
        tenant.use(item.counters[0], units + 1)
    # A free row beside a billed one: the billed one stands for all the usage.
    planter.hidden(agreement, c.MAILBOX, 4, "not_billed", "free_twin", bill="NoCharge")
    planter.line(agreement, c.MAILBOX, 22, "adjust", vendor=26, plant="free_twin")
    tenant.use(c.MAILBOX.counters[0], 26)
    # The reason that comes first wins.
    planter.hidden(
        agreement, c.OBJECTS, 100, "not_billed", "first_reason", bill="DoNotBill", ends=END_OF_LAST_MONTH
    )


def ended_lines(planter: Planter, agreement: Agreement, tenant: Tenant) -> None:
    """A line that ended and is still used is new revenue; one that ends on the compare day still counts."""
    planter.hidden(agreement, c.SERVER, 3, "line_ended", "line_ended_used", ends=END_OF_LAST_MONTH)
    planter.new(tenant, c.SERVER, 3, "line_ended_used")
    planter.hidden(agreement, c.REPLICA, 1, "line_ended", "line_ends_this_month", ends=END_OF_MONTH)
    planter.new(tenant, c.REPLICA, 1, "line_ends_this_month")
    planter.hidden(agreement, c.FILE_SHARE, 2, "line_ended", "line_ended", ends=past(3))
    planter.match(agreement, c.WORKSTATION, 17, "line_ends_on_compare_day", ends=COMPARE_DAY)
    planter.match(agreement, c.MAILBOX, 25, "line_ends_later", ends=When(5, -1))
    tenant.use(c.WORKSTATION.counters[0], 17)
    tenant.use(c.MAILBOX.counters[0], 25)


def future_lines(planter: Planter, agreement: Agreement, tenant: Tenant) -> None:
    """A line that starts after the compare day is not compared, and keeps its usage from being new."""
    for item, units, starts in ((c.DATABASE, 2, When(2)), (c.FILE_SHARE, 3, When(1, 1))):
        planter.hidden(agreement, item, units, "line_future", "line_future", starts=starts)
        tenant.use(item.counters[0], units)
    planter.match(agreement, c.WORKSTATION, 21, "line_starts_on_compare_day", starts=COMPARE_DAY)
    tenant.use(c.WORKSTATION.counters[0], 21)
    planter.line(agreement, c.MAILBOX, 19, "adjust", vendor=23, plant="special_price", price=Decimal("2.40"))
    tenant.use(c.MAILBOX.counters[0], 23)


def usage_without_line(planter: Planter) -> None:
    """Services in use that nobody ever put on a contract."""
    for number, item, units in (
        (59, c.REPLICATION, 4),
        (60, c.OFFSITE_WORKSTATION, 11),
        (61, c.MAILBOX, 38),
        (62, c.OBJECTS, 2560),
        (63, c.DATABASE, 1),
    ):
        company = planter.company(customer_name(number))
        managed(planter, company, size(planter.dice))
        tenant = planter.tenant(company)
        agreement = backup_agreement(planter, company)
        counted(planter, agreement, tenant, c.SERVER, planter.dice.between(1, 6))
        counted(planter, agreement, tenant, c.WORKSTATION, planter.dice.between(5, 30))
        planter.new(tenant, item, units, "usage_without_line")
