"""The setting of the tests of pushes: an organization connected to a PSA in memory, with lines in the mirror."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import AuditEntry, Organization, User
from psa import additions, push_runs, push_undo, pushes
from psa.adapters.base import Way
from psa.models import Account, Agreement, AgreementLine, Connection, Push, PushAttempt, Service
from reconcile.tenancy.scope import org_scope
from tests.psa.pocket import PocketPsa

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NEXT_MONTH = date(2030, 1, 1)


class Desk:
    """One organization's desk: what its people and its workers do, and what the database then says."""

    def __init__(self, org: Organization, user: User, psa: PocketPsa, kind: str = "pocket") -> None:
        self.org, self.user, self.psa = org, user, psa
        with org_scope(org.pk):
            self.connection = Connection.objects.create(
                org=org,
                kind=kind,
                name="Pocket",
                base_url="https://pocket.example",
                remote_account=psa.account,
            )
            row: dict[str, Any] = {"org": org, "connection": self.connection, "changed_at": LONG_AGO}
            account = Account.objects.create(remote_id="a", name="Harbour Dental", **row)
            self.service = Service.objects.create(remote_id="s", name="Backup seat", **row)
            agreement = Agreement.objects.create(remote_id="1", name="Managed", account=account, **row)
            self._row = row | {"account": account, "agreement": agreement, "service": self.service}

    def line(self, remote_id: str = "10", quantity: int = 42) -> AgreementLine:
        """Hold a line here and there."""
        self.psa.put(remote_id, quantity)
        with org_scope(self.org.pk):
            return AgreementLine.objects.create(
                remote_id=remote_id, quantity=quantity, starts_on=date(2025, 1, 1), **self._row
            )

    def stage(self, line: AgreementLine, wanted: int, seen: int = 42, **more: Any) -> Push:
        """Approve a quantity."""
        what: dict[str, Any] = {"effective_on": NEXT_MONTH, "way": Way.IN_PLACE, "by": self.user} | more
        with org_scope(self.org.pk):
            return pushes.stage(line, seen=Decimal(seen), wanted=Decimal(wanted), **what)

    def stage_dated(self, line: AgreementLine, wanted: int, **more: Any) -> Push:
        """Approve a quantity that is sent on the first of next month."""
        intent = pushes.Intent(
            line,
            Decimal(line.quantity),
            Decimal(wanted),
            NEXT_MONTH,
            Way.IN_PLACE,
            release_on=NEXT_MONTH,
            **more,
        )
        with org_scope(self.org.pk):
            (push,) = pushes.stage_many([intent], by=self.user)
        assert isinstance(push, Push)
        return push

    def sell(self, remote_id: str) -> Service:
        """Have one more service in the catalogue."""
        row = {name: self._row[name] for name in ("org", "connection", "changed_at")}
        with org_scope(self.org.pk):
            return Service.objects.create(remote_id=remote_id, name=f"Service {remote_id}", **row)

    def add(self, wanted: int = 9, service: Service | None = None, **more: Any) -> Push:
        """Approve a line of a service that nothing bills, in the agreement."""
        price = Decimal("4.50")
        with org_scope(self.org.pk):
            addition = additions.Addition(
                self._row["agreement"], service or self.service, Decimal(wanted), price, NEXT_MONTH
            )
            return additions.stage(addition, by=self.user, **more)

    def undo(self, push: Push) -> Push:
        """Undo a push."""
        with org_scope(self.org.pk):
            return push_undo.undo(push, self.user)

    def run(self) -> int:
        """Let a worker take what is due."""
        return push_runs.run(self.org.pk)

    def run_out(self, times: int = 30) -> None:
        """Let time pass and workers work until nothing is due."""
        for _ in range(times):
            self.pass_time()
            if not self.run():
                return

    def pass_time(self) -> None:
        """Let every lease and every pause run out."""
        with org_scope(self.org.pk):
            Push.objects.exclude(lease_until=None).update(lease_until=LONG_AGO)
            Push.objects.exclude(not_before=None).update(not_before=LONG_AGO)
            Connection.objects.update(paused_until=None)

    def again(self, row: Any) -> Any:
        """Read a row again."""
        with org_scope(self.org.pk):
            return type(row).objects.get(pk=row.pk)

    def steps(self, push: Push) -> list[str]:
        """List the steps that were recorded."""
        with org_scope(self.org.pk):
            return [a.step for a in PushAttempt.objects.filter(push=push).order_by("pk")]

    def audit(self) -> list[str]:
        """List the verbs of the audit trail since the organization was founded."""
        with org_scope(self.org.pk):
            return [entry.verb for entry in AuditEntry.objects.filter(seq__gt=1).order_by("seq")]

    def change_connection(self, **changes: Any) -> None:
        """Change the connection behind the back of what waits."""
        with org_scope(self.org.pk):
            Connection.objects.filter(pk=self.connection.pk).update(**changes)

    def is_paused(self) -> bool:
        """Say whether the circuit breaker is open."""
        paused_until = self.again(self.connection).paused_until
        return paused_until is not None and paused_until > timezone.now() + timedelta(seconds=1)
