"""Connections at work: their sealed secrets, their adapters, their address, and their circuit breaker."""

import base64
from datetime import timedelta
from urllib.parse import urlsplit

from django.db.models import F, Value
from django.db.models.functions import Least, Now

from psa.adapters import ADAPTERS
from psa.adapters.base import Credentials, PsaAdapter, PsaKind
from psa.models import Connection
from psa.push_rules import break_seconds
from reconcile.secrets import seal, unseal


class UnknownKind(LookupError):
    """The connection is of a kind that this version of Reconcile has no adapter for."""


def find_kind(connection: Connection) -> PsaKind:
    """Give the registry line of the connection's kind; raises UnknownKind."""
    try:
        return ADAPTERS[connection.kind]
    except KeyError:
        raise UnknownKind(connection.kind) from None


def build_adapter(connection: Connection) -> PsaAdapter:
    """Build the adapter that speaks for this connection; no call is made.

    Raises UnknownKind, SecretUnreadable, or CustomerMustAct for an address that may not be called.
    """
    return find_kind(connection).build(read_credentials(connection))


def read_credentials(connection: Connection) -> Credentials:
    """Unseal what the connection needs to speak; raises SecretUnreadable."""
    fields = {str(name): str(value) for name, value in connection.fields.items()}
    fields["ends_inclusive"] = str(connection.ends_inclusive).lower()
    for name, sealed in connection.secrets.items():
        blob = base64.b64decode(sealed)
        fields[name] = unseal(blob, org_id=connection.org_id, owner=_owner(connection), field=name)
    return Credentials(
        org_id=connection.org_id, connection_id=connection.pk, base_url=connection.base_url, fields=fields
    )


def store_secret(connection: Connection, name: str, value: str) -> None:
    """Seal one secret field of a saved connection, and save it."""
    blob = seal(value, org_id=connection.org_id, owner=_owner(connection), field=name)
    connection.secrets = {**connection.secrets, name: base64.b64encode(blob).decode()}
    connection.save(update_fields=["secrets"])


def change_address(connection: Connection, base_url: str) -> bool:
    """Move the connection to another address; the same one changes nothing. Says whether it moved.

    Whoever answers there must not get the old keys, and what was approved for the old place must not be
    written to the new one: secrets and findings are cleared, and the epoch blocks the pushes that wait.
    """
    if base_url.rstrip("/") == connection.base_url.rstrip("/"):
        return False
    connection.base_url = base_url
    connection.secrets = {}
    connection.remote_account = connection.remote_version = ""
    connection.permissions = []
    connection.checked_at = None
    connection.epoch += 1
    connection.failures, connection.paused_until = 0, None
    connection.save()
    return True


def remote_host(connection: Connection) -> str:
    """Give the host that the connection speaks to, with its port where one is named."""
    return urlsplit(connection.base_url).netloc.rpartition("@")[2].lower()


def note_success(connection: Connection) -> None:
    """Close the circuit breaker: the PSA answers. Needs the organization's scope."""
    Connection.objects.filter(pk=connection.pk).exclude(failures=0, paused_until=None).update(
        failures=0, paused_until=None
    )


def note_failure(connection: Connection, told: float | None) -> None:
    """Count a failure that may pass by itself, and rest after several in a row, or as long as the PSA told us.

    Needs the organization's scope. The database's clock decides, as for leases.
    """
    own = Connection.objects.filter(pk=connection.pk)
    own.update(failures=Least(F("failures"), Value(1000)) + 1)
    rest = break_seconds(own.values_list("failures", flat=True).get(), told)
    if rest:
        own.update(paused_until=Now() + timedelta(seconds=rest))


def _owner(connection: Connection) -> str:
    return f"connection:{connection.pk}"
