"""Connecting a PSA: prove it outside any transaction, then keep what was proved in one."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from accounts import audit
from accounts.models import Organization, User
from accounts.notices import settle_all
from psa.adapters.base import Credentials, Identity, Permission, PsaKind
from psa.connections import change_address, find_kind, read_credentials, store_secret
from psa.forms import ConnectionForm
from psa.models import Connection
from reconcile.http.errors import RemoteError
from reconcile.http.verdicts import SECRET, Answer, Verdict, judge
from reconcile.secrets import SecretUnreadable
from reconcile.tenancy.scope import org_scope

KEY_ENDS = "last day of the key"


class NotConnected(Exception):
    """The PSA could not be connected; nothing was kept. `verdict` is fit for the form."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.sentence)
        self.verdict = verdict


@dataclass(frozen=True)
class Proof:
    """Who answered, and what the keys may do there."""

    identity: Identity
    permissions: list[Permission]


def prove(kind: PsaKind, credentials: Credentials) -> Proof:
    """Call the PSA with these credentials; raises NotConnected. Never inside an organization's scope."""
    try:
        adapter = kind.build(credentials)
        return Proof(adapter.identify(), adapter.check_permissions())
    except RemoteError as error:
        raise NotConnected(judge(error, kind.label)) from error


def credentials_of(connection: Connection) -> Credentials:
    """Unseal what a stored connection signs in with; raises NotConnected when that cannot be read."""
    try:
        return read_credentials(connection)
    except SecretUnreadable as error:
        raise NotConnected(Verdict(Answer.REFUSED, str(error), SECRET)) from error


def entered_credentials(
    form: ConnectionForm, org: Organization, connection: Connection | None
) -> Credentials:
    """Put together what to try: what was entered, and the stored secrets that were left as they are."""
    fields = form.plain_values() | form.new_secrets()
    if connection and form.kept_secrets():
        stored = credentials_of(connection).fields
        fields |= {name: stored[name] for name in form.kept_secrets()}
    return Credentials(
        org_id=org.pk,
        connection_id=connection.pk if connection else 0,
        base_url=form.cleaned_data["base_url"],
        fields=fields,
    )


def keep(
    org: Organization, form: ConnectionForm, proof: Proof, by: User, pk: int | None = None
) -> Connection:
    """Keep a proved connection (`pk`: one that exists) and write the audit entry; raises NotConnected."""
    try:
        with org_scope(org.pk):
            audit.hold(org.pk)
            found = Connection.objects.select_for_update(no_key=True).get(pk=pk) if pk else None
            connection = found or Connection(org=org, kind=form.kind.key)
            _refuse_another_company(connection, form, proof.identity)
            return _write(connection, form, proof, by)
    except IntegrityError as error:
        raise NotConnected(
            Verdict(Answer.REFUSED, "Another connection has this name. Choose another one.", "name")
        ) from error


def _write(connection: Connection, form: ConnectionForm, proof: Proof, by: User) -> Connection:
    is_new = connection.pk is None
    old = {} if is_new else _shown(connection)
    kept = form.kept_secrets()
    if is_new:
        connection.base_url = form.cleaned_data["base_url"]
    else:
        change_address(connection, form.cleaned_data["base_url"])
    connection.name, connection.fields = form.cleaned_data["name"], form.plain_values()
    connection.secrets = {name: sealed for name, sealed in connection.secrets.items() if name in kept}
    for name, value in _findings(proof).items():
        setattr(connection, name, value)
    connection.credentials_expire_on = form.cleaned_data["expires_on"]
    connection.save()
    secrets = form.new_secrets()
    for name, value in secrets.items():
        store_secret(connection, name, value)
    new = _shown(connection)
    if old.get(KEY_ENDS) != new[KEY_ENDS]:
        settle_all(f"expires:connection-{connection.pk}:")
    changed = new if is_new else {key: value for key, value in new.items() if old.get(key) != value}
    audit.record(
        connection.org_id,
        actor=by,
        verb="connected PSA" if is_new else "changed PSA connection",
        subject=f"connection:{connection.pk}",
        label=connection.name,
        old={key: old[key] for key in changed if key in old},
        new=changed | dict.fromkeys(secrets, "entered"),
        reply=f"{proof.identity.name} answered",
    )
    return connection


def test(connection: Connection, by: User) -> Verdict:
    """Test a stored connection, keep what it says, and write down that it was tested."""
    verdict = Verdict(Answer.OK, f"{connection.name} answers, and its permissions were read again.")
    proof = None
    try:
        proof = prove(find_kind(connection), credentials_of(connection))
        if _is_another_company(connection, proof.identity):
            verdict = Verdict(Answer.REFUSED, "Another company answers to these keys. Enter the right ones.")
    except NotConnected as failure:
        verdict = failure.verdict
    with org_scope(connection.org_id):
        audit.record(
            connection.org_id,
            actor=by,
            verb="tested PSA connection",
            subject=f"connection:{connection.pk}",
            label=connection.name,
            new={"answer": verdict.answer.value},
        )
        if proof and verdict.answer is Answer.OK:
            # An address that was changed while the old one was asked gets none of its findings.
            same = Connection.objects.filter(pk=connection.pk, epoch=connection.epoch)
            same.update(**_findings(proof))
    return verdict


def _findings(proof: Proof) -> dict[str, Any]:
    """Give what a proof says of a connection; the PSA answers, so the circuit breaker closes."""
    return {
        "remote_account": proof.identity.remote_account[:120],
        "remote_version": proof.identity.version[:60],
        "permissions": [asdict(permission) for permission in proof.permissions],
        "checked_at": timezone.now(),
        "failures": 0,
        "paused_until": None,
    }


def _is_another_company(connection: Connection, identity: Identity) -> bool:
    """Say whether these keys belong to another customer of the PSA than the mirror was read from."""
    known = connection.remote_account.casefold()
    return bool(known) and known != identity.remote_account.casefold()


def _refuse_another_company(connection: Connection, form: ConnectionForm, identity: Identity) -> None:
    """Never mix the accounts of two companies in one connection, nor read one company twice."""
    if _is_another_company(connection, identity):
        raise NotConnected(
            Verdict(
                Answer.REFUSED,
                f"This is the company {identity.remote_account}, but the connection holds the accounts of "
                f"{connection.remote_account}. They would be mixed. Add a second connection instead.",
            )
        )
    same = Connection.objects.filter(
        kind=form.kind.key,
        remote_account__iexact=identity.remote_account,
        base_url__iexact=form.cleaned_data["base_url"],
    )
    other = same.exclude(pk=connection.pk).first()
    if other:
        raise NotConnected(
            Verdict(
                Answer.REFUSED,
                f"This company is already connected as “{other.name}”. A second connection would compare every "
                "line twice.",
            )
        )


def _shown(connection: Connection) -> dict[str, Any]:
    """Give what the audit trail may show of a connection: everything but its secrets."""
    return {
        "name": connection.name,
        "address": connection.base_url,
        "company": connection.remote_account,
        KEY_ENDS: connection.credentials_expire_on,
        **connection.fields,
    }
