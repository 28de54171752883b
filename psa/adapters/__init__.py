"""The PSA adapters and their registry: one line per kind."""

from psa.adapters.base import PsaKind
from psa.adapters.connectwise import KIND as CONNECTWISE

ADAPTERS: dict[str, PsaKind] = {kind.key: kind for kind in (CONNECTWISE,)}
