"""Reading a PSA list by list: each page is staged together with where to go on, so that nothing is read twice."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from psa.adapters.base import AccountRecord, AgreementRecord, InvoiceRecord, Page, PsaAdapter
from psa.models import AgreementLine
from reconcile.http.paginate import ListMoved
from reconcile.tenancy.scope import org_scope
from sync.claims import Claim
from sync.failures import IncompleteRead, incomplete
from sync.models import StagedRecord, SyncRun, SyncStep
from sync.staging import stage

LINES, PLAN = "lines", "plan"
Reader = Callable[[PsaAdapter, datetime | None, Sequence[str], str], Iterator[Page[Any]]]

# In the order in which they refer to each other.
READERS: dict[str, Reader] = {
    "accounts": lambda psa, since, _plan, cursor: psa.read_accounts(since, cursor),
    "services": lambda psa, since, _plan, cursor: psa.read_services(since, cursor),
    "agreement types": lambda psa, _since, _plan, _cursor: _whole(psa.read_agreement_types()),
    "agreements": lambda psa, since, _plan, cursor: psa.read_agreements(since, cursor),
    LINES: lambda psa, _since, plan, cursor: psa.read_lines(plan, cursor),
    "invoices": lambda psa, since, _plan, cursor: psa.read_invoices(since, cursor),
    "boards": lambda psa, _since, _plan, _cursor: _whole(psa.read_boards()),
}
# The agreements whose lines to read: a full sync takes those that ended too, so that none of their lines is
# missing without a reason; a quick one takes what is active or has changed.
MAKE_PLAN = """
INSERT INTO sync_stagedrecord (org_id, run_id, step, remote_id, data)
SELECT %(org)s, %(run)s, 'plan', remote_id, '{}' FROM (
    SELECT remote_id FROM sync_stagedrecord
    WHERE org_id = %(org)s AND run_id = %(run)s AND step = 'agreements'
    UNION
    SELECT remote_id FROM psa_agreement
    WHERE org_id = %(org)s AND connection_id = %(connection)s AND %(quick)s AND active AND vanished_at IS NULL
) agreements
ON CONFLICT DO NOTHING
"""


def prepare(claim: Claim) -> None:
    """Make the rows of the steps that do not exist yet. Needs the organization's scope."""
    SyncStep.objects.bulk_create(
        [
            SyncStep(org_id=claim.org_id, run_id=claim.run_id, position=position, name=name)
            for position, name in enumerate(READERS)
        ],
        ignore_conflicts=True,
    )


def read(claim: Claim, psa: PsaAdapter, since: datetime | None) -> None:
    """Read and stage all lists that this run has not finished; raises RemoteError or Interruption."""
    for name in READERS:
        with org_scope(claim.org_id):
            claim.prove()
            step = SyncStep.objects.get(run_id=claim.run_id, name=name)
            plan = _plan(claim, step) if name == LINES else []
        if step.finished_at is None:
            _read_step(claim, psa, step, since, plan)


def _read_step(
    claim: Claim, psa: PsaAdapter, step: SyncStep, since: datetime | None, plan: Sequence[str]
) -> None:
    try:
        with closing(_pages(psa, step, since, plan)) as pages:
            for page in pages:
                _keep(claim, step, page)
                if page.last:
                    return
                claim.check_slice()
        raise incomplete(f"The list of {step.name} ended before its last page.")
    except (IncompleteRead, ListMoved):
        _forget(claim, step)
        raise


def _pages(
    psa: PsaAdapter, step: SyncStep, since: datetime | None, plan: Sequence[str]
) -> Generator[Page[Any], None, None]:
    yield from READERS[step.name](psa, since, plan, step.cursor)


def _keep(claim: Claim, step: SyncStep, page: Page[Any]) -> None:
    """Stage a page and move the step's cursor behind it, both or neither; raises IncompleteRead."""
    if not page.last and not page.records and page.cursor == step.cursor:
        raise incomplete(f"The list of {step.name} does not go on.", detail=f"cursor {page.cursor} twice")
    with org_scope(claim.org_id):
        claim.prove()
        staged = stage(claim.org_id, claim.run_id, step.name, [_row(record) for record in page.records])
        if staged < len(page.records):
            raise incomplete(f"The list of {step.name} gave the same record twice while it was read.")
        step.cursor, step.read, step.total = page.cursor, step.read + staged, page.total
        if page.last:
            if page.total is not None and step.read < page.total:
                raise incomplete(f"The list of {step.name} ended after {step.read} of {page.total} records.")
            step.state, step.finished_at = "done", timezone.now()
            claim.got_further()
        step.save(update_fields=["cursor", "read", "total", "state", "finished_at"])


def _forget(claim: Claim, step: SyncStep) -> None:
    """Let the next try read the list from its start."""
    with org_scope(claim.org_id):
        claim.prove()
        StagedRecord.objects.filter(run_id=claim.run_id, step=step.name).delete()
        SyncStep.objects.filter(pk=step.pk).update(cursor="", read=0, total=None)


def _plan(claim: Claim, step: SyncStep) -> list[str]:
    """Give the agreements whose lines to read, settled once per run."""
    planned = StagedRecord.objects.filter(run_id=claim.run_id, step=PLAN)
    if not planned.exists():
        run = SyncRun.objects.get(pk=claim.run_id)
        with connection.cursor() as cursor:
            cursor.execute(
                MAKE_PLAN,
                {
                    "org": claim.org_id,
                    "run": claim.run_id,
                    "connection": run.connection_id,
                    "quick": run.mode == SyncRun.Mode.QUICK,
                },
            )
        # No PSA says how many lines there are before all are read: the last sync's number stands for it.
        known = AgreementLine.objects.filter(connection=run.connection, vanished_at=None).count()
        step.total = known or None
    return sorted(planned.values_list("remote_id", flat=True), key=lambda one: (len(one), one))


def _whole(records: Sequence[Any]) -> Iterator[Page[Any]]:
    yield Page(records=records, cursor="", last=True, total=len(records))


def _row(record: Any) -> tuple[str, dict[str, Any]]:
    """Give a record's remote id and its fields as the mirror keeps them."""
    fields = dict(vars(record))
    if isinstance(record, AccountRecord):
        fields["active"] = record.active and not record.prospect and not record.deleted
    if isinstance(record, AgreementRecord | InvoiceRecord) and len(record.currency) != 3:
        fields["currency"] = ""  # a name instead of a code: the connection's currency stands for it
    return record.remote_id, fields
