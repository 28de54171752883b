"""Making a record fit to keep: references looked up, values checked, the rules of each kind applied.

Fact sheet psa/connectwise.md, sections 3.2, 4.1 and 6. Every write checks the whole record.
"""

from datetime import UTC, datetime
from typing import Any

from demo.connectwise.conditions import read_datetime
from demo.connectwise.errors import Json, field_error, invalid_object
from demo.connectwise.schema import Schema
from demo.connectwise.store import Row, Table, stamp

_ADDRESS = ("addressLine1", "addressLine2", "city", "state", "zip", "country")
_LARGEST = 10**11
_SHOWN = ("id", "identifier", "name", "serializedFlag")


def look_up(row: Row, schema: Schema, tables: dict[str, Table]) -> Row:
    """The row with each reference replaced by what it points at; raises the 400 of section 4.1."""
    result, errors = dict(row), []
    for name, table in schema.references.items():
        value = result.get(name)
        if value is None:
            continue
        if not isinstance(value, dict) or not {"id", "identifier", "name"} & set(value):
            errors.append(_out_of_range(schema, name, "is not a reference"))
        elif table is not None:
            target = _find(tables[table], value)
            if target is None:
                errors.append(_out_of_range(schema, f"{name}/id", "points at no record"))
            else:
                result[name] = reference_to(target, named=name != "product")
    if errors:
        raise invalid_object(schema.noun, errors)
    return result


def reference_to(target: Row, named: bool = True) -> Row:
    """The short form of a row inside another; an addition's product carries no name."""
    shown = _SHOWN if named else ("id", "identifier", "serializedFlag")
    if not named:
        target = {"serializedFlag": False, **target}
    return {
        name: target[name] for name in shown if name in target and (not named or name != "serializedFlag")
    }


def _find(table: Table, reference: Row) -> Row | None:
    if isinstance(reference.get("id"), int):
        return table.get(reference["id"])
    name, wanted = next((n, reference[n]) for n in ("identifier", "name", "id") if n in reference)
    wanted = str(wanted).casefold()
    return next((row for row in table.all() if str(row.get(name, "")).casefold() == wanted), None)


def check(row: Row, schema: Schema, verb: str, model: tuple[int, int]) -> None:
    """Raise the 400 of section 4.1 unless every field of the whole record is in order.

    `verb` is POST, PUT or PATCH; `model` the pinned model version, such as (2025, 1).
    """
    required = list(schema.required)
    if model >= (2025, 1) and verb != "PATCH":
        required += [*schema.required_2025, *(schema.required_on_put if verb == "PUT" else ())]
    errors = [
        field_error("MissingRequiredField", schema.noun, _pointed(schema, name), f"{name} is required.")
        for name in required
        if row.get(name) in (None, "")
    ]
    errors += [error for name, value in row.items() if (error := _value_error(schema, name, value))]
    errors += _kind_errors(row, schema, verb)
    if errors:
        raise invalid_object(schema.noun, errors)


def kept_form(row: Row, schema: Schema) -> Row:
    """A checked row as the API keeps it, however it was sent: 47 as 47.0, a day as its first moment in UTC."""
    doubles = {name: float(row[name]) for name in schema.doubles if row.get(name) is not None}
    moments = {name: read_datetime(str(row[name])) for name in schema.dates if row.get(name)}
    return row | doubles | {name: stamp(moment) for name, moment in moments.items() if moment is not None}


def _pointed(schema: Schema, name: str) -> str:
    return f"{name}/id" if name in schema.references else name


def _value_error(schema: Schema, name: str, value: Any) -> Json | None:
    if value is None:
        return None
    if name in schema.enums:
        known = schema.enums[name]
        return None if value in known else _out_of_range(schema, name, f"is not one of {', '.join(known)}")
    if name in schema.lengths and (not isinstance(value, str) or len(value) > schema.lengths[name]):
        return _out_of_range(schema, name, f"is longer than {schema.lengths[name]} characters")
    if name in schema.numbers and not _is_figure(value):
        return _out_of_range(schema, name, "is not a number within range")
    if name in schema.flags and not isinstance(value, bool):
        return _out_of_range(schema, name, "is not a boolean")
    if name in schema.dates and not (isinstance(value, str) and read_datetime(value)):
        return _out_of_range(schema, name, "is not a date")
    return None


def _is_figure(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -_LARGEST < value < _LARGEST


def _out_of_range(schema: Schema, name: str, what: str) -> Json:
    return field_error("OutOfRange", schema.noun, name, f"{name} {what}.")


def _kind_errors(row: Row, schema: Schema, verb: str) -> list[Json]:
    """The rules that bind several fields of one kind of record."""
    if schema.noun == "company":
        return _company_errors(row, schema, verb)
    if schema.noun == "catalogItem":
        cycle = row.get("recurringBillCycle") or row.get("recurringOneTimeFlag")
        if row.get("recurringFlag") and not cycle:
            text = "recurringBillCycle or recurringOneTimeFlag is required."
            return [field_error("MissingRequiredField", "catalogItem", "recurringBillCycle/id", text)]
    return []


def _company_errors(row: Row, schema: Schema, verb: str) -> list[Json]:
    errors = []
    year = row.get("yearEstablished")
    if isinstance(year, int | float) and not 1753 <= year <= datetime.now(UTC).year:
        errors.append(_out_of_range(schema, "yearEstablished", "is not a year in the past"))
    if verb == "POST" and not any(row.get(name) for name in _ADDRESS):
        text = "At least one address field is required."
        errors.append(field_error("MissingRequiredField", "company", "addressLine1", text))
    return errors


def refuse_duplicate(row: Row, schema: Schema, table: Table) -> None:
    """Companies and catalogue items are known by an identifier that stands once."""
    if schema.noun not in ("company", "catalogItem"):
        return
    name = str(row.get("identifier", "")).casefold()
    for other in table.all():
        if other["id"] != row["id"] and str(other.get("identifier", "")).casefold() == name:
            text = f"identifier {row['identifier']} already exists."
            raise invalid_object(schema.noun, [field_error("ObjectExists", schema.noun, "identifier", text)])
