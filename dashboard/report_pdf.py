"""The report of a closed month as a printed page: made from its stored content alone (E13)."""

from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from reportlab.platypus import Flowable, Spacer

from dashboard.printed_page import PrintedPage, print_pdf
from dashboard.report_late import explain_late
from dashboard.report_tables import list_together, list_totals, moment, number
from dashboard.report_together import explain_together
from reconcile.templatetags.figures import GAP, signed, signed_money, units

Row = dict[str, Any]


class ReportPage(PrintedPage):
    """Builds one report from its stored content."""

    def __init__(self, content: Row) -> None:
        super().__init__()
        self.content = content

    def story(self) -> list[Flowable]:
        parts = [
            self.front(),
            self.totals(),
            self.coverage(),
            self.exceptions(),
            self.pushes(),
            self.lines(),
            self.trail(),
        ]
        flow = [piece for part in parts for piece in part]
        return flow + self.unprinted("The workbook and the stored report have them.")

    def front(self) -> list[Flowable]:
        content, closed = self.content, self.content["closed"]
        at = moment(closed["at"])
        return [
            self.text(f"{content['organization']['name']}", self.soft),
            self.text(f"Reconciliation of {name_of(content['period'])}", self.title, bold=True),
            self.text(
                f"Version {content['version']}. Signed off by {closed['by']} ({closed['email']}, {closed['role']}) "
                f"on {at:%d %B %Y, %H:%M} UTC. Locked: nothing on these pages changes any more.", self.soft,
            ),
            *([self.text(why)] if (why := explain_late(content)) else []),
            Spacer(1, 6),
        ]  # fmt: skip

    def totals(self) -> list[Flowable]:
        rows = []
        told = [("", row) for row in list_totals(self.content)]
        for about, row in told + [("≈ ", row) for row in list_together(self.content)]:
            sums = [about + signed_money(row[name], row["currency"]) for name in ("under", "over", "net")]
            rows.append(
                [row["label"], about + row["currency"], units(row["lines"]), *sums, units(row["unknown"])]
            )
        heads = (
            "Change on the next invoices",
            "Currency",
            "Lines",
            "Under-billed",
            "Over-billed",
            "Net",
            "No amount",
        )
        return [
            self.heading("Totals"),
            self.table(heads, rows, (28, 12, 9, 16, 16, 16, 13), (2, 3, 4, 5, 6)) if rows
            else self.text("No difference was found in this month."),
            *([self.text(why, self.soft)] if (why := explain_together(self.content)) else []),
        ]  # fmt: skip

    def coverage(self) -> list[Flowable]:
        coverage, unmapped = self.content["coverage"], self.content["unmapped"]
        said = [
            f"{units(coverage['compared'])} of {units(coverage['billable'])} lines with a source were compared."
        ]
        said += [f"{units(r['lines'])} not compared: {r['label']}." for r in coverage["missing"]]
        said += [_unmapped(unmapped)] if unmapped else []
        said += [
            f"{units(part['number'])} left out: {part['label']}"
            + "".join(f", {signed_money(Decimal(v), c).lstrip('+')}" for c, v in part["money"].items()) + "."
            for part in self.content["hidden"]
        ]  # fmt: skip
        rows = [
            [s["name"], f"{moment(s['as_of']):%d %b %Y, %H:%M} UTC" if s["as_of"] else self.unread(),
             "held for a person" if s["held"] else ""]
            for s in self.content["sources"]
        ]  # fmt: skip
        return [
            self.heading("Coverage and sources"),
            *(self.text(sentence) for sentence in said),
            Spacer(1, 4),
            self.table(("Source", "Read", "State"), rows, (40, 35, 25), ()),
        ]

    def unread(self) -> str:
        return f"{GAP} not kept for a past day" if self.content.get("as_of") else f"{GAP} never read"

    def exceptions(self) -> list[Flowable]:
        rows = [
            [r["account"], r["service"], units(number(r["psa_units"])), units(number(r["vendor_units"])),
             signed_money(number(r["effect"]), r["currency"]), f"{r['reason']} ({r['by']})"]
            for r in self.content["exceptions"]
        ]  # fmt: skip
        heads = ("Account", "Service", "PSA", "Vendor", "Next invoice", "Carried over because")
        return [
            self.heading("Exceptions carried over"),
            self.table(heads, rows, (23, 22, 8, 8, 13, 26), (2, 3, 4)) if rows
            else self.text("None. Every difference was approved, dismissed or snoozed."),
        ]  # fmt: skip

    def pushes(self) -> list[Flowable]:
        rows = [
            [p["account"], p["service"], units(number(p["from"])), units(number(p["to"])),
             signed_money(number(p["effect"]), p["currency"]), _pushed(p),
             f"{moment(p['finished_at']):%d %b %H:%M}" if p["finished_at"] else GAP, _people(p)]
            for p in self.content["pushes"]
        ]  # fmt: skip
        heads = ("Account", "Service", "From", "To", "Next invoice", "State", "At, UTC", "Asked for by")
        return [
            self.heading("Pushes to the PSA"),
            self.table(heads, rows, (20, 19, 8, 8, 13, 13, 10, 12), (2, 3, 4)) if rows
            else self.text("None. Nothing was written to the PSA in this month."),
        ]  # fmt: skip

    def lines(self) -> list[Flowable]:
        """List the lines that differ, were decided on or wait, by service; those that match are only counted."""
        flow: list[Flowable] = [self.heading("Lines by service")]
        compared = [line for line in self.content["lines"] if line["state"] != "none"]
        for service, found in groupby(compared, key=lambda line: line["service"]):
            every = list(found)
            told = [line for line in every if line["kind"] != "match" or line["decision"]]
            quiet = len(every) - len(told)
            flow.append(self.text(service or "No service", bold=True))
            if quiet:
                flow.append(
                    self.text(f"{units(quiet)} {'line matches' if quiet == 1 else 'lines match'}.", self.soft)
                )
            if told:
                heads = (
                    "Account",
                    "Agreement",
                    "PSA",
                    "Vendor",
                    "Difference",
                    "Next invoice",
                    "What became of it",
                )
                rows = [self._line(line) for line in told]
                flow.append(self.table(heads, rows, (21, 21, 8, 8, 9, 12, 21), (2, 3, 4, 5)))
            flow.append(Spacer(1, 5))
        rest = len(self.content["lines"]) - len(compared)
        flow.append(self.text(f"{units(rest)} lines without a source are in the workbook.", self.soft))
        return flow

    def _line(self, line: Row) -> list[str]:
        decision = line["decision"]
        became = line["state_label"]
        if line["outcome"] == "carried":
            became = f"Carried over: {line['carried']}"
        elif decision:
            reason = f": {decision['reason']}" if decision["reason"] else ""
            became = f"{decision['verb']} by {decision['by']}{reason}"
        return [
            line["account"], line["agreement"] or f"{GAP} no line", units(number(line["psa_units"])),
            units(number(line["vendor_units"])), signed(number(line["difference"])),
            signed_money(number(line["effect"]), line["currency"]), became,
        ]  # fmt: skip

    def trail(self) -> list[Flowable]:
        trail = self.content["trail"]
        return [
            self.heading("Proof"),
            self.text(f"Audit trail at closing: entry {trail['seq']}, hash {trail['hash']}.", self.soft),
        ]


