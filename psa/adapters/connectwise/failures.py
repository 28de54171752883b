"""Reading ConnectWise's failures: fact sheet psa/connectwise.md, sections 1.3 and 4."""

from typing import Any

from psa.adapters.connectwise.rights import right_for
from reconcile.http.errors import CustomerMustAct, OurBug, RemoteError, TryLater
from reconcile.http.reply import Reply

WRONG_PLACE = (
    "ConnectWise answers as if this company or these keys did not exist. Check the site address, the company id "
    "and the public and private key of the API member."
)


def explain(reply: Reply) -> RemoteError | None:
    """Say who must act after a failed reply; None when the reply is fine or the status says it all."""
    if reply.status < 400:
        return None
    body = _read(reply)
    if "ssl is required" in _words(body):
        return CustomerMustAct(
            "ConnectWise wants another address: for its cloud, the one that begins with api-."
        )
    if reply.status >= 500:
        return TryLater("ConnectWise did not answer in time or has a fault. Reconcile tries again.")
    known = {
        400: _bad_request,
        401: _refused_keys,
        403: _no_right,
        404: _not_found,
        409: _in_use,
        429: _too_many,
    }
    read = known.get(reply.status)
    return read(reply, body) if read else None


def _refused_keys(_reply: Reply, body: dict[str, Any]) -> RemoteError:
    if "clientid" in _words(body):
        return CustomerMustAct(
            "ConnectWise refused the client id of this integration. Enter one that your ConnectWise accepts, or "
            "leave the field empty."
        ).at("client_id")
    return CustomerMustAct(
        "ConnectWise refused the keys. Enter the public and private key of an active API member again."
    ).at("private_key")


def _no_right(reply: Reply, _body: dict[str, Any]) -> RemoteError:
    right = right_for(reply.url)
    if right is None:
        return CustomerMustAct("ConnectWise says that the API member's security role lacks a permission.")
    return CustomerMustAct(
        f"The API member's security role lacks {right.where} ({right.level}). Give it in ConnectWise under "
        "System > Security Roles."
    )


def _not_found(_reply: Reply, body: dict[str, Any]) -> RemoteError:
    if str(body.get("code")) == "NotFound":
        return CustomerMustAct("ConnectWise no longer has this record. Start a sync to see what is there.")
    return CustomerMustAct(WRONG_PLACE)


def _in_use(_reply: Reply, _body: dict[str, Any]) -> RemoteError:
    return TryLater("Somebody has this record open in ConnectWise. Reconcile tries again.")


def _too_many(_reply: Reply, _body: dict[str, Any]) -> RemoteError:
    return TryLater("ConnectWise's request limit is used up for now. Reconcile goes on by itself.")


def _bad_request(_reply: Reply, body: dict[str, Any]) -> RemoteError:
    """A write is checked with its whole record (§3.2), so a field nobody touched may be at fault."""
    faults = [fault for fault in body.get("errors") or [] if isinstance(fault, dict)]
    if not faults:
        return OurBug("ConnectWise did not understand what Reconcile asked. Support must look at it.")
    named = "; ".join(f"{fault.get('field') or 'record'}: {fault.get('message')}" for fault in faults[:5])
    return CustomerMustAct(f"ConnectWise refused the record. Correct it there: {named}"[:500])


def _read(reply: Reply) -> dict[str, Any]:
    try:
        value = reply.json()
    except RemoteError:
        return {}
    return value if isinstance(value, dict) else {}


def _words(body: dict[str, Any]) -> str:
    return str(body.get("message", "")).lower()
