"""ConnectWise PSA, after fact sheet psa/connectwise.md."""

from psa.adapters.base import Credentials, Field, PsaAdapter, PsaKind
from psa.adapters.connectwise.adapter import ConnectWise
from psa.adapters.connectwise.address import REGIONS
from psa.adapters.connectwise.choices import add_choices, choices


def build(credentials: Credentials) -> PsaAdapter:
    """Make the adapter of one connection; calls nobody yet."""
    return ConnectWise(credentials)


KIND = PsaKind(
    key="connectwise",
    label="ConnectWise PSA",
    fields=(
        Field(name="company", label="Company id", help="As you type it when you sign in to ConnectWise."),
        Field(
            name="public_key", label="Public key", help="Of an API member: System > Members > API Members."
        ),
        Field(name="private_key", label="Private key", secret=True, help="ConnectWise shows it once."),
        Field(
            name="client_id",
            label="Client id",
            required=False,
            help="Only if your ConnectWise demands one of its own for this integration.",
        ),
    ),
    build=build,
    choices=choices,
    adding=add_choices,
    self_hosted=True,
    regions=REGIONS,
    key_help="Create an API member with a security role of its own that has just the rights listed below, then "
    "make a key pair for it under API Keys.",
)
