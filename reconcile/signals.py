"""Signals between apps whose dependencies point the other way."""

from django.dispatch import Signal

# Sent inside the transaction that changed what cards follow from (mirror, ledger, mappings, pushes).
# Arguments: org_id: int, account_ids: list[int] | None (None means every account of the organization).
figures_changed = Signal()
