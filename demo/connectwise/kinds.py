"""What the API fills in on each kind of record (fact sheet psa/connectwise.md, section 6)."""

from demo.connectwise.additions import fill_addition
from demo.connectwise.records import reference_to
from demo.connectwise.schema import Schema
from demo.connectwise.store import Row, Table


def fill(row: Row, before: Row | None, schema: Schema, tables: dict[str, Table]) -> Row:
    """The record with the defaults and dependent fields of its kind; `before` is None for a new one."""
    if schema.noun == "addition":
        return fill_addition(row, before, tables)
    if schema.noun == "company":
        return _fill_company(row, before, tables)
    if schema.noun == "agreement":
        return _fill_agreement(row)
    if schema.noun == "ticket":
        return _fill_ticket(row, before, tables)
    if schema.noun == "catalogItem":
        return {"productClass": "NonInventory", "inactiveFlag": False, "price": 0.0, "cost": 0.0, **row}
    return row


def _fill_company(row: Row, before: Row | None, tables: dict[str, Table]) -> Row:
    result = {"deletedFlag": False, **row}
    default = tables["company_statuses"].default()
    if before is None and "status" not in row and default:
        result["status"] = reference_to(default)
    return result


def _fill_agreement(row: Row) -> Row:
    result = {"cancelledFlag": False, "agreementStatus": "Active", "prorateFlag": False, **row}
    if result["cancelledFlag"]:
        result["agreementStatus"] = "Cancelled"
    return result


def _fill_ticket(row: Row, before: Row | None, tables: dict[str, Table]) -> Row:
    """Board, status and priority have set-up defaults."""
    result = {"recordType": "ServiceTicket", **row}
    if before is None:
        for name, table in (("board", "boards"), ("priority", "priorities"), ("source", "sources")):
            default = tables[table].default()
            if name not in result and default:
                result[name] = reference_to(default)
        status = tables["board_statuses"].default(result.get("board", {}).get("id"))
        if "status" not in result and status:
            result["status"] = reference_to(status)
    result["closedFlag"] = is_closed(result, tables)
    return result


def is_closed(ticket: Row, tables: dict[str, Table]) -> bool:
    """Whether the ticket's status is a closing one."""
    status = tables["board_statuses"].get(int(ticket.get("status", {}).get("id") or 0)) or {}
    return bool(status.get("closedStatus"))
