"""Writing one kind of record: POST, PATCH, PUT and DELETE, checked whole, in the ledger when applied.

Fact sheet psa/connectwise.md, section 3. What is stored and what the ledger says change under one lock.
"""

from datetime import UTC, datetime
from typing import Any

from demo.connectwise.errors import ApiError, bad_request
from demo.connectwise.kinds import fill, is_closed
from demo.connectwise.patching import apply_patch
from demo.connectwise.reading import Reader
from demo.connectwise.records import check, kept_form, look_up, reference_to, refuse_duplicate
from demo.connectwise.resources import RESOURCES, SHARED
from demo.connectwise.roles import CLOSE_TICKETS
from demo.connectwise.store import PARENTS, Row, association, stamp
from demo.server import Request, Response


class Writer(Reader):
    """The write calls of one resource."""

    def create(self, request: Request) -> Response:
        """201 and the full object."""
        self.level("add")
        body = read_json(request, dict)
        with self.api.lock:
            table = self.api.tables[self.resource.table]
            row = {**self._sent(body), "id": table.new_id()}
            if (parent := self.parent(request)) is not None:
                row[PARENTS[self.resource.table]] = parent
            row = self._finish(row, None, request, "POST")
            if self.resource.table == "companies":
                row["types"] = self._company_types(body)
            self._store(None, row, request)
        return Response(201, self.show(row, request))

    def patch(self, request: Request) -> Response:
        """200 and the full object, changed or not."""
        level = self.level("edit")
        operations = read_json(request, list)
        with self.api.lock:
            before = self._editable(request, level)
            changed = apply_patch(before, operations, self.resource.schema, self.api.tables)
            row = before
            if changed is not None:
                row = self._finish(changed, before, request, "PATCH")
                self._store(before, row, request)
        return Response(200, self.show(row, request))

    def put(self, request: Request) -> Response:
        """200 and the full object; what is not sent becomes unset."""
        level = self.level("edit")
        body = read_json(request, dict)
        schema = self.resource.schema
        with self.api.lock:
            before = self._editable(request, level)
            kept = {name: value for name, value in before.items() if name in schema.ignored}
            row = self._finish({**self._sent(body), **kept}, before, request, "PUT")
            self._store(before, row, request)
        return Response(200, self.show(row, request))

    def delete(self, request: Request) -> Response:
        """204; a company goes to the recycle bin and stays readable, everything else vanishes."""
        level = self.level("delete")
        with self.api.lock:
            before = self._editable(request, level)
            if self.resource.table == "companies":
                bin_mark = {"deletedFlag": True, "dateDeleted": _now(), "deletedBy": self.api.member}
                self._store(before, self._stamped({**before, **bin_mark}, before), request)
            else:
                self._refuse_if_used(before)
                self._record(before, None, request)
                self._remove(before)
        return Response(204)

    def _editable(self, request: Request, level: str) -> Row:
        row = self.record(request)
        if level == "My" and not self.api.sees(self.resource.table, row, level):
            raise ApiError(403)
        return row

    def _sent(self, body: Row) -> Row:
        """The fields of a body that are kept: set, and not the API's own."""
        schema = self.resource.schema
        dropped = schema.ignored | set(schema.write_only)
        return {
            name: value
            for name, value in body.items()
            if name not in dropped and value is not None and value != ""
        }

    def _finish(self, row: Row, before: Row | None, request: Request, verb: str) -> Row:
        """The row looked up, filled, checked whole, stamped and computed; raises the 400 of section 4.1."""
        schema, tables = self.resource.schema, self.api.tables
        row = fill(look_up(row, schema, tables), before, schema, tables)
        check(row, schema, verb, self.api.model_version(request))
        refuse_duplicate(row, schema, tables[self.resource.table])
        if schema.noun == "ticket":
            self._demand_close_right(row, before)
        row = self._stamped(kept_form(row, schema), before)
        if schema.noun == "ticketNote":
            row |= {"createdBy": self.api.member, "dateCreated": row["_info"]["dateEntered"]}
        return self.api.computed(row) if schema.noun == "addition" else row

    def _demand_close_right(self, row: Row, before: Row | None) -> None:
        closes = is_closed(row, self.api.tables) and not (before and is_closed(before, self.api.tables))
        if closes and self.api.role.level((CLOSE_TICKETS,), "edit") == "None":
            raise ApiError(403)

    def _stamped(self, row: Row, before: Row | None) -> Row:
        now, member = _now(), self.api.member
        entered = before["_info"] if before else {"dateEntered": now, "enteredBy": member}
        return {**row, "_info": {**entered, "lastUpdated": now, "updatedBy": member}}

    def _company_types(self, body: Row) -> list[Row]:
        """The types of a new company, which are writable on POST only."""
        table = self.api.tables["company_types"]
        sent = body.get("types")
        wanted = [kind.get("id") for kind in sent if isinstance(kind, dict)] if isinstance(sent, list) else []
        return [
            reference_to(row) for number in wanted if isinstance(number, int) and (row := table.get(number))
        ]

    def _store(self, before: Row | None, row: Row, request: Request) -> None:
        """Ledger first, then the tables: a write that could not be recorded is not applied."""
        self._record(before, row, request)
        tables = self.api.tables
        tables[self.resource.table].put(row)
        if self.resource.table == "additions" and self.api.option("S1"):
            agreement = tables["agreements"].rows[row["agreementId"]]
            tables["agreements"].put(self._stamped(agreement, agreement))
        elif self.resource.table == "agreements":
            self.api.recompute_additions(row["id"])
        elif self.resource.table == "companies" and before is None:
            for kind in row["types"]:
                entry = association(tables["type_associations"].new_id(), row, kind)
                tables["type_associations"].put(self._stamped(entry, None))
        elif self.resource.table == "type_associations":
            self._retype_company(row["companyId"])

    def _remove(self, row: Row) -> None:
        tables = self.api.tables
        tables[self.resource.table].remove(row)
        if self.resource.table == "agreements":
            for addition in tables["additions"].all(row["id"]):
                tables["additions"].remove(addition)
        elif self.resource.table == "type_associations":
            self._retype_company(row["companyId"])

    def _retype_company(self, company: int) -> None:
        """A company's types follow its type associations."""
        companies = self.api.tables["companies"]
        types = [row["type"] for row in self.api.tables["type_associations"].all(company)]
        companies.put(self._stamped({**companies.rows[company], "types": types}, companies.rows[company]))

    def _refuse_if_used(self, row: Row) -> None:
        """A catalogue item on an agreement, or a status that a company has, is in use: 409."""
        if self.resource.table not in SHARED:
            return
        for resource in RESOURCES:
            names = [name for name, to in resource.schema.references.items() if to == self.resource.table]
            rows = self.api.tables[resource.table].all() if names else []
            if any((each.get(name) or {}).get("id") == row["id"] for each in rows for name in names):
                raise ApiError(409)

    def _record(self, before: Row | None, after: Row | None, request: Request) -> None:
        row: Row = after or before or {}
        agreement: Any = row.get("agreementId", row.get("agreement", {}).get("id"))
        is_agreement = self.resource.table == "agreements"
        self.api.ledger.append(
            host=request.headers.get("Host", ""),
            key=self.api.credentials["public_key"],
            method=request.method,
            path=request.path,
            tenant=self.api.credentials["company"],
            line=None if is_agreement else row["id"],
            agreement=row["id"] if is_agreement else agreement,
            before=before,
            after=after,
            request_id=request.request_id,
        )


def read_json(request: Request, kind: type[list[Any]] | type[dict[str, Any]]) -> Any:
    """The body as an object or an array; 415 for another media type, 400 for anything else."""
    media = request.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise ApiError(415)
    try:
        body = request.json()
    except (ValueError, RecursionError) as error:
        raise bad_request("The body is not JSON.") from error
    if not isinstance(body, kind):
        raise bad_request(f"The body must be {'an array' if kind is list else 'an object'}.")
    return body


def _now() -> str:
    return stamp(datetime.now(UTC))
