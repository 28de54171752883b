"""The demo organization, seeded from both simulators in processes of their own, over real HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

from accounts.models import Organization
from demo.seed import seed
from tests.psa.simulated import Simulated, simulate


@dataclass(frozen=True)
class Demo:
    """The demo organization and the two systems behind it."""

    org: Organization
    psa: Simulated
    veeam: Simulated


@contextmanager
def seeded_demo() -> Iterator[Demo]:
    """Run both simulators and seed the organization from them until the block ends; rows are committed."""
    with simulate("connectwise", "--data", "demo") as psa, simulate("veeam_vspc", "--data", "demo") as veeam:
        allowed = settings.OUTBOUND_PLAIN_ORIGINS
        settings.OUTBOUND_PLAIN_ORIGINS = [psa.url, veeam.url]
        try:
            org = seed({"url": psa.url} | psa.fields, {"url": veeam.url} | veeam.fields)
            yield Demo(org, psa, veeam)
        finally:
            settings.OUTBOUND_PLAIN_ORIGINS = allowed
