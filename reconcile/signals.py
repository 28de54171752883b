"""Signals between apps whose dependencies point the other way."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.dispatch import Signal


@dataclass
class _Held:
    """What has changed since a block of `together` began; `everything` stands for all accounts."""

    org_id: int
    accounts: set[int] = field(default_factory=set)
    everything: bool = False
    any: bool = False


_held: ContextVar[_Held | None] = ContextVar("held figures", default=None)


class FiguresChanged(Signal):
    """A signal that can be held back, so that many changes of one transaction are followed once."""

    def send(self, sender: Any, **named: Any) -> list[tuple[Any, Any]]:
        """Tell the receivers; inside `together`, remember it for the end of the block."""
        held = _held.get()
        if held is None:
            return super().send(sender, **named)
        if named["org_id"] != held.org_id:
            raise RuntimeError("figures of two organizations changed in one block")
        held.any = True
        held.everything = held.everything or named["account_ids"] is None
        held.accounts.update(named["account_ids"] or ())
        return []

    @contextmanager
    def together(self, org_id: int) -> Iterator[None]:
        """Send what the block sends as one, at its end; an exception, which undoes the changes, sends nothing."""
        if _held.get() is not None:
            yield
            return
        held = _Held(org_id)
        token = _held.set(held)
        try:
            yield
        finally:
            _held.reset(token)
        if held.any:
            self.send(None, org_id=org_id, account_ids=None if held.everything else sorted(held.accounts))


# Sent inside the transaction that changed what cards follow from (mirror, ledger, mappings, pushes, decisions).
# Arguments: org_id: int, account_ids: list[int] | None (None means every account of the organization).
figures_changed = FiguresChanged()

# Sent inside the transaction in which an organization stops asking for a second approver.
# Arguments: org_id: int, by: the user.
second_switched_off = Signal()

# Sent inside the transaction in which a push that adds a line learns which line it is about, before the figures change.
# Arguments: org_id: int, push_id: int, line_id: int.
line_added = Signal()
