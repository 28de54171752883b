"""A plain client of the simulated Veeam console: it shows answers as they came."""

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any

from demo.veeam_vspc.tokens import FORM
from tests.vendors.simulated import Simulated


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of a call."""

    status: int
    headers: Message
    body: bytes

    @property
    def value(self) -> Any:
        return json.loads(self.body)

    @property
    def page(self) -> tuple[int, int, int]:
        info = self.value["meta"]["pagingInfo"]
        return info["total"], info["count"], info["offset"]

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.value["data"]
        return rows


@dataclass(frozen=True)
class Client:
    """Speaks to a simulator the plain way, with its API key unless told otherwise."""

    simulated: Simulated
    base: str = "/api/v3"

    def call(
        self,
        path: str,
        *,
        method: str = "GET",
        bearer: str | None = None,
        body: bytes | None = None,
        **headers: str,
    ) -> Answer:
        token = self.simulated.credentials["api_key"] if bearer is None else bearer
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            named["Authorization"] = f"Bearer {token}"
        url = f"{self.simulated.url}{self.base}{path}"
        request = urllib.request.Request(url, body, named, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def get(self, path: str, **query: Any) -> Answer:
        texts = {
            name: value if isinstance(value, str | int) else json.dumps(value)
            for name, value in query.items()
        }
        return self.call(f"{path}?{urllib.parse.urlencode(texts)}" if query else path)

    def token(self, content_type: str = FORM, **form: str) -> Answer:
        body = urllib.parse.urlencode(form).encode()
        return self.call("/token", method="POST", bearer="", body=body, Content_Type=content_type)

    def by_password(self, **more: str) -> Answer:
        names = {name: self.simulated.credentials[name] for name in ("username", "password")}
        return self.token(grant_type="password", **names, **more)
