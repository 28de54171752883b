"""Integrations at work: their sealed secrets, their address, and the adapter that speaks for them."""

import base64

from reconcile.secrets import seal, unseal
from vendors.adapters import ADAPTERS
from vendors.adapters.base import VendorAdapter, VendorCredentials, VendorKind
from vendors.models import Integration


class UnknownKind(LookupError):
    """The integration is of a kind that this version of Reconcile has no adapter for."""


def find_kind(integration: Integration) -> VendorKind:
    """Give the registry line of the integration's kind; raises UnknownKind."""
    try:
        return ADAPTERS[integration.kind]
    except KeyError:
        raise UnknownKind(integration.kind) from None


def build_adapter(integration: Integration) -> VendorAdapter:
    """Build the adapter that speaks for this integration; no call is made.

    Raises UnknownKind, SecretUnreadable, or CustomerMustAct for an address that may not be called.
    """
    return find_kind(integration).build(read_credentials(integration))


def read_credentials(integration: Integration) -> VendorCredentials:
    """Unseal what the integration needs to speak; raises SecretUnreadable."""
    fields = {str(name): str(value) for name, value in integration.fields.items()}
    for name, sealed in integration.secrets.items():
        blob = base64.b64decode(sealed)
        fields[name] = unseal(blob, org_id=integration.org_id, owner=_owner(integration), field=name)
    return VendorCredentials(
        org_id=integration.org_id,
        integration_id=integration.pk,
        base_url=integration.base_url,
        fields=fields,
        verify=integration.verify_tls,
    )


def store_secret(integration: Integration, name: str, value: str) -> None:
    """Seal one secret field of a saved integration, and save it."""
    blob = seal(value, org_id=integration.org_id, owner=_owner(integration), field=name)
    integration.secrets = {**integration.secrets, name: base64.b64encode(blob).decode()}
    integration.save(update_fields=["secrets"])


def change_address(integration: Integration, base_url: str) -> bool:
    """Move the integration to another address; the same one changes nothing. Says whether it moved.

    Whoever answers there must not get the old keys: they are cleared, and the epoch ends syncs under way.
    """
    if base_url.rstrip("/") == integration.base_url.rstrip("/"):
        return False
    integration.base_url = base_url
    integration.secrets = {}
    integration.external_id = integration.remote_version = ""
    integration.checked_at = None
    integration.epoch += 1
    integration.save()
    return True


def _owner(integration: Integration) -> str:
    return f"integration:{integration.pk}"
