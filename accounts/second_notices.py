"""What approvers are told when fewer changes need a second one than before (E10): no admin lifts the limit unseen."""

from decimal import Decimal

from accounts.models import User
from accounts.notice_models import Kind
from accounts.notices import Place, tell
from reconcile.templatetags.figures import money


def tell_lifted(
    org_id: int,
    before: tuple[Decimal | None, str],
    after: tuple[Decimal | None, str],
    *,
    by: User,
    entry: int,
) -> None:
    """Tell of an amount that was raised, switched off, or put in another currency; each time by itself.

    `entry` is that of the audit trail. What is stricter than before needs no telling.
    """
    if not _is_lifted(before, after):
        return
    tell(
        org_id,
        Kind.LIMIT,
        key=f"second approver:{entry}",
        title="The second approver is switched off"
        if after[0] is None
        else "The second approver's amount has changed",
        body=f"Changed by {by}. Before, a second person had to agree {_words(before)}; now {_words(after)}.",
        place=Place("settings_reconciliation"),
    )


def _is_lifted(before: tuple[Decimal | None, str], after: tuple[Decimal | None, str]) -> bool:
    if before[0] is None:
        return False
    return after[0] is None or after[0] > before[0] or after[1] != before[1]


def _words(limit: tuple[Decimal | None, str]) -> str:
    amount, currency = limit
    return "never" if amount is None else f"from {money(amount, currency)} ({currency}) on"
