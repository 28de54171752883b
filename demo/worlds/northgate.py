"""The demo organization's world: Northgate IT, its customers and everything that is wrong with its billing."""

from demo.worlds.catalogue import ITEMS
from demo.worlds.ordinary import plant_ordinary
from demo.worlds.plan import Plan
from demo.worlds.planter import Planter
from demo.worlds.plants_agreements import plant_agreements
from demo.worlds.plants_counting import plant_counting
from demo.worlds.plants_lines import plant_lines
from demo.worlds.plants_tenants import plant_tenants

NAME = "Northgate IT"
SEED = 20_240


def plan() -> Plan:
    """Plan the demo's world: the same one every time."""
    planter = Planter(ITEMS, SEED)
    planter.company(NAME, kind="Owner")
    resellers = [planter.reseller(name) for name in ("Southgate Resale", "Westgate Resale")]
    plant_ordinary(planter, resellers)
    plant_lines(planter)
    plant_agreements(planter)
    plant_tenants(planter, resellers)
    plant_counting(planter)
    return planter.plan
