"""Connecting a vendor instance: prove it outside any transaction, then keep what was proved in one."""

from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from accounts import audit
from accounts.models import Organization, User
from accounts.notices import settle_all
from reconcile.http.errors import RemoteError
from reconcile.http.verdicts import SECRET, Answer, Verdict, judge
from reconcile.secrets import SecretUnreadable
from reconcile.tenancy.scope import org_scope
from vendors.adapters.base import VendorCredentials, VendorIdentity, VendorKind
from vendors.forms import IntegrationForm
from vendors.integrations import change_address, find_kind, read_credentials, store_secret
from vendors.models import Integration

KEY_ENDS = "last day of the key"


class NotConnected(Exception):
    """The vendor could not be connected; nothing was kept. `verdict` is fit for the form."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.sentence)
        self.verdict = verdict


def prove(kind: VendorKind, credentials: VendorCredentials) -> VendorIdentity:
    """Call the vendor with these credentials; raises NotConnected. Never inside an organization's scope."""
    try:
        return kind.build(credentials).identify()
    except RemoteError as error:
        raise NotConnected(judge(error, kind.label)) from error


def credentials_of(integration: Integration) -> VendorCredentials:
    """Unseal what a stored integration signs in with; raises NotConnected when that cannot be read."""
    try:
        return read_credentials(integration)
    except SecretUnreadable as error:
        raise NotConnected(Verdict(Answer.REFUSED, str(error), SECRET)) from error


def entered_credentials(
    form: IntegrationForm, org: Organization, integration: Integration | None
) -> VendorCredentials:
    """Put together what to try: what was entered, and the stored secrets that were left as they are."""
    fields = form.plain_values() | form.new_secrets()
    if integration and form.kept_secrets():
        stored = credentials_of(integration).fields
        fields |= {name: stored[name] for name in form.kept_secrets()}
    return VendorCredentials(
        org_id=org.pk,
        integration_id=integration.pk if integration else 0,
        base_url=form.cleaned_data["base_url"],
        fields=fields,
        verify=form.cleaned_data["verify_tls"],
    )


def keep(
    org: Organization, form: IntegrationForm, identity: VendorIdentity, by: User, pk: int | None = None
) -> Integration:
    """Keep a proved integration (`pk`: one that exists) and write the audit entry; raises NotConnected."""
    try:
        with org_scope(org.pk):
            audit.hold(org.pk)
            found = Integration.objects.select_for_update(no_key=True).get(pk=pk) if pk else None
            integration = found or Integration(org=org, kind=form.kind.key)
            _refuse_another_instance(integration, identity)
            _refuse_the_same_instance(integration, identity)
            return _write(integration, form, identity, by)
    except IntegrityError as error:
        raise NotConnected(
            Verdict(Answer.REFUSED, "Another integration has this name. Choose another one.", "name")
        ) from error


def test(integration: Integration, by: User) -> Verdict:
    """Test a stored integration, keep what it says, and write down that it was tested."""
    verdict = Verdict(Answer.OK, f"{integration.name} answers.")
    identity = None
    try:
        identity = prove(find_kind(integration), credentials_of(integration))
        _refuse_another_instance(integration, identity)
    except NotConnected as failure:
        verdict = failure.verdict
    with org_scope(integration.org_id):
        audit.record(
            integration.org_id,
            actor=by,
            verb="tested integration",
            subject=f"integration:{integration.pk}",
            label=integration.name,
            new={"answer": verdict.answer.value},
        )
        if identity and verdict.answer is Answer.OK:
            # An address that was changed while the old one was asked gets none of its findings.
            same = Integration.objects.filter(pk=integration.pk, epoch=integration.epoch)
            same.update(**_findings(identity))
    return verdict


def _refuse_another_instance(integration: Integration, identity: VendorIdentity) -> None:
    """Never mix the counts of two instances in one integration."""
    if integration.external_id and integration.external_id != identity.external_id:
        raise NotConnected(
            Verdict(
                Answer.REFUSED,
                "Another instance answers there than the one whose accounts are mapped here. Their counts would be "
                "mixed. Add it as an integration of its own.",
            )
        )


def _refuse_the_same_instance(integration: Integration, identity: VendorIdentity) -> None:
    """Never count one instance twice. Two of one vendor are told apart by the number they give themselves."""
    same = Integration.objects.filter(kind=integration.kind, external_id=identity.external_id[:120])
    twin = same.exclude(pk=integration.pk).first() if identity.external_id else None
    if twin is not None:
        raise NotConnected(
            Verdict(
                Answer.REFUSED,
                f"This instance is connected already, as {twin.name}. Connected twice, its counts would be doubled.",
            )
        )


def _write(
    integration: Integration, form: IntegrationForm, identity: VendorIdentity, by: User
) -> Integration:
    is_new = integration.pk is None
    old = {} if is_new else _shown(integration)
    if is_new:
        integration.base_url = form.cleaned_data["base_url"]
    else:
        change_address(integration, form.cleaned_data["base_url"])
    kept, secrets = form.kept_secrets(), form.new_secrets()
    integration.name, integration.verify_tls = form.cleaned_data["name"], form.cleaned_data["verify_tls"]
    integration.reads_names = form.cleaned_data["reads_names"]
    integration.fields = form.plain_values()
    # What belongs to another way to sign in is forgotten.
    integration.secrets = {name: sealed for name, sealed in integration.secrets.items() if name in kept}
    for name, value in _findings(identity).items():
        setattr(integration, name, value)
    integration.credentials_expire_on = form.cleaned_data["expires_on"]
    integration.save()
    for name, value in secrets.items():
        store_secret(integration, name, value)
    new = _shown(integration)
    if old.get(KEY_ENDS) != new[KEY_ENDS]:
        settle_all(f"expires:integration-{integration.pk}:")
    changed = {name: value for name, value in new.items() if is_new or old.get(name) != value}
    audit.record(
        integration.org_id,
        actor=by,
        verb="connected integration" if is_new else "changed integration",
        subject=f"integration:{integration.pk}",
        label=integration.name,
        old={name: old[name] for name in changed if name in old},
        new=changed | dict.fromkeys(secrets, "entered"),
        reply=f"{identity.name} answered",
    )
    return integration


def _findings(identity: VendorIdentity) -> dict[str, Any]:
    return {
        "external_id": identity.external_id[:120],
        "remote_version": identity.version[:60],
        "checked_at": timezone.now(),
    }


def _shown(integration: Integration) -> dict[str, Any]:
    """Give what the audit trail may show of an integration: everything but its secrets."""
    return {
        "name": integration.name,
        "address": integration.base_url,
        "certificate checked": integration.verify_tls,
        "names read": integration.reads_names,
        KEY_ENDS: integration.credentials_expire_on,
        **integration.fields,
    }
