"""What the console's counter types count, and in which unit Reconcile keeps them (sheet §7)."""

from dataclasses import dataclass
from decimal import Context, Decimal

from vendors.adapters.base import VendorServiceRecord

BYTES_PER_GB = Decimal(1024**3)
# A 63-bit number of bytes in GB has up to 40 digits; nothing of it is rounded away here.
_EXACT = Context(prec=60)

_UNITS = {
    "device": (
        "ManagedVms BackupedVms ReplicatedVms ManagedCloudVms ManagedCdpVms ManagedWorkstationAgents "
        "ManagedServerAgents VmCloudBackups ServerCloudBackups WorkstationCloudBackups VmCloudReplicas "
        "ManagedAgentsWindowsDesktopOS ManagedAgentsWindowsServerOS ManagedAgentsLinuxOS ManagedAgentsMacOS"
    ),
    "user": "ManagedUsers Vb365ProtectedUsers Vb365ProtectedEducationalUsers",
    "object": (
        "ProtectedFileShares ProtectedObjectStorages PublicCloudProtectedFileShares "
        "PublicCloudProtectedCloudDatabases Vb365ProtectedGroups Vb365ProtectedSites Vb365ProtectedTeams"
    ),
    "GB": (
        "CloudTotalUsage CloudRegularStorageUsage CloudObjectStorageUsage CloudRepositoryUsageByVm "
        "CloudRepositoryUsageByServerAgent CloudRepositoryUsageByWorkstationAgent "
        "CloudRepositoryUsageByUnknownFiles CloudPerformanceTierBackupSize CloudCapacityTierBackupSize "
        "CloudArchiveTierBackupSize CloudInsiderProtectionBackupSize VbrBackupSize Vb365BackupSize "
        "Vb365ArchiveSize FileShareSourceSize FileShareBackupSize FileShareArchiveSize "
        "ObjectStorageSourceSize ObjectStorageBackupSize ObjectStorageArchiveSize PublicCloudBackupSize "
        "PublicCloudArchiveSize VmCloudReplicaStorageUsage "
        "VdcVaultAzureAdvancedCoreUsedSpace VdcVaultAzureAdvancedNonCoreUsedSpace "
        "VdcVaultAzureFoundationCoreUsedSpace VdcVaultAzureFoundationNonCoreUsedSpace "
        "VdcVaultAwsAdvancedCoreUsedSpace VdcVaultAwsAdvancedNonCoreUsedSpace "
        "VdcVaultAwsFoundationCoreUsedSpace VdcVaultAwsFoundationNonCoreUsedSpace"
    ),
    "GB transferred": (
        "AgentCloudBackupDataTransferIn AgentCloudBackupDataTransferOut VbrCloudBackupsDataTransferIn "
        "VbrCloudBackupsDataTransferOut VbrCloudReplicaDataTransferIn VbrCloudReplicaDataTransferOut"
    ),
    # The sheet names no unit of time: the number is kept as it comes.
    "time": "VmCloudReplicaComputeTime",
}
_CATEGORIES = {"GB": "Storage", "GB transferred": "Transfer", "time": "Compute time"}


@dataclass(frozen=True)
class CounterKind:
    """What one counter type counts; `divisor` turns the console's number into `unit`s."""

    unit: str
    divisor: Decimal
    category: str

    def quantity(self, value: int | Decimal) -> Decimal:
        """Turn the console's number into units, exactly."""
        number = Decimal(value)
        return number if self.divisor == 1 else _EXACT.divide(number, self.divisor)


# A counter type that a newer server adds: kept under its own name, as the bare number.
UNKNOWN = CounterKind(unit="unit", divisor=Decimal(1), category="New counter")
KINDS = {
    name: CounterKind(
        unit="GB" if unit.startswith("GB") else unit,
        divisor=BYTES_PER_GB if unit.startswith("GB") else Decimal(1),
        category=_CATEGORIES.get(unit, "Workloads"),
    )
    for unit, names in _UNITS.items()
    for name in names.split()
}


def kind_of(counter_type: str) -> CounterKind:
    """Return what a counter type counts; one that the sheet does not list is never dropped."""
    return KINDS.get(counter_type, UNKNOWN)


def service_of(counter_type: str) -> VendorServiceRecord:
    """Return the service that a counter type is."""
    kind = kind_of(counter_type)
    return VendorServiceRecord(
        external_id=counter_type, name=counter_type, unit=kind.unit, category=kind.category
    )
