"""Planted differences that need one line each: what is billed, what is used, and what has to be shown."""

from dataclasses import dataclass
from decimal import Decimal

from demo.worlds import catalogue as c


@dataclass(frozen=True)
class Difference:
    """One line of an ordinary customer. `reported` false: the console says nothing instead of 0."""

    plant: str
    item: c.Item
    billed: str
    used: str
    kind: str
    reason: str = ""
    included: int = 0
    reported: bool = True

    @property
    def units(self) -> Decimal:
        """What the console counts."""
        return Decimal(self.used)


DIFFERENCES = (
    Difference("under_billed", c.WORKSTATION, "24", "27", "adjust"),
    Difference("under_billed", c.MAILBOX, "61", "68", "adjust"),
    Difference("under_billed", c.SERVER, "4", "6", "adjust"),
    Difference("under_billed", c.MACHINE, "9", "12", "adjust"),
    Difference("under_billed", c.STORAGE, "2048", "2410", "adjust"),
    Difference("under_billed", c.OFFSITE_SERVER, "3", "5", "adjust"),
    Difference("under_billed", c.REPLICA, "2", "3", "adjust"),
    Difference("under_billed", c.WORKSTATION, "88", "103", "adjust"),
    Difference("under_billed", c.DATABASE, "2", "4", "adjust"),
    Difference("under_billed", c.FILE_SHARE, "6", "7", "adjust"),
    Difference("under_billed", c.MAILBOX, "112", "131", "adjust"),
    Difference("over_billed", c.WORKSTATION, "42", "39", "adjust"),
    Difference("over_billed", c.MAILBOX, "35", "31", "adjust"),
    Difference("over_billed", c.SERVER, "7", "6", "adjust"),
    Difference("over_billed", c.MACHINE, "14", "11", "adjust"),
    Difference("over_billed", c.OFFSITE_WORKSTATION, "20", "18", "adjust"),
    Difference("over_billed", c.STORAGE, "1200", "1024", "adjust"),
    Difference("over_billed", c.REPLICATION, "5", "4", "adjust"),
    Difference("fraction", c.STORAGE, "512.5", "530.25", "adjust"),
    Difference("fraction_match", c.ARCHIVE, "750.75", "750.75", "match"),
    Difference("zero_reported", c.WORKSTATION, "12", "0", "held", "zero"),
    Difference("zero_reported", c.OFFSITE_SERVER, "2", "0", "held", "zero"),
    Difference("zero_absent", c.MACHINE, "6", "0", "held", "zero", reported=False),
    Difference("drop", c.MAILBOX, "60", "31", "held", "drop"),
    Difference("drop", c.STORAGE, "4096", "2900", "held", "drop"),
    Difference("drop", c.WORKSTATION, "15", "6", "held", "drop"),
    Difference("jump", c.WORKSTATION, "12", "45", "held", "jump"),
    Difference("jump", c.STORAGE, "500", "1300", "held", "jump"),
    Difference("drop_edge", c.MAILBOX, "30", "24", "adjust"),
    Difference("drop_edge", c.OFFSITE_WORKSTATION, "10", "5", "adjust"),
    Difference("jump_edge", c.WORKSTATION, "10", "30", "adjust"),
    Difference("jump_edge", c.MAILBOX, "40", "80", "adjust"),
    Difference("included_match", c.WORKSTATION, "12", "12", "match", included=2),
    Difference("included_adjust", c.WORKSTATION, "12", "15", "adjust", included=2),
    Difference("included_swallows", c.OFFSITE_WORKSTATION, "6", "4", "adjust", included=5),
    Difference("included_all_free", c.FILE_SHARE, "3", "4", "adjust", included=5),
    Difference("billed_at_zero", c.TEAM_SITE, "0", "5", "adjust"),
    Difference("zero_on_both_sides", c.DATABASE, "0", "0", "match"),
)
