"""What an admin of the demo organization would have mapped: applied by the seeding, never read by the product."""

from dataclasses import dataclass

from demo.world import plan_of
from demo.worlds.catalogue import EXCLUDED_COUNTERS
from demo.worlds.connectwise_setup import AGREEMENT_TYPES
from demo.worlds.plan import Plan, PlannedRule, PlannedSplit
from demo.worlds.veeam_licences import PROVIDER, WORKLOADS

EXCLUDED = "excluded"


@dataclass(frozen=True)
class Mappings:
    """By external id of the console: PSA company ids, catalogue ids, or EXCLUDED.

    What is not named stays unmapped. The external ids are those of the Veeam adapter: instanceUid, counter
    type, `licence:` and `licence-units:` with the workload's description.
    """

    accounts: dict[str, str]
    services: dict[str, tuple[str, ...] | str]
    agreement_types_out_of_scope: tuple[str, ...] = ()
    rules: tuple[PlannedRule, ...] = ()
    # Company id of the console, catalogue customer, field and pattern; counter type and catalogue item.
    splits: tuple[PlannedSplit, ...] = ()
    also: tuple[tuple[str, str], ...] = ()


def load(spec: str) -> Mappings:
    """Return the mappings that belong to `demo` or `scale:LINES`."""
    plan = plan_of(spec)
    types = (str(AGREEMENT_TYPES["Block Hours"]),) if spec == "demo" else ()
    also = tuple((counter, str(item.id)) for counter, item in plan.also)
    return Mappings(_accounts(plan), _services(plan), types, tuple(plan.rules), tuple(plan.splits), also)


def _accounts(plan: Plan) -> dict[str, str]:
    mapped = {tenant.uid: str(tenant.company.id) for tenant in plan.tenants if tenant.company}
    excluded = [tenant.uid for tenant in plan.tenants if tenant.excluded]
    # Resellers stand for their customers, which are counted themselves; the provider is the MSP.
    excluded += [PROVIDER, *(reseller.uid for reseller in plan.resellers)]
    return mapped | dict.fromkeys(excluded, EXCLUDED)


def _services(plan: Plan) -> dict[str, tuple[str, ...] | str]:
    counted: dict[str, tuple[str, ...] | str] = {
        counter: (str(item.id),) for item in plan.items for counter in item.counters
    }
    return counted | dict.fromkeys((*EXCLUDED_COUNTERS, *licence_services()), EXCLUDED)


def licence_services() -> tuple[str, ...]:
    """Return the licences that the MSP pays for: they tell its cost, not what a customer uses."""
    return tuple(
        f"{prefix}:{description}"
        for _, _, description, _ in WORKLOADS
        for prefix in ("licence", "licence-units")
    )
