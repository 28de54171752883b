"""The page of parts: every component in every state, to check a change of the look against."""

from dataclasses import dataclass
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@dataclass(frozen=True)
class Specimen:
    """A line of the specimen table: what stands in its cells, and the state it shows."""

    name: str
    psa: int | None
    vendor: int | None
    agreement: str = "Cloud Subscriptions"
    word: str = ""
    no_vendor: str = ""
    when: str = "1 Dec"
    own_date: bool = False
    seen: str = "8 h ago"
    stale: bool = False
    effect: Decimal | None = None
    act: str = "Approve"
    act_kind: str = "approve"
    act_icon: str = ""
    state: str = ""
    hover: bool = False
    current: bool = False
    picked: bool = False
    cause: str = ""
    cure: str = ""
    price = Decimal("26.40")

    @property
    def difference(self) -> int | None:
        """Give vendor minus PSA; no line in the PSA counts as none billed."""
        return None if self.vendor is None else self.vendor - (self.psa or 0)

    @property
    def money(self) -> Decimal | None:
        """Give the effect on the next invoice."""
        if self.effect is not None or self.difference is None:
            return self.effect
        return self.difference * self.price

    @property
    def selectable(self) -> bool:
        """Say whether it may be approved with others: stale, unknown and finished lines never are."""
        return self.act_kind == "approve"


LINES = [
    Specimen("Under-billed", 43, 47),
    Specimen("Over-billed", 33, 31, agreement="Workplace Plus"),
    Specimen("Hover", 28, 30, hover=True),
    Specimen("Current, by keyboard", 24, 25, current=True),
    Specimen("Selected", 16, 17, picked=True),
    Specimen("Own date, prorated", 52, 59, agreement="Security Bundle", when="18 Nov", own_date=True),
    Specimen("Not in any agreement", None, 9, agreement="", word="no line", act="Add to…", act_kind="other"),
    Specimen("Match", 40, 40, act="Done", act_kind="ok", act_icon="check", state="done", when=""),
    Specimen("Zero on both sides", 0, 0, act="Done", act_kind="ok", act_icon="check", state="done", when=""),
    Specimen("Held: vendor says 0", 12, 0, act="Review", act_kind="other", state="held"),
    Specimen("Held: second approver", 80, 101, act="Owner", act_kind="soft", act_icon="users", state="held"),
    Specimen("Snoozed", 19, 20, act="to 4 Dec", act_kind="muted", act_icon="snooze", state="held"),
    Specimen("Old count", 9, 9, seen="7 days", stale=True, act="Review", act_kind="other", when=""),
    Specimen(
        "No count",
        6,
        None,
        no_vendor="no count",
        seen="7 days",
        stale=True,
        act="Review",
        act_kind="other",
        when="",
    ),
    Specimen("No source", 14, None, word="no source", seen="", act="Connect", act_kind="other", when=""),
    Specimen("Ready to push", 36, 39, word="approved", act="Undo", act_kind="other", act_icon="undo"),
    Specimen("Being pushed", 36, 39, act="Pushing", act_kind="busy", state="busy"),
    Specimen(
        "Pushed and read back",
        39,
        39,
        effect=Decimal("79.20"),
        act="Confirmed",
        act_kind="ok",
        act_icon="check",
        state="done",
    ),
    Specimen(
        "Push failed",
        37,
        39,
        act="Look again",
        act_kind="primary",
        state="failed",
        cause="Someone changed this line in ConnectWise at 09:12: it shows 37, you approved from 36. "
        "Nothing was written.",
        cure="Check the new difference, then approve again.",
    ),
]


@dataclass(frozen=True)
class CardSpecimen:
    """A service card of the page of parts."""

    account: str
    agreement: str
    psa: int | None
    vendor: int | None
    note: str
    icon: str = ""
    word: str = ""
    badge: str = ""
    act: str = "Approve"
    current: bool = False
    picked: bool = False
    quiet: bool = False

    @property
    def difference(self) -> int | None:
        """Give vendor minus PSA; no line in the PSA counts as none billed."""
        return None if self.vendor is None else self.vendor - (self.psa or 0)


CARDS = [
    CardSpecimen("Tamarack Engineering", "Cloud Subscriptions", 43, 47, "+$105.60 from 1 Dec"),
    CardSpecimen("Lakeshore Title", "Workplace Plus", 33, 31, "−$52.80 from 1 Dec"),
    CardSpecimen(
        "Brightwater Logistics", "Cloud Subscriptions", 112, 115, "+$79.20 from 1 Dec", current=True
    ),
    CardSpecimen("Alder & Finch LLP", "Cloud Subscriptions", 28, 30, "+$52.80 from 1 Dec", picked=True),
    CardSpecimen(
        "Marlow Freight",
        "No agreement holds it yet",
        None,
        9,
        "+$38.25 from 1 Dec",
        word="no line",
        badge="New",
        act="Add to…",
    ),
    CardSpecimen("Juniper Pediatrics", "Security Bundle", 24, 24, "Done by itself, 30 Nov 02:04", quiet=True),
    CardSpecimen(
        "Thornbury Schools", "Security Bundle", 11, None, "Last count 12, on 23 Nov", icon="clock", quiet=True
    ),
    CardSpecimen(
        "Birchwood Academy",
        "Managed Services",
        14,
        None,
        "Billed, but nothing counts it",
        icon="plug-off",
        word="no source",
        quiet=True,
    ),
]


@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """Show every component in every state, drawn by the product's own style sheets and tags."""
    return render(request, "style/index.html", {"lines": LINES, "cards": CARDS})