def _unmapped(unmapped: Row) -> str:
    value = number(unmapped["value"])
    worth = (
        "" if value is None else f", about {signed_money(value, unmapped['currency']).lstrip('+')} a month"
    )
    return (
        f"Unmapped usage: {count(unmapped['accounts'], 'vendor account')} and "
        f"{count(unmapped['services'], 'vendor service')}{worth}."
    )


def _pushed(push: Row) -> str:
    return f"{push['state_label']}{', takes one back' if push['undoes'] else ''}"


def _people(push: Row) -> str:
    agreed = push.get("second_by")
    return f"{push['by']}, agreed by {agreed}" if agreed else str(push["by"])


def name_of(period: str) -> str:
    """Name a month: "November 2026"."""
    return f"{date.fromisoformat(period):%B %Y}"


def count(number: int, noun: str) -> str:
    """Write how many of a thing there are: "1 vendor account", "4 vendor accounts"."""
    return f"{units(number)} {noun}{'' if number == 1 else 's'}"


def write_pdf(content: Row, digest: str) -> bytes:
    """Write a stored report as a PDF with embedded fonts; `digest` stands at the foot of each page."""
    page = ReportPage(content)
    name = f"{content['organization']['name']}, {name_of(content['period'])}, version {content['version']}"
    return print_pdf(page.story(), f"Reconciliation of {name}", f"SHA-256 {digest}")
