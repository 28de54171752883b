"""The simulated ConnectWise PSA: sign-in, routing under both codebases, headers and the state behind it.

Follows fact sheet psa/connectwise.md: sections 11 (what a faithful simulator must do) and 12 (open points).
"""

import base64
import re
import secrets
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol
from urllib.parse import unquote

from demo.connectwise.additions import compute_addition
from demo.connectwise.errors import ApiError, failure
from demo.connectwise.extras import Extras
from demo.connectwise.listing import ListOptions
from demo.connectwise.reading import Reader
from demo.connectwise.resources import RESOURCES, Resource
from demo.connectwise.roles import Role
from demo.connectwise.store import Row, build_tables
from demo.connectwise.writing import Writer
from demo.server import JSON, Request, Response, Route, Simulator

CODEBASE = "v2025_1/"
NEWEST_MODEL = "2025.1"
LONGEST_ADDRESS = 10_000
_API = re.compile(r"/(?:v2025_1|v4_6_release)/apis/3\.0(/.*)", re.IGNORECASE)
_COMPANY_INFO = re.compile(r"/login/companyinfo/([^/]+)/?", re.IGNORECASE)
# The pin is also sent without the media type before it, and with more types behind it.
_PINNED = re.compile(r"\bversion=(\d{4})\.(\d+)", re.IGNORECASE)


class World(Protocol):
    """What is needed of demo.world: rows in the API's own shapes."""

    @property
    def connectwise(self) -> dict[str, list[Row]]:
        """Rows by table name."""


