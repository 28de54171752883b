"""The first-run checklist (G4): connect the PSA, connect vendors, map, review the first comparison."""

from dataclasses import dataclass

from django.db.models import Exists

from accounts.models import Organization
from dashboard.models import Card, Decision
from psa.models import Connection
from vendors.models import AccountMapping, Integration, ServiceMapping

COMPARED = [Card.Kind.ADJUST, Card.Kind.MATCH, Card.Kind.NEW, Card.Kind.HELD]


@dataclass(frozen=True)
class Facts:
    """What is there of what a first comparison needs."""

    psa: bool
    psa_read: bool
    vendor: bool
    vendor_counted: bool
    account_mapped: bool
    service_mapped: bool
    compared: bool
    to_do: bool
    decided: bool


@dataclass(frozen=True)
class Step:
    """One step of the checklist. `note` says how long it takes, `about` what to do or what is missing."""

    key: str
    label: str
    note: str
    about: str
    done: bool
    # Without it there is nothing to compare.
    needed: bool = True

    @property
    def is_open(self) -> bool:
        """Say whether comparing waits for this step."""
        return self.needed and not self.done


def find_facts(org_id: int) -> Facts:
    """Look, in one query, at how far the organization is. Needs its scope."""
    cards, connections, integrations = Card.objects.all(), Connection.objects.all(), Integration.objects.all()
    found = Organization.objects.filter(pk=org_id).values(
        psa=Exists(connections),
        psa_read=Exists(connections.filter(read_at__isnull=False)),
        vendor=Exists(integrations),
        vendor_counted=Exists(integrations.filter(counted_at__isnull=False)),
        account_mapped=Exists(AccountMapping.objects.all()),
        service_mapped=Exists(ServiceMapping.objects.all()),
        compared=Exists(cards.filter(kind__in=COMPARED)),
        to_do=Exists(cards.filter(state__in=[Card.State.TODO, Card.State.HELD])),
        decided=Exists(Decision.objects.all()),
    )
    return Facts(**found.get())


def list_steps(facts: Facts) -> list[Step]:
    """Give the four steps, in order, with what each still wants."""
    return [
        Step(
            "psa",
            "Connect your PSA",
            "About 10 minutes",
            "Pick the system your agreements are billed from. You need an admin of that system for the key.",
            facts.psa,
        ),
        Step(
            "vendors",
            "Connect your vendors",
            "5 minutes each",
            "Connect each console that counts what your customers use. You can add more at any time.",
            facts.vendor,
        ),
        Step(
            "map",
            "Map accounts and services",
            "15 minutes",
            _about_mapping(facts),
            facts.account_mapped and facts.service_mapped,
        ),
        Step(
            "review",
            "Review the first comparison",
            "No write until you approve",
            "You see every difference in units and in money, before anything reaches your PSA.",
            facts.decided or (facts.compared and not facts.to_do),
            needed=False,
        ),
    ]


def next_step(org_id: int) -> Step | None:
    """Give the first step that is not done; None when the set-up is complete. Needs the organization's scope."""
    return next((step for step in list_steps(find_facts(org_id)) if not step.done), None)


def _about_mapping(facts: Facts) -> str:
    if facts.psa and not facts.psa_read:
        return "Waits for the first sync of your PSA: it brings your accounts and services."
    if facts.vendor and not facts.vendor_counted:
        return "Waits for the first sync of a vendor: it brings the accounts and services to map."
    if facts.account_mapped and not facts.service_mapped:
        return "Accounts are mapped. Now say which vendor service is which service of your PSA."
    return "Suggestions come with a reason. You accept them; nothing is mapped without you."
