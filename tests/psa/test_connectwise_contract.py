"""The ConnectWise adapter keeps the contract of all PSA adapters."""

from psa.adapters import ADAPTERS
from tests.psa.adapter_contract import AdapterContract


class TestConnectWise(AdapterContract):
    kind = ADAPTERS["connectwise"]
    simulator = "connectwise"
    secret_field = "private_key"
    quantity_write = "PATCH /additions/"
