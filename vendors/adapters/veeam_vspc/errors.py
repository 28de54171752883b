"""How the console's failures read: which of the three kinds, and who must act (sheet §2, §3)."""

from typing import Any

from reconcile.http.errors import CustomerMustAct, OurBug, RemoteError, TryLater
from reconcile.http.reply import Reply

BAD_KEY = "The Veeam console refused the credentials. Enter a valid API key, or the user's present name and password."
NO_PERMISSION = (
    "The Veeam console refuses to show this. Give the user that Reconcile uses a role that may read companies, "
    "usage, licences and alarms (Portal Read-only Operator is enough where the console has it)."
)
NOT_A_CONSOLE = (
    "No Veeam console answers at this address. Enter its host and port, as in https://vspc.example:1280."
)
SECOND_FACTOR = (
    "This Veeam user has a second factor switched on, which no unattended sync can answer. "
    "Enter an API key, or a user without a second factor."
)


def explain(reply: Reply) -> RemoteError | None:
    """Return the error a reply stands for, None when it is good or its status says enough."""
    if reply.status == 200:
        return _of_errors(_errors(reply.json()))
    if reply.status == 400:
        return _of_bad_request(reply)
    if reply.status == 401:
        return CustomerMustAct(BAD_KEY)
    if reply.status == 403:
        return CustomerMustAct(NO_PERMISSION)
    if reply.status in (404, 405):
        return CustomerMustAct(NOT_A_CONSOLE).at("base_url")
    if reply.status == 429:
        return TryLater("The Veeam console asks for fewer requests. Reconcile waits and tries again.")
    return None


def unknown_shape(detail: str) -> OurBug:
    """Return the error for an answer whose shape the sheet does not know."""
    return OurBug(
        "The Veeam console answered in a shape that Reconcile does not know. Support must look at it.",
        detail=detail[:300],
    )


def _errors(value: Any) -> list[dict[str, Any]]:
    """Return the `errors` of an answer; a 200 may carry them too."""
    errors = value.get("errors") if isinstance(value, dict) else None
    return [error for error in errors or [] if isinstance(error, dict)]


def _of_errors(errors: list[dict[str, Any]]) -> RemoteError | None:
    """Judge by the first error's `type`: security, retryable, or a question the console did not like."""
    if not errors:
        return None
    kind = errors[0].get("type")
    message = " ".join(str(errors[0].get("message") or "no reason given").split())
    if kind == "security":
        return CustomerMustAct(NO_PERMISSION, detail=message)
    if kind == "logical":
        return OurBug(
            f"The Veeam console could not answer: {message[:200]} Support must look at it.", detail=message
        )
    return TryLater(
        f"The Veeam console has a fault: {message[:200]} Reconcile tries again; if it stays, look at the console.",
        detail=message,
    )


def _of_bad_request(reply: Reply) -> RemoteError | None:
    try:
        value = reply.json()
    except TryLater:
        return CustomerMustAct(NOT_A_CONSOLE).at("base_url")
    word = value.get("error") if isinstance(value, dict) else None
    if word in ("invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope"):
        return CustomerMustAct(BAD_KEY).at("password")
    return _of_errors(_errors(value))
