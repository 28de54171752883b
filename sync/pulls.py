"""A vendor's accounts and counts from one pull, and how a held pull is kept until a person has looked."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from vendors.adapters.base import (
    AccountKind,
    AccountOutcome,
    CountRecord,
    Metric,
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
    }
    frozen: dict[str, Any] = json.loads(json.dumps(kept, default=str).replace("\\u0000", ""))
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
        ),
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
