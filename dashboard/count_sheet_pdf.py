"""A line's count as a printed page that can be sent to the customer."""

from reportlab.platypus import Flowable, Spacer

from dashboard.arithmetic import Part
from dashboard.count_sheet import Behind, CountSheet
from dashboard.printed_page import PrintedPage, print_pdf
from reconcile.templatetags.figures import units

MOMENT = "%-d %B %Y, %H:%M UTC"
SHARED = "These are behind all lines that share the count; no source says which of them are this line's."


class CountPage(PrintedPage):
    """Builds the page of one line."""

    def __init__(self, sheet: CountSheet, organization: str) -> None:
        super().__init__()
        self.sheet, self.organization = sheet, organization

    def story(self) -> list[Flowable]:
        return [
            *self.front(),
            *self.sums(),
            *self.behind("Who or what is counted", self.sheet.counted, why=False),
            *self.behind("Left out", self.sheet.left_out, why=True),
            *self.unprinted("The page on the screen has them."),
        ]

    def front(self) -> list[Flowable]:
        card, counted = self.sheet.card, self.counted()
        billed = "" if card.psa_units is None else f" Billed now: {units(card.psa_units)}."
        return [
            self.text(f"{self.organization}, for {card.account}", self.soft),
            self.text(f"{card.service or 'No service'}: {units(self.sheet.units)}", self.title, bold=True),
            self.text(f"{card.agreement or 'No agreement'}. {counted}{billed}", self.soft),
            Spacer(1, 6),
        ]

    def counted(self) -> str:
        """Say who counted and when; what is unknown is not printed."""
        said = [
            f"by {one}, {one.counted_at.strftime(MOMENT)}" for one in self.sheet.sources if one.counted_at
        ]
        return f"Counted {', and '.join(said)}." if said else "Not counted yet."

    def sums(self) -> list[Flowable]:
        found = self.sheet.arithmetic
        if found is None:
            return [self.text("No source counts this service for this account.")]
        last = Part("=", found.units, "units to bill" if found.is_ruled else "units counted")
        rows = [(p.sign, units(p.units), p.what, p.source) for p in (*found.parts, last)]
        said = self.table(("", "Units", "What", "From"), rows, (4, 18, 42, 36), (1,))
        return [self.heading("How it was counted"), said]

    def behind(self, heading: str, rows: tuple[Behind, ...], *, why: bool) -> list[Flowable]:
        if not rows:
            return []
        columns = [
            ("Name", "name", 40),
            ("E-mail address", "email", 40),
            ("Product", "what", 32),
            ("Why", "why", 40),
        ]
        shown = [one for one in columns if {"email": self.sheet.has_emails, "why": why}.get(one[1], True)]
        heads, names, widths = zip(*shown, strict=True)
        cells = [[getattr(row, name) for name in names] for row in rows]
        note = [self.text(SHARED, self.soft), Spacer(1, 4)] if self.sheet.is_shared and not why else []
        return [self.heading(f"{heading}: {len(rows)}"), *note, self.table(heads, cells, widths, ())]


def write_pdf(sheet: CountSheet, organization: str) -> bytes:
    """Print a line's count."""
    title = f"{sheet.card.service or 'No service'} of {sheet.card.account}"
    foot = f"Made {sheet.made_at.strftime(MOMENT)}"
    return print_pdf(CountPage(sheet, organization).story(), title, foot)
