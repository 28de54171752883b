"""The registry line of Veeam Service Provider Console: its name and what is asked of the customer."""

from vendors.adapters.base import VendorField, VendorKind
from vendors.adapters.veeam_vspc.adapter import VeeamAdapter

KIND = VendorKind(
    key=VeeamAdapter.key,
    label="Veeam Service Provider Console",
    fields=(
        VendorField(
            name="api_key",
            label="API key",
            secret=True,
            help="From VSPC 9.1: a simple API key, which needs no password and does not end.",
            way="API key, recommended",
        ),
        VendorField(
            name="username",
            label="User name",
            help="A user that may read companies, usage, licences and alarms.",
            way="User name and password",
        ),
        VendorField(
            name="password",
            label="Password",
            secret=True,
            help="The user must not have a second factor.",
            way="User name and password",
        ),
    ),
    build=VeeamAdapter,
    address_help="Host and port of the console, as in https://vspc.example:1280",
    names_help="Computers, virtual machines, mailboxes, sites and teams, by name.",
)
