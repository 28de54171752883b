"""E3: a quantity that a person types is held to the count and to the guards, and its line says what was approved."""

import re
from collections.abc import Callable

from django.test import Client

from accounts.models import Organization
from dashboard.models import Card
from psa.models import AgreementLine, Push
from reconcile.tenancy.scope import org_scope
from tests.dashboard.approving import HERE, approve
from tests.dashboard.builders import Books

Add = Callable[..., Card]


def confirm(desk: Books, card: Card) -> None:
    """Let the worker's part be done: the PSA holds what was wanted."""
    with org_scope(desk.org.pk):
        push = Push.objects.get(line=card.line)
        AgreementLine.objects.filter(remote_id=push.line.remote_id).update(quantity=push.wanted)
        Push.objects.filter(pk=push.pk).update(state="confirmed", finished_at=desk.now)
        desk.refresh()


def test_e3_a_quantity_further_from_the_count_than_what_is_billed_asks_for_the_tick(
    approver: Client, add: Add, org: Organization
) -> None:
    card = add("10", "12")
    for units in ("7", "15"):
        refused = approve(approver, card, units=units)
        assert refused.status_code == 409
        assert f"The vendor counts 12: {units} is further from it than the 10 billed now" in refused.text
    with org_scope(org.pk):
        assert not Push.objects.exists()
    assert approve(approver, card, units="15", sure="yes").status_code == 200
    with org_scope(org.pk):
        assert Push.objects.get().wanted == 15


def test_e3_a_quantity_nearer_to_the_count_asks_for_nothing(approver: Client, add: Add) -> None:
    assert approve(approver, add("10", "14"), units="13").status_code == 200


def test_e3_a_line_done_with_another_quantity_says_so_in_its_row_and_its_panel(
    approver: Client, add: Add, desk: Books
) -> None:
    card = add("10", "12")
    approve(approver, card, units="15", sure="yes")
    confirm(desk, card)
    page = approver.get("/o/northgate-it/?tab=done").text
    row = page.partition(f'id="line-{card.pk}"')[2]
    (cell,) = re.findall(r'<td class="c-delta"[^>]*>.*?</td>', row)
    assert 'title="Approved 15; the vendor counts 12"' in cell
    assert "as approved" in cell
    assert "over-billed" not in cell
    panel = approver.get(f"{HERE}/{card.pk}/", headers={"HX-Request": "true"}).text
    assert re.search(r"Approved 15 on .* by Bob; the vendor counts 12\.", panel)
    assert "approving writes" not in panel


def test_e6_lines_are_sorted_by_what_their_rows_print(approver: Client, desk: Books) -> None:
    """The smaller difference is to be set to 60, the larger one is approved as counted."""
    with org_scope(desk.org.pk):
        service = desk.service()
        counter = desk.vendor_service(service)
        made = []
        for vendor in ("12", "15"):
            account = desk.account()
            desk.usage(desk.vendor_account(account), counter, vendor)
            made.append(desk.line(desk.agreement(account), service, "10"))
        desk.refresh()
        small, large = (desk.card(line) for line in made)
    assert approve(approver, small, units="60", sure="yes").status_code == 200
    assert approve(approver, large).status_code == 200
    for sort, order in (
        ("-difference", [small, large]),
        ("-effect", [small, large]),
        ("effect", [large, small]),
    ):
        page = approver.get(f"/o/northgate-it/?tab=ready&sort={sort}").text
        assert [int(row) for row in re.findall(r'data-row="(\d+)"', page)] == [card.pk for card in order]
