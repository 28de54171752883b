"""Reading one kind of record: list, count, single record and the reduced list."""

from typing import TYPE_CHECKING

from demo.connectwise.errors import ApiError, record_not_found
from demo.connectwise.listing import count, list_page, narrowed, parameters
from demo.connectwise.resources import Resource
from demo.connectwise.showing import show_row
from demo.connectwise.store import Row
from demo.server import Request, Response

if TYPE_CHECKING:
    from demo.connectwise.simulator import ConnectWise


class Reader:
    """The read calls of one resource."""

    def __init__(self, api: "ConnectWise", resource: Resource) -> None:
        self.api = api
        self.resource = resource

    def page(self, request: Request) -> Response:
        """One page of the records this member may see."""
        rows = self.rows(request)
        return list_page(rows, request, self.api.list_options(), lambda row: self.show(row, request))

    def count(self, request: Request) -> Response:
        """How many of them meet the conditions."""
        return count(self.rows(request), request, self.api.list_options())

    def get(self, request: Request) -> Response:
        """One record, or 404."""
        row = self.show(self.record(request), request)
        return Response(200, narrowed([row], parameters(request))[0])

    def info(self, request: Request) -> Response:
        """The reduced list."""
        rows = [self._reduced(row) for row in self._visible(request, "All")]
        return list_page(rows, request, self.api.list_options())

    def info_count(self, request: Request) -> Response:
        """How many rows the reduced list has."""
        return count(self._visible(request, "All"), request, self.api.list_options())

    def info_get(self, request: Request) -> Response:
        """The reduced form of one record."""
        table = self.api.tables[self.resource.table]
        row = table.get(int(request.params["id"]))
        if row is None:
            raise record_not_found(self.resource.schema.noun, request.params["id"])
        return Response(200, self._reduced(row))

    def rows(self, request: Request) -> list[Row]:
        """The records this member may see, in id order; 403 without the right, 404 without the parent."""
        return self._visible(request, self.level("inquire"))

    def record(self, request: Request) -> Row:
        """The record named in the path, if this member may see it."""
        level = self.level("inquire")
        row = self.api.tables[self.resource.table].get(int(request.params["id"]), self.parent(request))
        if row is None or not self.api.sees(self.resource.table, row, level):
            raise record_not_found(self.resource.schema.noun, request.params["id"])
        return row

    def parent(self, request: Request) -> int | None:
        """The id of the parent in the path; 404 unless that record is there and visible."""
        if self.resource.parent is None:
            return None
        number = int(request.params["parent"])
        row = self.api.tables[self.resource.parent].get(number)
        if row is None or not self.api.sees(self.resource.parent, row, "All"):
            raise record_not_found(self.resource.parent, number)
        return number

    def level(self, verb: str) -> str:
        """The level of the member's right, or 403; writes hang on the resource's first right."""
        rights = self.resource.rights if verb == "inquire" else self.resource.rights[:1]
        level = self.api.role.level(rights, verb)
        if level == "None":
            raise ApiError(403)
        return level

    def show(self, row: Row, request: Request) -> Row:
        """The row as sent."""
        api = self.api
        return show_row(row, self.resource, api.base_address(request), api.role, api.faults.options)

    def _visible(self, request: Request, level: str) -> list[Row]:
        rows = self.api.tables[self.resource.table].all(self.parent(request))
        if not self.api.hides(self.resource.table, level):
            return rows
        return [row for row in rows if self.api.sees(self.resource.table, row, level)]

    def _reduced(self, row: Row) -> Row:
        return {name: row[name] for name in (*self.resource.info, "_info") if name in row}
