"""A vendor's accounts and counts from one pull, and how a held pull is kept until a person has looked."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sync.staging import encode
from vendors.adapters.base import (
    AccountKind,
    AccountOutcome,
    CountedItems,
    CountRecord,
    Item,
    Metric,
    NamedItems,
    Outcome,
    UsagePull,
    VendorAccountRecord,
    VendorServiceRecord,
)


@dataclass(frozen=True)
class Pull:
    """Everything that one sync of an integration has read."""

    accounts: tuple[VendorAccountRecord, ...]
    usage: UsagePull


def freeze(pull: Pull) -> dict[str, Any]:
    """Write a pull as what JSON holds without loss."""
    usage = pull.usage
    kept = {
        "accounts": [vars(account) for account in pull.accounts],
        "taken_at": usage.taken_at.isoformat(),
        "complete": usage.complete,
        "counts": [{**vars(count), "as_of": count.as_of.isoformat()} for count in usage.counts],
        "services": [vars(service) for service in usage.services],
        "outcomes": [vars(outcome) for outcome in usage.outcomes],
        "warnings": list(usage.warnings),
        "items": _freeze_items(usage.items),
    }
    frozen: dict[str, Any] = json.loads(encode(kept))
    return frozen


def thaw(kept: dict[str, Any]) -> Pull:
    """Read back what `freeze` wrote."""
    return Pull(
        tuple(
            VendorAccountRecord(**{**account, "kind": AccountKind(account["kind"])})
            for account in kept["accounts"]
        ),
        UsagePull(
            taken_at=datetime.fromisoformat(kept["taken_at"]),
            complete=kept["complete"],
            counts=[_thaw_count(count) for count in kept["counts"]],
            services=[VendorServiceRecord(**service) for service in kept["services"]],
            outcomes=[
                AccountOutcome(**{**outcome, "outcome": Outcome(outcome["outcome"])})
                for outcome in kept["outcomes"]
            ],
            warnings=kept["warnings"],
            items=_thaw_items(kept.get("items") or {}),
        ),
    )


def _freeze_items(items: NamedItems) -> dict[str, Any]:
    return {
        "groups": [
            {**vars(group), "items": [_freeze_item(one) for one in group.items]} for group in items.groups
        ],
        "whole": sorted(items.whole),
        "unread": dict(items.unread),
    }


def _freeze_item(item: Item) -> dict[str, Any]:
    return {**vars(item), "last_seen": item.last_seen and item.last_seen.isoformat()}


def _thaw_items(kept: dict[str, Any]) -> NamedItems:
    """Read back the named units; a pull that was held by an earlier version has none."""
    return NamedItems(
        groups=tuple(
            CountedItems(**{**group, "items": tuple(_thaw_item(one) for one in group["items"])})
            for group in kept.get("groups", [])
        ),
        whole=frozenset(kept.get("whole", [])),
        unread=kept.get("unread", {}),
    )


def _thaw_item(kept: dict[str, Any]) -> Item:
    last_seen = kept["last_seen"]
    return Item(
        **{
            **kept,
            "quantity": Decimal(kept["quantity"]),
            "last_seen": datetime.fromisoformat(last_seen) if last_seen else None,
        }
    )


def _thaw_count(count: dict[str, Any]) -> CountRecord:
    return CountRecord(
        account_external_id=count["account_external_id"],
        service_external_id=count["service_external_id"],
        quantity=Decimal(count["quantity"]),
        as_of=datetime.fromisoformat(count["as_of"]),
        metric=Metric(count["metric"]),
        source_refs=tuple(count["source_refs"]),
    )
