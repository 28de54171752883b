"""How a connected PSA bills, and which agreement types are compared: the change, its trace and its effect."""

from typing import Any

from django.db.models import Count, QuerySet

from accounts import audit
from accounts.models import User
from psa.forms import BillingForm
from psa.models import Agreement, AgreementType, Connection
from reconcile.signals import figures_changed


def agreement_types(connection: Connection) -> QuerySet[AgreementType]:
    """Give the connection's agreement types by name. Needs the organization's scope."""
    return AgreementType.objects.filter(connection=connection, vanished_at=None).order_by("name", "pk")


def agreements_per_type(connection: Connection) -> dict[int, int]:
    """Count the agreements that the PSA still has, by type."""
    rows = Agreement.objects.filter(connection=connection, vanished_at=None, agreement_type__isnull=False)
    return dict(rows.values_list("agreement_type").annotate(Count("pk")))


def change_billing(connection: Connection, form: BillingForm, by: User) -> dict[str, Any]:
    """Save what was changed, write the audit entry and refresh the cards; gives the new values by name.

    Needs the organization's scope. A change of what the last day means needs a full sync, because the end
    dates were read with the old meaning.
    """
    audit.hold(connection.org_id)
    connection.refresh_from_db()  # somebody may have saved since this page's row was read
    old, new = _values(connection, _chosen(connection)), _values_of(form)
    changed = {name: value for name, value in new.items() if old[name] != value}
    if not changed:
        return {}
    connection.currency, connection.way = new["currency"], new["way"]
    connection.ends_inclusive = new["last day billed"]
    connection.save(update_fields=["currency", "way", "ends_inclusive"])
    for kind in agreement_types(connection):
        in_scope = kind.pk in form.cleaned_data["types"]
        if kind.in_scope != in_scope:
            AgreementType.objects.filter(pk=kind.pk).update(in_scope=in_scope)
    audit.record(
        connection.org_id,
        actor=by,
        verb="changed PSA settings",
        subject=f"connection:{connection.pk}",
        label=connection.name,
        old={name: old[name] for name in changed},
        new=changed,
    )
    if changed.keys() & {"currency", "agreement types"}:
        figures_changed.send(Connection, org_id=connection.org_id, account_ids=None)
    return changed


def _chosen(connection: Connection) -> list[str]:
    return [kind.name for kind in agreement_types(connection) if kind.in_scope]


def _values(connection: Connection, types: list[str]) -> dict[str, Any]:
    return {
        "currency": connection.currency,
        "way": connection.way,
        "last day billed": connection.ends_inclusive,
        "agreement types": types,
    }


def _values_of(form: BillingForm) -> dict[str, Any]:
    data = form.cleaned_data
    return {
        "currency": data["currency"],
        "way": data["way"],
        "last day billed": data["ends_inclusive"],
        "agreement types": [kind.name for kind in form.known_types if kind.pk in data["types"]],
    }
