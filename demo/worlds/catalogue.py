"""What Northgate IT sells, and which counters of the console stand behind it."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Item:
    """A catalogue item. Price and cost are per unit and month; `counters` are the vendor services behind it.

    Units of a `GB` item are GiB: the console reports them in bytes (facts/vendors/veeam_vspc §7).
    """

    id: int
    identifier: str
    description: str
    price: Decimal
    cost: Decimal
    counters: tuple[str, ...] = ()
    unit: str = "Each"
    product_class: str = "Agreement"
    inactive: bool = False


def _item(
    number: int, identifier: str, description: str, price: str, cost: str, *counters: str, unit: str = "Each"
) -> Item:
    return Item(number, identifier, description, Decimal(price), Decimal(cost), counters, unit)


WORKSTATION = _item(812, "BKP-WS", "Managed Workstation Backup", "6.50", "2.10", "ManagedWorkstationAgents")
SERVER = _item(813, "BKP-SRV", "Managed Server Backup", "28.00", "9.40", "ManagedServerAgents")
MACHINE = _item(814, "BKP-VM", "Virtual Machine Backup", "24.00", "8.10", "BackupedVms")
REPLICATION = _item(815, "REP-VM", "Virtual Machine Replication", "39.00", "14.50", "ReplicatedVms")
MAILBOX = _item(816, "BKP-MBX", "Cloud Mailbox Backup", "2.75", "0.95", "Vb365ProtectedUsers")
STORAGE = _item(817, "STO-GB", "Cloud Backup Storage", "0.085", "0.031", "CloudTotalUsage", unit="GB")
OFFSITE_SERVER = _item(
    818, "OFF-SRV", "Offsite Server Backup", "34.00", "11.00", "ServerCloudBackups", "VmCloudBackups"
)
OFFSITE_WORKSTATION = _item(
    819, "OFF-WS", "Offsite Workstation Backup", "5.25", "1.60", "WorkstationCloudBackups"
)
REPLICA = _item(820, "DR-VM", "Cloud Replica Machine", "65.00", "27.00", "VmCloudReplicas")
FILE_SHARE = _item(821, "FS-SHARE", "File Share Protection", "18.00", "6.20", "ProtectedFileShares")
ARCHIVE = _item(
    822, "FS-ARC", "File Share Archive Storage", "0.040", "0.012", "FileShareArchiveSize", unit="GB"
)
OBJECTS = _item(
    823, "OBJ-GB", "Object Storage Protection", "0.060", "0.021", "ObjectStorageBackupSize", unit="GB"
)
MAIL_STORAGE = _item(
    824, "MBX-GB", "Cloud Mailbox Backup Storage", "0.090", "0.034", "Vb365BackupSize", unit="GB"
)
DATABASE = _item(
    825, "DB-CLOUD", "Cloud Database Protection", "45.00", "17.30", "PublicCloudProtectedCloudDatabases"
)
TEAM_SITE = _item(
    826, "TEAM", "Team Site Backup", "3.40", "1.10", "Vb365ProtectedSites", "Vb365ProtectedTeams"
)
EDUCATION = _item(
    827, "EDU-MBX", "Education Mailbox Backup", "1.20", "0.40", "Vb365ProtectedEducationalUsers"
)
BACKED = (
    WORKSTATION, SERVER, MACHINE, REPLICATION, MAILBOX, STORAGE, OFFSITE_SERVER, OFFSITE_WORKSTATION,
    REPLICA, FILE_SHARE, ARCHIVE, OBJECTS, MAIL_STORAGE, DATABASE, TEAM_SITE, EDUCATION,
)  # fmt: skip

# What several counters count towards, beside the items that they are.
SUITE = _item(828, "SUITE", "Backup Suite", "8.50", "3.00")
PERSON = _item(829, "MBX-USER", "Mailbox User", "2.50", "0.90")
COMBINED = (SUITE, PERSON)

MANAGED_WORKSTATION = _item(701, "MGD-WS", "Managed Workstation", "32.00", "6.00")
MANAGED_SERVER = _item(702, "MGD-SRV", "Managed Server", "135.00", "28.00")
DESK = _item(703, "DESK", "Service Desk Seat", "48.00", "15.00")
ENDPOINT = _item(704, "EPP", "Endpoint Protection", "4.80", "1.70")
MAIL_SECURITY = _item(705, "MAILSEC", "Mail Security", "3.60", "1.20")
MAIL_LICENCE = _item(706, "MBX", "Mailbox Licence", "9.50", "7.40")
DNS = _item(707, "DNS", "DNS Filtering", "1.90", "0.55")
AWARENESS = _item(708, "AWARE", "Security Awareness Seat", "2.20", "0.70")
VAULT = _item(709, "VAULT", "Password Vault Seat", "3.00", "1.10")
FIREWALL = _item(710, "FW", "Firewall Management", "65.00", "18.00")
SWITCH = _item(711, "SW", "Switch Monitoring", "9.00", "2.00")
ACCESS_POINT = _item(712, "AP", "Access Point Management", "12.00", "3.00")
VOICE = _item(713, "VOICE", "Hosted Voice Seat", "21.00", "8.50")
DOMAIN = _item(714, "DOM", "Domain and Certificate Care", "14.00", "4.00")
ADVISOR = _item(715, "ADV", "Technology Advisor Retainer", "450.00", "180.00")
HOURS = _item(716, "HRS", "Onsite Hours Block", "105.00", "55.00")
SPARE = _item(717, "SPARE", "Spare Laptop Pool", "19.00", "8.00")
UNBACKED = (
    MANAGED_WORKSTATION, MANAGED_SERVER, DESK, ENDPOINT, MAIL_SECURITY, MAIL_LICENCE, DNS, AWARENESS, VAULT,
    FIREWALL, SWITCH, ACCESS_POINT, VOICE, DOMAIN, ADVISOR, HOURS, SPARE,
)  # fmt: skip

LEGACY = Item(690, "TAPE", "Legacy Tape Rotation", Decimal("55.00"), Decimal("21.00"), inactive=True)
BUNDLE = Item(
    691, "START", "Starter Bundle", Decimal("99.00"), Decimal("40.00"), (), "Each", product_class="Bundle"
)
ITEMS = (*BACKED, *UNBACKED, LEGACY, BUNDLE, *COMBINED)

# Counters that are parts of another one or no product: a person would exclude them.
PART_OF_STORAGE = "CloudRegularStorageUsage"
TRANSFER = "VbrCloudBackupsDataTransferIn"
EXCLUDED_COUNTERS = (PART_OF_STORAGE, TRANSFER)
# A counter type that no published version of the API names.
UNKNOWN_COUNTER = "ProtectedEdgeAppliances"
