"""What people are told of syncs (A7): that one has finished, has failed, with who must act, or waits for a person."""

from accounts.notice_models import Kind
from accounts.notices import Place, query, settle, tell
from dashboard.standing import follow_after_commit
from sync import tallies
from sync.models import SyncRun

WHO = {
    "admin": "An admin must act.",
    "clock": "It may pass by itself.",
    "us": "Our fault, not yours.",
}


def tell_ended(run_id: int) -> None:
    """Tell of a run that has just ended or is held; a good one settles what was said of bad ones before."""
    run = SyncRun.objects.select_related("connection", "integration").get(pk=run_id)
    source = run.connection or run.integration
    name = f"{'connection' if run.connection_id else 'integration'}-{run.connection_id or run.integration_id}"
    if run.state == SyncRun.State.HELD:
        tell(
            run.org_id,
            Kind.APPROVAL,
            key=f"sync held:{name}",
            title=f"The sync of {source} waits for a person",
            body=f"{run.cause} Its lines keep their last numbers until somebody accepts or refuses it.",
            place=Place("sync_status", query=query(show="action")),
        )
        return
    settle(f"sync held:{name}")
    if run.state == SyncRun.State.DONE:
        settle(f"sync failed:{name}")
        follow_after_commit(run.org_id)
        tell(
            run.org_id,
            Kind.SYNC_DONE,
            key=f"sync done:{name}",
            title=f"The sync of {source} has finished",
            body=tallies.tell(run),
            place=Place("sync_status"),
        )
    elif run.state == SyncRun.State.FAILED:
        tell(
            run.org_id,
            Kind.SYNC_FAILED,
            key=f"sync failed:{name}",
            title=f"The sync of {source} has failed",
            body=" ".join(part for part in (run.cause, WHO.get(run.who, ""), run.cure) if part),
            place=Place("sync_status", query=query(show="action")),
        )
