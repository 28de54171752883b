"""One company's ConnectWise API: sign-in, codebase, lists page by page, single writes."""

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from psa.adapters.base import Credentials
from psa.adapters.connectwise.address import Company, api_base, look_up
from psa.adapters.connectwise.failures import explain
from psa.adapters.connectwise.values import Row
from reconcile.http.auth import BasicAuth
from reconcile.http.budget import Budget
from reconcile.http.errors import CustomerMustAct, OurBug, RemoteError
from reconcile.http.paginate import ForwardOnly, PageNumber, PageReply, by_id
from reconcile.http.reply import Reply
from reconcile.http.session import RemoteSession

# The largest page there is (§2.1), so that switch S7 never matters.
PAGE_SIZE = 1000
FORWARD_ONLY = {"pagination-type": "forward-only"}


class Client:
    """Calls for one connection; shared by the reading threads. Raises only RemoteError."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._lock = threading.Lock()
        self._company: Company | None = None
        self._session: RemoteSession | None = None

    def company(self) -> Company:
        """Give the company info, asked for once."""
        self.session()
        if self._company is None:
            raise OurBug("A session without company info. Support must look at it.")
        return self._company

    def session(self) -> RemoteSession:
        """Give the signed-in session at the company's codebase."""
        with self._lock:
            if self._session is None:
                self._company = look_up(self._credentials.base_url, self._field("company"))
                self._session = self._open(self._company)
            return self._session

    def forward(self, path: str, conditions: str = "", start: int = 0) -> Iterator[list[Row]]:
        """Read a long list by id after `start` (§2.3); the last page is the first that is not full."""
        paginator = ForwardOnly(PAGE_SIZE, start)
        return paginator.pages(self._getter(FORWARD_ONLY), path, _conditions(conditions))

    def listed(self, path: str, conditions: str = "", key: Callable[[Row], Hashable] = by_id) -> list[Row]:
        """Read a short list whole, following rel="next" (§2.2) where a server makes its pages smaller."""
        paginator = PageNumber(PAGE_SIZE, key=key, more=_offers_next)
        pages = paginator.pages(self._getter({}), path, _conditions(conditions))
        return [row for page in pages for row in page]

    def first_allowed(self, *paths: str) -> list[Row]:
        """Read the first of these lists that the role allows: a full one, else its reduced view (§5)."""
        for path in paths[:-1]:
            try:
                return self.listed(path)
            except RemoteError as error:
                if error.status != 403:
                    raise
        return self.listed(paths[-1])

    def count(self, path: str, conditions: str = "") -> int:
        """Count the rows of a list."""
        value = self.session().get(f"{path}/count", _conditions(conditions)).json()
        number = value.get("count") if isinstance(value, dict) else None
        if not isinstance(number, int):
            raise OurBug(
                "ConnectWise counted in a way that Reconcile does not know.", detail=str(value)[:100]
            )
        return number

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Read one JSON value."""
        return self.session().get(path, params).json()

    def write(self, method: str, path: str, body: Any) -> Reply:
        """Write once, with the push's own total deadline."""
        seconds = min(settings.OUTBOUND_TOTAL_SECONDS, getattr(settings, "PUSH_TOTAL_SECONDS", 60))
        return self.session().write(method, path, json=body, total_seconds=seconds)

    def _getter(self, headers: Mapping[str, str]) -> Callable[[str, Mapping[str, Any]], PageReply]:
        return lambda path, params: self.session().get(path, params, headers)

    def _field(self, name: str) -> str:
        value = self._credentials.fields.get(name, "").strip()
        if not value and name != "client_id":
            raise CustomerMustAct(
                f"The {name.replace('_', ' ')} is missing. Enter it and save again.", unsent=True
            ).at(name)
        return value

    def _open(self, company: Company) -> RemoteSession:
        base = api_base(self._credentials.base_url, company.codebase)
        user = f"{self._field('company')}+{self._field('public_key')}"
        # The limit is the instance's: connections to the same company share it, whoever made them.
        budget = Budget(
            f"connectwise:{urlsplit(base).netloc}:{company.company_id.lower()}",
            settings.CONNECTWISE_REQUESTS_PER_MINUTE,
        )
        client_id = self._field("client_id") or settings.CONNECTWISE_CLIENT_ID
        return RemoteSession(
            base,
            auth=BasicAuth(user, self._field("private_key")),
            budget=budget,
            headers={"clientId": client_id} if client_id else {},
            explain=explain,
        )


def _conditions(conditions: str) -> dict[str, str]:
    return {"conditions": conditions} if conditions else {}


def _offers_next(reply: PageReply) -> bool:
    return 'rel="next"' in reply.headers.get("Link", "")
