"""What stands in the forms that connect a system, and short ways to look at what was kept."""

from typing import Any

from django.urls import reverse

from accounts.models import Organization
from reconcile.tenancy.scope import org_scope
from tests.demo import connectwise_client

FOREIGN = "a-stranger-sent-this"


def psa_fields(psa: connectwise_client.Client, **changes: str) -> dict[str, str]:
    given = psa.credentials
    return {
        "kind": "connectwise", "name": "ConnectWise PSA", "place": "own", "base_url": given["url"],
        "company": given["company"], "public_key": given["public_key"], "private_key": given["private_key"],
        "client_id": given["client_id"],
    } | changes  # fmt: skip


def console_fields(console: dict[str, str], **changes: str) -> dict[str, str]:
    return {
        "kind": "veeam_vspc", "name": "Veeam, main", "base_url": console["url"], "verify_tls": "on",
        "reads_names": "on", "sign_in": "API key, recommended", "api_key": console["api_key"],
    } | changes  # fmt: skip


def url(name: str, org: Organization, *args: object) -> str:
    return reverse(name, args=[org.slug, *args])


def only(org: Organization, model: Any) -> Any:
    with org_scope(org.pk):
        return model.objects.get()


def count(org: Organization, model: Any) -> int:
    with org_scope(org.pk):
        return model.objects.count()
