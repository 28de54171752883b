"""An answer from outside, and the careful reading of its JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, NoReturn

from reconcile.http.errors import TryLater
from reconcile.http.redact import redact_text


@dataclass(frozen=True)
class Reply:
    """Status, headers (found without regard to case) and the whole body of one answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    request_id: str = ""

    def json(self) -> Any:
        """Give the body's JSON value, numbers with a point as Decimal.

        Raises TryLater when the body is empty, a web page, cut short, or holds NaN or Infinity.
        """
        return self._value

    def text(self, limit: int = 600) -> str:
        """Give the start of the body as redacted text, for the `detail` of an error."""
        return redact_text(self.body[:20_000].decode("utf-8", "replace"), limit)

    @cached_property
    def _value(self) -> Any:
        start = self.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if not start:
            self._garbled("an empty answer")
        if start == b"<":
            self._garbled("a web page instead of data. Check that the address is that of the API")
        try:
            return json.loads(self.body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse)
        except (ValueError, RecursionError):
            self._garbled("data that is cut short or garbled")

    def _garbled(self, what: str) -> NoReturn:
        raise TryLater(
            f"The other system sent {what}. Nothing of it was used; Reconcile tries again.",
            detail=self.text(200),
            status=self.status,
            request_id=self.request_id,
        )


def dump_json(value: Any) -> str:
    """Write a JSON text in which Decimals stand as exact numbers; raises ValueError for NaN and floats."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("not a finite number")
        return format(value, "f")
    if isinstance(value, float):
        raise ValueError("units and money are Decimals")
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(k))}:{dump_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(dump_json, value)) + "]"
    return json.dumps(value)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
