"""The vendor adapters and their registry: one line per kind."""

from vendors.adapters.base import VendorKind
from vendors.adapters.veeam_vspc.kind import KIND as VEEAM_VSPC

ADAPTERS: dict[str, VendorKind] = {kind.key: kind for kind in (VEEAM_VSPC,)}
