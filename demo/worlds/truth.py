"""Writes what the planter knows as a file: `python -m demo.worlds.truth > demo/truth.csv`."""

import csv
import io
import sys
from decimal import Decimal

from demo.worlds.northgate import plan
from demo.worlds.plan import Plan, Truth

COLUMNS = (
    "key", "account", "agreement", "service", "psa_units", "vendor_units", "kind", "reason", "effect", "planted",
    "plant",
)  # fmt: skip


def as_csv(wanted: Plan) -> str:
    """Return the truth of a plan: lines by their id, usage without a line, unmapped usage, lists of names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_fields(row) for row in sorted(wanted.truth, key=_place))
    return text.getvalue()


def _place(row: Truth) -> tuple[int, int, str]:
    parts = ("new", "unmapped_account", "unmapped_service", "names")
    part = 1 + parts.index(row.kind) if row.kind in parts else 0
    return part, 0 if part else int(row.key), row.key


def _fields(row: Truth) -> list[str]:
    return [
        row.key, row.account, row.agreement, row.service, _number(row.psa_units), _number(row.vendor_units),
        row.kind, row.reason, _number(row.effect), "yes" if row.plant else "no", row.plant,
    ]  # fmt: skip


def _number(value: Decimal | None) -> str:
    """Return a number without an exponent or trailing zeros; nothing for what is unknown."""
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


if __name__ == "__main__":
    sys.stdout.write(as_csv(plan()))
