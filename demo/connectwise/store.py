"""The simulator's rows: tables indexed by id and by parent, with the set-up tables every system has."""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]

# Child tables and the field that names the parent.
PARENTS = {
    "additions": "agreementId",
    "board_statuses": "boardId",
    "ticket_notes": "ticketId",
    "components": "catalogId",
    "payments": "invoiceId",
    "type_associations": "companyId",
}
TABLES = (
    *("companies", "company_statuses", "company_types", "catalog", "agreement_types", "billing_cycles"),
    *("agreements", "invoices", "billing_statuses", "boards", "priorities", "sources", "locations"),
    *("tickets", "products", *PARENTS),
)


def _named(*names: str, **first: Any) -> list[Row]:
    """Rows 1, 2, ... with these names; the first one carries the extra values."""
    return [
        {"id": number, "name": name} | (first if number == 1 else {}) for number, name in enumerate(names, 1)
    ]


def _cycles(*options: tuple[str, str, str]) -> list[Row]:
    return [
        {"id": n, "identifier": code, "name": name, "defaultFlag": n == 2, "billingOptions": option}
        for n, (code, name, option) in enumerate(options, 1)
    ]


SETUP: dict[str, list[Row]] = {
    "company_statuses": _named("Active", "Inactive", "Not Approved", defaultFlag=True),
    "company_types": _named("Client", "Prospect", "Vendor", defaultFlag=True),
    "agreement_types": _named("Managed", "Backup", "Licences", defaultFlag=True),
    "billing_cycles": _cycles(
        ("NONE", "None", "NotRecurring"),
        ("MON", "Monthly", "Monthly"),
        ("QTR", "Quarterly", "Quarterly"),
        ("YR", "Yearly", "Yearly"),
    ),
    "billing_statuses": [
        {"id": 1, "name": "New", "closedFlag": False, "sentFlag": False, "defaultFlag": True},
        {"id": 2, "name": "Sent", "closedFlag": False, "sentFlag": True, "defaultFlag": False},
        {"id": 3, "name": "Closed", "closedFlag": True, "sentFlag": True, "defaultFlag": False},
    ],
    "boards": [{"id": 10, "name": "Billing"}, {"id": 11, "name": "Service"}],
    "board_statuses": [
        {"id": 101, "boardId": 10, "name": "New", "defaultFlag": True, "closedStatus": False},
        {"id": 102, "boardId": 10, "name": "Closed", "defaultFlag": False, "closedStatus": True},
        {"id": 111, "boardId": 11, "name": "New", "defaultFlag": True, "closedStatus": False},
        {"id": 112, "boardId": 11, "name": "Closed", "defaultFlag": False, "closedStatus": True},
    ],
    "priorities": _named("Medium", "Critical", "High", "Low", defaultFlag=True),
    "sources": _named("Email", "Phone", "API", defaultFlag=True),
    "locations": _named("Main Office"),
}


class Table:
    """Rows by id, in id order; with `parent`, also by the parent's id. Rows are replaced, never changed."""

    def __init__(self, parent: str | None, rows: Iterable[Row]) -> None:
        self.parent = parent
        self.rows: dict[int, Row] = {}
        self.children: dict[int, dict[int, Row]] = {}
        for row in sorted(rows, key=lambda row: int(row["id"])):
            self.put(row)
        self.start_ids_after(max(self.rows, default=0))

    def start_ids_after(self, highest: int) -> None:
        """Give new rows the ids above this one."""
        self._ids = itertools.count(highest + 1)

    def new_id(self) -> int:
        """An id that was never used."""
        return next(self._ids)

    def put(self, row: Row) -> None:
        """Add the row or put it in the place of the one with its id."""
        self.rows[row["id"]] = row
        if self.parent is not None:
            self.children.setdefault(row[self.parent], {})[row["id"]] = row

    def remove(self, row: Row) -> None:
        """Take the row out."""
        del self.rows[row["id"]]
        if self.parent is not None:
            del self.children[row[self.parent]][row["id"]]

    def get(self, record: int, parent: int | None = None) -> Row | None:
        """The row with this id, within the parent when one is given."""
        return self._within(parent).get(record)

    def all(self, parent: int | None = None) -> list[Row]:
        """All rows in id order, within the parent when one is given."""
        return list(self._within(parent).values())

    def _within(self, parent: int | None) -> dict[int, Row]:
        return self.rows if parent is None else self.children.get(parent, {})

    def default(self, parent: int | None = None) -> Row | None:
        """The row flagged as default, or else the first."""
        rows = self.all(parent)
        return next((row for row in rows if row.get("defaultFlag")), rows[0] if rows else None)


def build_tables(world: dict[str, list[Row]], member: str) -> dict[str, Table]:
    """The tables of a world (see demo.world), with `_info` on every row and the set-up tables filled in."""
    entered = stamp(datetime.now(UTC) - timedelta(days=30))
    tables = {}
    for name in TABLES:
        rows = [_loaded(row, entered, member) for row in world.get(name) or SETUP.get(name, [])]
        tables[name] = Table(PARENTS.get(name), rows)
    _associate_types(tables, entered, member)
    _spoil_one_company(tables["companies"])
    return tables


def stamp(moment: datetime) -> str:
    """A moment as the API writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _loaded(row: Row, entered: str, member: str) -> Row:
    """A row as kept: unset values are absent, `_info` is whole."""
    kept = {name: value for name, value in row.items() if value is not None and value != ""}
    kept["_info"] = {
        "lastUpdated": entered,
        "updatedBy": member,
        "dateEntered": entered,
        "enteredBy": "setup",
        **row.get("_info", {}),
    }
    return kept


def _associate_types(tables: dict[str, Table], entered: str, member: str) -> None:
    """One type association per company and type, if the world brings none."""
    table = tables["type_associations"]
    if table.rows:
        return
    for company in tables["companies"].all():
        for kind in company.get("types", []):
            table.put(_loaded(association(table.new_id(), company, kind), entered, member))


def association(record: int, company: Row, kind: Row) -> Row:
    """The row that ties a company to one type."""
    reference = {name: company[name] for name in ("id", "identifier", "name")}
    return {"id": record, "companyId": company["id"], "company": reference, "type": dict(kind)}


def _spoil_one_company(companies: Table) -> None:
    """Make sure one company fails whole-record validation on a field no patch names (section 3.2)."""
    if companies.rows and not any("yearEstablished" in row for row in companies.all()):
        last = companies.all()[-1]
        companies.put({**last, "yearEstablished": 1})
