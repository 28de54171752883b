"""Simulators in their own processes."""

from collections.abc import Iterator

import pytest

from tests.demo.connectwise_client import Client, running


@pytest.fixture
def connectwise() -> Iterator[Client]:
    """A client of a freshly started ConnectWise simulator with the small sample world."""
    with running("-m", "tests.demo.sample_connectwise") as client:
        yield client
