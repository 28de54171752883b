"""Error bodies of the simulated API, worded as in fact sheet psa/connectwise.md, section 4."""

import math
from collections.abc import Sequence
from typing import Any

from demo.server import Response

Json = dict[str, Any]

_BODIES: dict[int, Json] = {
    400: {"code": "ConnectWiseApi", "message": "The request is invalid.", "errors": None},
    401: {"code": "ConnectWiseApi", "message": "UserNotAuthenticated"},
    403: {
        "code": "Security",
        "message": "You do not have security permission to perform this action.",
        "errors": None,
    },
    404: {"code": "ConnectWiseApi", "message": "The endpoint does not exist."},
    405: {"code": "ConnectWiseApi", "message": "The requested method is not allowed.", "errors": None},
    409: {"code": "ConnectWiseApi", "message": "The record is in use.", "errors": None},
    414: {"code": "ConnectWiseApi", "message": "The request address is too long.", "errors": None},
    415: {"code": "ConnectWiseApi", "message": "The media type is not supported.", "errors": None},
    # The misspelling is the vendor's.
    500: {"code": "ConnectWiseApi", "message": "A timeout has occured. Please try again."},
}


class ApiError(Exception):
    """A call that ends with an error body."""

    def __init__(self, status: int, body: Json | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body

    def response(self) -> Response:
        """The answer to send."""
        return failure(self.status) if self.body is None else Response(self.status, self.body)


def failure(status: int, seconds: float | None = None) -> Response:
    """The API's own answer of this status; a 429's body has the key `error` where all others have `code`."""
    if status == 429:
        wait = max(1, math.ceil(30 if seconds is None else seconds))
        text = f"Too many requests. Please try again in {wait} seconds."
        return Response(429, {"error": "ConnectWiseAPI", "message": text}, {"Retry-After": str(wait)})
    default = {"code": "ConnectWiseApi", "message": f"Error {status}.", "errors": None}
    return Response(status, dict(_BODIES.get(status, default)))


def record_not_found(noun: str, record: object) -> ApiError:
    """404 for a record that is not there, or that this member may not see."""
    return ApiError(404, {"code": "NotFound", "message": f"{noun} {record} not found", "errors": None})


def bad_request(message: str) -> ApiError:
    """400 without a field to point at."""
    return ApiError(400, {"code": "ConnectWiseApi", "message": message, "errors": None})


def invalid_object(noun: str, errors: Sequence[Json]) -> ApiError:
    """400 with one entry per field at fault."""
    return ApiError(
        400, {"code": "InvalidObject", "message": f"{noun} object is invalid", "errors": list(errors)}
    )


def field_error(code: str, noun: str, field: str, message: str) -> Json:
    """One entry of an InvalidObject body; codes seen: MissingRequiredField, OutOfRange, ObjectExists."""
    return {"code": code, "message": message, "resource": noun, "field": field, "details": ""}
