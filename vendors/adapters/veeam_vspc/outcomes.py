"""What is known of each account besides its counts: the worst finding wins, every reason is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vendors.adapters.base import AccountOutcome, Outcome

_WORST_LAST = (Outcome.OK, Outcome.STALE, Outcome.SKIPPED, Outcome.FAILED)


@dataclass
class Findings:
    """Collects outcomes with their reasons, by account."""

    _found: dict[str, tuple[Outcome, list[str]]] = field(default_factory=dict)

    def add(self, account: str, outcome: Outcome, reason: str) -> None:
        """Note one finding about an account."""
        before, reasons = self._found.get(account, (Outcome.OK, []))
        worst = max(before, outcome, key=_WORST_LAST.index)
        self._found[account] = (worst, [*reasons, reason])

    def add_all(self, outcome: Outcome, reasons: Mapping[str, str]) -> None:
        """Note the same kind of finding about several accounts."""
        for account, reason in reasons.items():
            self.add(account, outcome, reason)

    def outcomes(self) -> tuple[AccountOutcome, ...]:
        """Return the outcomes, one per account that is not OK."""
        return tuple(
            AccountOutcome(account_external_id=account, outcome=outcome, reason=" ".join(reasons))
            for account, (outcome, reasons) in sorted(self._found.items())
        )
