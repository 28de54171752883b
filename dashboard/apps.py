"""The dashboard app: keeps the cards in step with what they follow from."""

from typing import Any

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """Refreshes cards inside the transaction that changed their figures."""

    name = "dashboard"

    def ready(self) -> None:
        """Listen for changes from the apps below."""
        from accounts import contract_view
        from accounts.shell import COUNTERS
        from dashboard.figures import read_lines
        from reconcile.signals import figures_changed, line_added, second_switched_off
        from vendors.mapping_effect import READERS

        figures_changed.connect(_refresh, dispatch_uid="dashboard.cards")
        second_switched_off.connect(_let_go, dispatch_uid="dashboard.seconds")
        line_added.connect(_follow_added, dispatch_uid="dashboard.added")
        READERS.append(read_lines)
        COUNTERS["dashboard"] = _count_to_do
        contract_view.COUNTERS.append(_count_lines)


def _count_to_do(org: Any) -> Any:
    from accounts.shell import Count
    from dashboard.models import Card

    return Count(Card.objects.filter(org=org, state__in=[Card.State.TODO, Card.State.FAILED]).count())


def _count_lines(org_id: int) -> Any:
    from accounts.contract_view import ContractLines
    from dashboard.models import Card

    cards = Card.objects.filter(org_id=org_id)
    without = cards.filter(state=Card.State.NONE).count()
    return ContractLines(cards.count() - without, without)


def _follow_added(sender: Any, *, org_id: int, push_id: int, line_id: int, **kwargs: Any) -> None:
    from dashboard import cards
    from psa.models import AgreementLine

    cards.follow_added(org_id, push_id, AgreementLine.objects.get(pk=line_id))


def _let_go(sender: Any, *, org_id: int, by: Any, **kwargs: Any) -> None:
    from psa import push_second

    push_second.let_go(org_id, by)


def _refresh(sender: Any, *, org_id: int, account_ids: list[int] | None, **kwargs: Any) -> None:
    from dashboard import cards

    cards.refresh(org_id, account_ids)