class ConnectWise(Simulator):
    """One company's PSA with one API member."""

    # The open points of section 12 at their suggested defaults, and one fault of lists.
    default_options: ClassVar[Mapping[str, Any]] = {
        "S1": False,  # true: editing an addition raises its agreement's lastUpdated
        "S2": "inclusive",  # or exclusive: is cancelledDate still billed?
        "S3": "company_404",  # or all_401, all_404: answers to a bad company and a bad key
        "S4": "billable",  # or quantity: what extPrice counts
        "S5": True,  # additionStatus present
        "S6": "401",  # or accept, exact (only the printed clientId is known)
        "S7": "clamp",  # or 400: pageSize above 1000
        "S8": "mixed",  # or missing, null, empty: unset values
        "S9": True,  # the effective day itself counts in proration
        "S10": "store",  # the three flags of unknown effect are stored and have none
        "S11": True,  # or 403: does mySecurity answer API members?
        "S12": True,  # products can be filtered by invoice/id
        "S13": 400,  # status of malformed conditions
        "repeat_pages": False,  # every page is the first one
    }
    option_choices: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "S2": ("inclusive", "exclusive"),
        "S3": ("company_404", "all_401", "all_404"),
        "S4": ("billable", "quantity"),
        "S6": ("401", "accept", "exact"),
        "S7": ("clamp", "400"),
        "S8": ("mixed", "missing", "null", "empty"),
        "S10": ("store",),
        "S11": ("True", "403"),
        "S13": ("400", "404", "500"),
        **dict.fromkeys(("S1", "S5", "S9", "S12", "repeat_pages"), ("True", "False", "1", "0")),
    }
    default_rate_limit = 1000
    member = "ReconcileAPI"

    def __init__(self, world: World, credentials: Mapping[str, str], options: Mapping[str, Any]) -> None:
        super().__init__(credentials, options)
        self.tables = build_tables(world.connectwise, self.member)
        self.role = Role()
        self._computed_for: tuple[Any, Any] | None = None
        self._keys = f"{credentials['public_key']}:{credentials['private_key']}"
        self._accepted: str | None = None
        extras = Extras(self)
        self.routes = [*extras.routes(), *(route for each in RESOURCES for route in self._routes_of(each))]
        self.control_routes = extras.control_routes()
        self._compute_if_needed()

    def _routes_of(self, resource: Resource) -> list[Route]:
        """The routes of one resource; /count and /info come before ids, which are digits anyway."""
        reader, path = Reader(self, resource), resource.path
        routes = [
            Route("GET", path, reader.page),
            Route("GET", f"{path}/count", reader.count),
            Route("GET", f"{path}/{{id:int}}", reader.get),
        ]
        if resource.info_path:
            routes.append(Route("GET", resource.info_path, reader.info))
            routes.append(Route("GET", f"{resource.info_path}/count", reader.info_count))
        writer, record = Writer(self, resource), f"{path}/{{id:int}}"
        writes = {"POST": writer.create, "PUT": writer.put, "PATCH": writer.patch, "DELETE": writer.delete}
        return routes + [Route(v, path if v == "POST" else record, writes[v]) for v in resource.verbs]

    def handle(self, request: Request) -> Response:
        """Company info without sign-in, everything else behind it."""
        try:
            response = self._answer(request)
        except ApiError as error:
            response = error.response()
        return self.decorated(request, response)

    def decorated(self, request: Request, response: Response) -> Response:
        """The vendor's headers: request id, model version and the media type that mirrors the pin."""
        response.headers.setdefault("Content-Type", self._content_type(request))
        response.headers |= {
            "api-current-version": NEWEST_MODEL,
            "x-cw-request-id": request.request_id,
            "x-server-name": "SIM-01",
        }
        return response

    def _answer(self, request: Request) -> Response:
        if len(request.path) + len(request.raw_query) > LONGEST_ADDRESS:
            return self.failure(414)
        if (match := _COMPANY_INFO.fullmatch(request.path)) and request.method in ("GET", "HEAD"):
            self.counts.add_shape("GET /login/companyinfo/{id}")
            known = self._is_company(unquote(match[1]))
            return Response(200, self._company_info() if known else b"null")
        match = _API.fullmatch(request.path)
        if match is None:
            return self.not_found(request)
        self._sign_in(request)
        self._compute_if_needed()
        return self.dispatch(request, match[1])

    def failure(self, status: int, seconds: float | None = None) -> Response:
        """The vendor's error bodies."""
        return failure(status, seconds)

    def _is_company(self, name: str) -> bool:
        return name.casefold() == self.credentials["company"].casefold()

    def _company_info(self) -> Row:
        return {
            "CompanyName": "Example MSP",
            "Codebase": CODEBASE,
            "VersionCode": CODEBASE.rstrip("/").replace("_", "."),
            "VersionNumber": "v4.6.99999",
            "CompanyID": self.credentials["company"],
            "IsCloud": "True",
        }

    def _sign_in(self, request: Request) -> None:
        """Check company, keys and clientId; raises the 401 or 404 of open points S3 and S6."""
        header = request.headers.get("Authorization", "")
        if header != self._accepted:
            self._check_authorization(header)
            self._accepted = header
        mode, client = str(self.option("S6")), request.headers.get("clientId", "")
        known = client == self.credentials["client_id"] or (mode != "exact" and _is_guid(client))
        if mode != "accept" and not known:
            raise ApiError(401, {"code": "Unauthorized", "message": "A valid clientId is required."})

    def _check_authorization(self, header: str) -> None:
        scheme, _, token = header.partition(" ")
        try:
            text = base64.b64decode(token, validate=True).decode() if scheme.lower() == "basic" else ""
        except ValueError:
            text = ""
        company, _, keys = text.partition("+")
        mode = str(self.option("S3"))
        if keys and not self._is_company(company):
            raise ApiError(401 if mode == "all_401" else 404)
        if not secrets.compare_digest(keys.encode(), self._keys.encode()):
            raise ApiError(404 if keys and mode == "all_404" else 401)

    def _content_type(self, request: Request) -> str:
        """The pinned media type comes back; JSON asked for by its own name too."""
        accept = request.headers.get("Accept", "")
        if match := _PINNED.search(accept):
            return f"application/vnd.connectwise.com+json; version={match[1]}.{match[2]}"
        if "vnd.connectwise" not in accept and JSON in accept:
            return f"{JSON}; charset=utf-8"
        return f"application/vnd.connectwise.com+json; version={NEWEST_MODEL}"

    def model_version(self, request: Request) -> tuple[int, int]:
        """The model the client pins, by default the newest."""
        match = _PINNED.search(request.headers.get("Accept", ""))
        return (int(match[1]), int(match[2])) if match else (2025, 1)

    def base_address(self, request: Request) -> str:
        """The address below which the modules stand, as the client sees it."""
        return f"http://{request.headers.get('Host', '127.0.0.1')}/v4_6_release/apis/3.0"

    def list_options(self) -> ListOptions:
        """The switches that lists depend on."""
        return ListOptions(
            clamp_page_size=str(self.option("S7")) == "clamp",
            bad_conditions_status=int(self.option("S13")),
            repeat_pages=bool(self.option("repeat_pages")),
        )

    def hides(self, table: str, level: str) -> bool:
        """Whether this member sees only some rows of the table."""
        role = self.role
        by_type = role.agreement_types is not None and table in ("agreements", "agreement_types")
        return level == "My" or by_type or bool(role.excluded_boards and table in ("boards", "tickets"))

    def sees(self, table: str, row: Row, level: str) -> bool:
        """Whether this member sees the row: by level, by the agreement types let through, by board."""
        role = self.role
        if table in ("agreements", "agreement_types") and role.agreement_types is not None:
            kind = row["id"] if table == "agreement_types" else row["type"]["id"]
            if kind not in role.agreement_types:
                return False
        if table in ("boards", "tickets") and role.excluded_boards:
            board = row["id"] if table == "boards" else row.get("board", {}).get("id")
            if board in role.excluded_boards:
                return False
        return level != "My" or self._is_mine(table, row)

    def _is_mine(self, table: str, row: Row) -> bool:
        """The member's own: what it entered itself and, invented here, all of companies with an even id."""
        if row["_info"]["enteredBy"] == self.member:
            return True
        holder = self.tables["agreements"].rows[row["agreementId"]] if table == "additions" else row
        company = row["id"] if table == "companies" else holder.get("company", {}).get("id", row["id"])
        return int(company) % 2 == 0

    def computed(self, addition: Row) -> Row:
        """The addition with its read-only figures."""
        agreement = self.tables["agreements"].get(addition["agreementId"]) or {}
        return compute_addition(addition, agreement, self.tables["billing_cycles"], self.faults.options)

    def recompute_additions(self, agreement: int) -> None:
        """Work out the figures of one agreement's additions again, without touching their lastUpdated."""
        for row in self.tables["additions"].all(agreement):
            self.tables["additions"].put(self.computed(row))

    def _compute_if_needed(self) -> None:
        """Work out all figures at the start and after the switches they depend on have changed."""
        wanted = (self.option("S4"), self.option("S9"))
        if self._computed_for != wanted:
            with self.lock:
                for row in self.tables["additions"].all():
                    self.tables["additions"].put(self.computed(row))
                self._computed_for = wanted


def _is_guid(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False


def build(world: World, credentials: Mapping[str, str], options: Mapping[str, Any]) -> ConnectWise:
    """The simulator of a world; credentials that are not given are made up."""
    made_up = {
        "company": "examplemsp",
        "public_key": secrets.token_urlsafe(12),
        "private_key": secrets.token_urlsafe(12),
        "client_id": str(uuid.uuid4()),
    }
    return ConnectWise(world, {name: credentials.get(name) or made_up[name] for name in made_up}, options)
