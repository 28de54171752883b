"""The ConnectWise adapter keeps the contract of all PSA adapters, and of those that add lines."""

from psa.adapters import ADAPTERS
from tests.psa.adapter_contract import AdapterContract
from tests.psa.adding_contract import AddingContract


class TestConnectWise(AdapterContract, AddingContract):
    kind = ADAPTERS["connectwise"]
    simulator = "connectwise"
    secret_field = "private_key"
    quantity_write = "PATCH /additions/"
    line_write = "POST /additions"
