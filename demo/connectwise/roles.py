"""The security role of the API member: module function by level, Customize, and what it hides.

Fact sheet psa/connectwise.md, sections 9.1 and 9.3. A right is written "Finance > Agreements"; a right to one
set-up table adds its Customize item: "System > Table Setup: Invoicing / Billing Cycle".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LEVELS = ("None", "My", "All")
VERBS = ("add", "edit", "delete", "inquire")

COMPANIES = "Companies > Company Maintenance"
SETUP = "System > Table Setup"
AGREEMENTS = "Finance > Agreements"
INVOICING = "Finance > Invoicing"
CATALOG = "Procurement > Product Catalog"
PRODUCTS = "Procurement > Products"
TICKETS = "Service Desk > Service Tickets"
CLOSE_TICKETS = "Service Desk > Close Service Tickets"
ROLES = "System > Security Roles"
MEMBERS = "System > Member Maintenance"
MY_COMPANY = "System > My Company"
FUNCTIONS = (
    COMPANIES,
    SETUP,
    AGREEMENTS,
    "Finance > Agreement Sales",
    INVOICING,
    CATALOG,
    PRODUCTS,
    TICKETS,
    CLOSE_TICKETS,
    "Service Desk > Merge Service Tickets",
    ROLES,
    MEMBERS,
    MY_COMPANY,
)
TABLES = (
    "Company / Company Status",
    "Company / Company Type",
    "Invoicing / Billing Cycle",
    "Invoicing / Billing Status",
    "Agreements / Agreement Type",
    "Service / Service Board",
    "Service / Priority",
    "Service / Source",
)
# Exactly what section 9.1 asks for, without its optional rows.
_DOCUMENTED = {
    COMPANIES: ("inquire",),
    SETUP: ("inquire",),
    AGREEMENTS: ("add", "edit", "inquire"),
    "Finance > Agreement Sales": ("inquire",),
    INVOICING: ("inquire",),
    CATALOG: ("inquire",),
    PRODUCTS: ("inquire",),
    TICKETS: ("add", "edit", "inquire"),
    CLOSE_TICKETS: ("add", "edit", "inquire"),
}
_DOCUMENTED_TABLES = [TABLES[0], TABLES[1], TABLES[2], TABLES[5]]


class BadRole(ValueError):
    """A role setting that does not exist."""


def _matrix(preset: str) -> dict[str, dict[str, str]]:
    if preset == "documented":
        granted = _DOCUMENTED
        return {f: {v: "All" if v in granted.get(f, ()) else "None" for v in VERBS} for f in FUNCTIONS}
    return {name: dict.fromkeys(VERBS, "All" if preset == "all" else "None") for name in FUNCTIONS}


@dataclass
class Role:
    """What the API member may do; None in `agreement_types` (ids) or `tables` means all of them."""

    id: int = 7
    name: str = "Integration"
    levels: dict[str, dict[str, str]] = field(default_factory=lambda: _matrix("all"))
    agreement_types: list[int] | None = None
    tables: list[str] | None = None
    block_price: bool = False
    block_cost: bool = False
    excluded_boards: list[int] = field(default_factory=list)

    def level(self, rights: tuple[str, ...], verb: str) -> str:
        """The highest level any of these rights gives for the verb; no rights asked is All."""
        if not rights:
            return "All"
        return max((self._level(right, verb) for right in rights), key=LEVELS.index)

    def _level(self, right: str, verb: str) -> str:
        function, _, table = right.partition(": ")
        if table and self.tables is not None and table not in self.tables:
            return "None"
        return self.levels[function][verb]

    def shown(self) -> dict[str, Any]:
        """The role as JSON."""
        return {
            "functions": self.levels,
            "agreement_types": self.agreement_types,
            "tables": self.tables,
            "block_price": self.block_price,
            "block_cost": self.block_cost,
            "excluded_boards": self.excluded_boards,
        }

    def settings(self) -> list[dict[str, Any]]:
        """The rows of /system/securityRoles/{id}/settings."""
        return [
            _setting(number, function, levels)
            for number, (function, levels) in enumerate(self.levels.items(), start=1)
        ]

    def customize_items(self, agreement_types: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows of /system/mySecurity/customizeItems: agreement types and set-up tables let through."""
        types = [
            row["name"]
            for row in agreement_types
            if self.agreement_types is None or row["id"] in self.agreement_types
        ]
        tables = list(TABLES) if self.tables is None else self.tables
        pairs = [("Agreements", name) for name in types] + [("TableSetup", name) for name in tables]
        return [
            {"id": number, "customizeIdentifier": kind, "itemIdentifier": name}
            for number, (kind, name) in enumerate(pairs, start=1)
        ]


def _setting(number: int, function: str, levels: Mapping[str, str]) -> dict[str, Any]:
    module, _, name = function.partition(" > ")
    return {
        "id": number,
        "moduleIdentifier": module.replace(" ", ""),
        "moduleName": module,
        "moduleDescription": module,
        "moduleFunctionIdentifier": name.replace(" ", ""),
        "moduleFunctionName": name,
        "moduleFunctionDescription": name,
        **{f"{verb}Level": levels[verb] for verb in VERBS},
        "myAllFlag": True,
        "customFlag": function in (SETUP, AGREEMENTS),
        "reportFlag": False,
        "restrictFlag": False,
        "sortOrder": number,
    }


def make_role(wanted: Mapping[str, Any]) -> Role:
    """A role from JSON: `preset` (all, none, documented), `functions` {name: {verb: level}}, the rest."""
    preset = wanted.get("preset", "all")
    if preset not in ("all", "none", "documented"):
        raise BadRole(f"unknown preset {preset!r}")
    levels = _matrix(preset)
    for function, changes in wanted.get("functions", {}).items():
        if function not in levels or set(changes) - set(VERBS) or set(changes.values()) - set(LEVELS):
            raise BadRole(f"unknown function, verb or level in {function!r}: {changes}")
        levels[function].update(changes)
    tables = wanted.get("tables", _DOCUMENTED_TABLES if preset == "documented" else None)
    if unknown := set(wanted) - set(Role().shown()) - {"preset"}:
        raise BadRole(f"unknown setting {sorted(unknown)}")
    return Role(
        levels=levels,
        agreement_types=wanted.get("agreement_types"),
        tables=tables,
        block_price=bool(wanted.get("block_price")),
        block_cost=bool(wanted.get("block_cost")),
        excluded_boards=list(wanted.get("excluded_boards", [])),
    )
