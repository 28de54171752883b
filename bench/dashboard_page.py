"""How long the dashboard's first page and what keeps it true take at 20,000 lines, beside their plain SQL.

    python -m bench.dashboard_page [--lines 20000]

It uses servers and data of its own, and removes them. The SQL is what the page itself asked, asked again
without the page: its time is the floor.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.sync_lines import own_servers

SMALL = 1_000
REPEATS = 10
APPROVED = 500


@dataclass(frozen=True)
class PageTime:
    """One view of the page: its queries, the best server time and the best time of its SQL, in seconds."""

    queries: int
    server: float
    sql: float

    def tell(self, name: str) -> str:
        """Say it in one line."""
        return (
            f"  {name:<20}{self.queries} queries, {self.server * 1000:4.0f} ms; "
            f"its SQL {self.sql * 1000:4.0f} ms, ratio {self.server / self.sql:.1f}"
        )


def best(act: Callable[[], Any]) -> float:
    """Give the shortest of several times, in seconds: what else the machine does only ever adds."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return min(times)


def time_once(act: Callable[[], Any]) -> tuple[float, Any]:
    """Give how long one call took, in seconds, and what it gave."""
    began = time.perf_counter()
    result = act()
    return time.perf_counter() - began, result


def measure_page(org: Any, owner: Any, query: str) -> PageTime:
    """Open one view as its reviewer does, then ask its SQL alone."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from reconcile.tenancy.scope import org_scope

    client = Client()
    client.force_login(owner)
    address = f"/o/{org.slug}/{query}"

    def open_page() -> None:
        if client.get(address).status_code != 200:
            raise SystemExit(f"{address} does not open")

    open_page()
    with CaptureQueriesContext(connection) as asked:
        open_page()
    statements = [
        query["sql"] for query in asked if "SELECT" in query["sql"] and "set_config" not in query["sql"]
    ]

    def ask() -> None:
        with org_scope(org.pk), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                cursor.fetchall()

    return PageTime(len(asked), best(open_page), best(ask))


def show_pages(org: Any, owner: Any) -> set[int]:
    """Print each grouping of both views; give how many queries they asked."""
    found = set()
    for view in ("list", "cards"):
        for group in ("service", "account", "agreement"):
            measured = measure_page(org, owner, f"?group={group}&view={view}")
            print(measured.tell(f"{view} by {group}"))
            found.add(measured.queries)
    return found


def refresh(org: Any, account_ids: list[int] | None = None) -> int:
    """Refresh cards in a transaction of its own; gives how many were written."""
    from dashboard import cards
    from reconcile.tenancy.scope import org_scope

    with org_scope(org.pk):
        return cards.refresh(org.pk, account_ids)


def show_refreshes(org: Any, owner: Any) -> None:
    """Print what keeping the cards true costs, transactions included."""
    from psa.models import Account
    from reconcile.tenancy.scope import org_scope

    with org_scope(org.pk):
        account = list(Account.objects.values_list("pk", flat=True)[:1])
    print(f"  all accounts, nothing changed: {best(lambda: refresh(org)) * 1000:.0f} ms")
    print(f"  one account, nothing changed:  {best(lambda: refresh(org, account)) * 1000:.0f} ms")
    for label, back in (("unmapped", False), ("mapped again", True)):
        seconds, changed = time_once(lambda back=back: map_one_service(org, owner, back=back))
        print(f"  one vendor service {label}: {seconds * 1000:.0f} ms, {changed} cards changed")


def show_ruled(org: Any) -> None:
    """Print what counting rules on every service cost, with names behind the counts."""
    from bench.ruling import rule
    from dashboard import statistics

    plain = best(lambda: refresh(org))
    rules, named = rule(org)
    first, changed = time_once(lambda: refresh(org))
    statistics.renew()
    ruled = best(lambda: refresh(org))
    print(
        f"  {rules} rules and {named:,} names: first {first * 1000:.0f} ms, {changed:,} cards changed;",
        end=" ",
    )
    print(f"then {ruled * 1000:.0f} ms, {ruled / plain:.1f} of without")


def map_one_service(org: Any, owner: Any, *, back: bool) -> int:
    """Take the mapping of one vendor service away, or give it back, as Advanced config does."""
    from dashboard.models import Card
    from reconcile.tenancy.scope import org_scope
    from vendors.mapping import SERVICES, Change, State, apply
    from vendors.models import VendorService

    with org_scope(org.pk):
        row = VendorService.objects.order_by("pk").first()
        mapped = State(_services_by_name(org)[row.name])
        change = Change(row.pk, mapped, State())
        apply(SERVICES, org.pk, [change.reversed if back else change], by=owner)
        return Card.objects.filter(service_id=mapped.target).count()


def _services_by_name(org: Any) -> dict[str, int]:
    """Give the id of the service behind each counter, as it was filled in."""
    from demo.world import plan_of
    from psa.models import Service

    ids = dict(Service.objects.filter(org_id=org.pk).values_list("remote_id", "pk"))
    return {c: ids[str(item.id)] for item in plan_of("scale:60").items for c in item.counters}


def approve(org: Any, owner: Any, lines: int) -> tuple[float, int]:
    """Approve so many lines at once; gives the seconds and the queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from dashboard import bulk, decisions
    from dashboard.models import Card
    from reconcile.tenancy.scope import org_scope

    with org_scope(org.pk):
        todo = Card.objects.filter(kind=Card.Kind.ADJUST, state=Card.State.TODO).order_by("pk")[:lines]
        seen = {card.pk: decisions.Seen(card.psa_units, card.vendor_units) for card in todo}
    with CaptureQueriesContext(connection) as asked:
        began = time.perf_counter()
        with org_scope(org.pk):
            done, refused = bulk.approve_many(org.pk, seen, by=owner)
        seconds = time.perf_counter() - began
    if len(done) != lines or refused:
        raise SystemExit(f"{len(done)} of {lines} approved: {refused[:1]}")
    return seconds, len(asked)


def measure(lines: int) -> None:
    """Print all measurements."""
    from bench.filling import found
    from dashboard import statistics

    small, small_owner = found("Small MSP", SMALL)
    refresh(small)
    statistics.renew()
    large, large_owner = found("Large MSP", lines)
    seconds, written = time_once(lambda: refresh(large))
    print(f"First refresh of an organization that no statistics know: {written:,} cards in {seconds:.1f} s")
    seconds, _ = time_once(statistics.renew)
    print(f"Statistics renewed in {seconds:.2f} s")
    print(f"First page at {SMALL:,} lines")
    queries = show_pages(small, small_owner)
    print(f"First page at {lines:,} lines")
    queries |= show_pages(large, large_owner)
    print(f"Queries: {'the same in all' if len(queries) == 1 else f'NOT the same: {sorted(queries)}'}")
    print(f"Refresh of cards at {lines:,} lines")
    show_refreshes(large, large_owner)
    show_ruled(large)
    for number in (5, min(APPROVED, lines // 50)):
        seconds, asked = approve(large, large_owner, number)
        print(f"Approving {number} lines at once: {seconds:.2f} s, {asked} queries")


def main() -> None:
    """Measure with servers of its own."""
    parser = argparse.ArgumentParser(description="Measure the dashboard with many agreement lines.")
    parser.add_argument("--lines", type=int, default=20_000)
    options = parser.parse_args()
    with own_servers():
        measure(options.lines)


if __name__ == "__main__":
    main()
