"""The calls that are no plain list: system, own rights, roles, pricing, invoice PDF, ticket search."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from demo.connectwise import roles
from demo.connectwise.errors import ApiError, bad_request, record_not_found
from demo.connectwise.listing import count, list_page, parameters
from demo.connectwise.reading import Reader
from demo.connectwise.resources import CATALOG, INVOICES, PRODUCTS, TICKETS
from demo.connectwise.roles import BadRole, make_role
from demo.connectwise.store import Row, stamp
from demo.connectwise.writing import read_json
from demo.server import Request, Response, Route

if TYPE_CHECKING:
    from demo.connectwise.simulator import ConnectWise

Rows = Callable[[Request], list[Row]]

MEMBER_ID = 150
_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


class Extras:
    """Handlers over one simulator."""

    def __init__(self, api: "ConnectWise") -> None:
        self.api = api
        self._started = stamp(datetime.now(UTC))

    def routes(self) -> list[Route]:
        """Their routes, to stand before those of the plain lists."""
        lists: dict[str, Rows] = {
            "/system/mySecurity": self._my_security,
            "/system/mySecurity/customizeItems": self._customize_items,
            "/system/apiMembers": self._api_members,
            "/system/securityRoles/{id:int}/settings": self._role_settings,
            PRODUCTS.path: self._products,
        }
        found = [Route("GET", path, self._list_of(rows)) for path, rows in lists.items()]
        found += [Route("GET", f"{path}/count", self._count_of(rows)) for path, rows in lists.items()]
        return [
            *found,
            Route("GET", "/system/info", self._system_info),
            Route("GET", "/system/apiMembers/{id:int}", self._api_member),
            Route("POST", "/procurement/catalog/{id:int}/pricing", self._pricing),
            Route("GET", "/procurement/catalog/{id:int}/info", Reader(self.api, CATALOG).info_get),
            Route("GET", "/finance/invoices/{id:int}/pdf", self._pdf),
            Route("POST", "/service/tickets/search", self._search_tickets),
        ]

    def control_routes(self) -> list[Route]:
        """The switch that changes the member's role."""
        return [
            Route("POST", "/_sim/role", self._change_role),
            Route("GET", "/_sim/role", lambda request: Response(200, self.api.role.shown())),
        ]

    def _list_of(self, rows: Rows) -> Callable[[Request], Response]:
        return lambda request: list_page(rows(request), request, self.api.list_options(), self._informed)

    def _informed(self, row: Row) -> Row:
        """A row with `_info`, which every row of the API carries."""
        return {"_info": {"lastUpdated": self._started, "updatedBy": self.api.member}, **row}

    def _count_of(self, rows: Rows) -> Callable[[Request], Response]:
        return lambda request: count(rows(request), request, self.api.list_options())

    def _demand(self, right: str) -> None:
        if self.api.role.level((right,), "inquire") == "None":
            raise ApiError(403)

    def _system_info(self, request: Request) -> Response:
        return Response(
            200,
            {
                "version": "v2025.1.98765",
                "isCloud": True,
                "serverTimeZone": "Eastern Standard Time",
                "licenseBits": [{"name": "example", "activeFlag": True}],
                "cloudRegion": "NA",
                "maxWorkFlowRecordsAllowed": 100,
            },
        )

    def _my_security(self, request: Request) -> list[Row]:
        """The member's own rights, unless the tenant does not answer API members (S11)."""
        if str(self.api.option("S11")) == "403":
            raise ApiError(403)
        member = {"id": MEMBER_ID, "identifier": self.api.member, "name": "Reconcile API"}
        return [{**row, "member": member} for row in self.api.role.settings()]

    def _customize_items(self, request: Request) -> list[Row]:
        if str(self.api.option("S11")) == "403":
            raise ApiError(403)
        return self.api.role.customize_items(self.api.tables["agreement_types"].all())

    def _api_members(self, request: Request) -> list[Row]:
        self._demand(roles.MEMBERS)
        role = self.api.role
        return [
            {
                "id": MEMBER_ID,
                "identifier": self.api.member,
                "firstName": "Reconcile",
                "lastName": "API",
                "inactiveFlag": False,
                "securityRole": {"id": role.id, "name": role.name},
                "blockPriceFlag": role.block_price,
                "blockCostFlag": role.block_cost,
                "excludedServiceBoardIds": role.excluded_boards,
            }
        ]

    def _api_member(self, request: Request) -> Response:
        for row in self._api_members(request):
            if str(row["id"]) == request.params["id"]:
                return Response(200, self._informed(row))
        raise record_not_found("apiMember", request.params["id"])

    def _role_settings(self, request: Request) -> list[Row]:
        self._demand(roles.ROLES)
        if int(request.params["id"]) != self.api.role.id:
            raise record_not_found("securityRole", request.params["id"])
        return self.api.role.settings()

    def _products(self, request: Request) -> list[Row]:
        """Sold products; whether they can be filtered by invoice is open (S12)."""
        if not self.api.option("S12") and "invoice/" in parameters(request).get("conditions", "").lower():
            raise bad_request("invoice/id cannot be filtered here.")
        return Reader(self.api, PRODUCTS).rows(request)

    def _pricing(self, request: Request) -> Response:
        """The catalogue's own price: the simulated system has no special prices."""
        item = Reader(self.api, CATALOG).record(request)
        body = read_json(request, dict)
        return Response(201, {**body, "catalogItem": {"id": item["id"]}, "price": item.get("price", 0.0)})

    def _pdf(self, request: Request) -> Response:
        Reader(self.api, INVOICES).record(request)
        return Response(200, _PDF, {"Content-Type": "application/pdf"})

    def _search_tickets(self, request: Request) -> Response:
        """Tickets by conditions in the body, for expressions too long for an address."""
        reader = Reader(self.api, TICKETS)
        conditions = str(read_json(request, dict).get("conditions") or "")
        return list_page(
            reader.rows(request),
            request,
            self.api.list_options(),
            lambda row: reader.show(row, request),
            conditions,
        )

    def _change_role(self, request: Request) -> Response:
        try:
            self.api.role = make_role(request.json())
        except (BadRole, ValueError, AttributeError, TypeError) as error:
            return Response(400, {"message": str(error)})
        return Response(200, self.api.role.shown())
