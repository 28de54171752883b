"""What differs between API versions: counter types and the spelling of statuses (sheet §6, §7)."""

from typing import Any

SINCE_3_6 = frozenset(
    {
        "ManagedCdpVms",
        "PublicCloudArchiveSize",
        "PublicCloudBackupSize",
        "PublicCloudProtectedCloudDatabases",
        "PublicCloudProtectedFileShares",
        "Vb365ProtectedEducationalUsers",
    }
)
COMMON_STATUSES = frozenset({"Active", "Disabled", "Unknown"})
PREFIXING_VERSIONS = frozenset({(3, 6), (3, 6, 1)})
FUTURE_COUNTER = {"type": "FutureVaultNodes", "value": 7}

Row = dict[str, Any]


def parsed(version: str) -> tuple[int, ...]:
    """Return "3.6.1" as (3, 6, 1)."""
    return tuple(int(part) for part in version.split("."))


def knows_counter(counter_type: str, version: str) -> bool:
    """Whether a server of this version can report the counter type."""
    if counter_type in SINCE_3_6:
        return parsed(version) >= (3, 6)
    if counter_type.startswith("VdcVaultAzure"):
        return parsed(version) >= (3, 6, 2)
    if counter_type.startswith("VdcVaultAws"):
        return parsed(version) >= (3, 7)
    return True


def spelled_status(status: str, version: str) -> str:
    """Write a status as this version does: 3.6 and 3.6.1 prefix all but three with `REMOVED_`."""
    plain = status.removeprefix("REMOVED_")
    if parsed(version) in PREFIXING_VERSIONS and plain not in COMMON_STATUSES:
        return f"REMOVED_{plain}"
    return plain


def with_counters_of(row: Row, version: str, unknown: bool) -> Row:
    """Return the usage row with the counters this version has, and one from the future if asked for."""
    counters = [counter for counter in row["counters"] if knows_counter(counter["type"], version)]
    return row | {"counters": [*counters, dict(FUTURE_COUNTER)] if unknown else counters}
