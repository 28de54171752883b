"""E3: a quantity that a person types is held to the count and to the guards, and its line says what was approved."""

import re
from collections.abc import Callable

from django.test import Client

from accounts.models import Organization
from dashboard.exports import LINE_COLUMNS, lines_table
from dashboard.figures import read_lines
from dashboard.filters import Filters
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
        asked = approve(approver, card, units=units)
        assert asked.status_code == 422
        assert f"{units} is further from the count than the 10 billed now. Nothing was written." in asked.text
        assert f'name="meant" value="{units}"' in asked.text
        assert f"The vendor reports 12. Yes, write {units}." in asked.text
    with org_scope(org.pk):
        assert not Push.objects.exists()
    assert approve(approver, card, units="15", meant="15").status_code == 200
    with org_scope(org.pk):
        assert Push.objects.get().wanted == 15


def test_e3_a_yes_counts_for_the_number_that_was_asked_about_alone(
    approver: Client, add: Add, org: Organization
) -> None:
    card = add("10", "12")
    asked = approve(approver, card, units="600", meant="60", sure="yes")
    assert asked.status_code == 422
    assert "The vendor reports 12. Yes, write 600." in asked.text
    with org_scope(org.pk):
        assert not Push.objects.exists()
    assert approve(approver, card, units="60.0", meant="60").status_code == 200


def test_e3_the_reason_of_a_hold_and_a_doubtful_quantity_are_two_questions(
    approver: Client, add: Add, org: Organization
) -> None:
    card = add("10", "4")
    dialog = approver.get(f"{HERE}/{card.pk}/dialog/edit/", headers={"HX-Request": "true"}).text
    assert "I looked at the reason" in dialog
    assert "mean this quantity" not in dialog
    held = approve(approver, card, units="60", meant="60")
    assert held.status_code == 409
    assert "This line is held" in held.text
    asked = approve(approver, card, units="60", sure="yes")
    assert asked.status_code == 422
    assert "The vendor reports 4. Yes, write 60." in asked.text
    with org_scope(org.pk):
        assert not Push.objects.exists()
    assert approve(approver, card, units="60", sure="yes", meant="60").status_code == 200


def test_e3_the_count_itself_is_no_second_question_on_a_held_line(approver: Client, add: Add) -> None:
    assert approve(approver, add("10", "4"), units="4", sure="yes").status_code == 200


def test_e3_without_a_script_the_page_says_why_nothing_was_written(approver: Client, add: Add) -> None:
    card = add("10", "12")
    form = {"seen_psa": "10", "seen_vendor": "12", "units": "60"}
    refused = approver.post(f"{HERE}/{card.pk}/approve/", form)
    assert refused.status_code == 409
    assert "beyond your guards" in refused.text


def test_e3_a_quantity_nearer_to_the_count_asks_for_nothing(approver: Client, add: Add) -> None:
    assert approve(approver, add("10", "14"), units="13").status_code == 200


def test_e3_a_line_done_with_another_quantity_says_so_in_its_row_and_its_panel(
    approver: Client, add: Add, desk: Books
) -> None:
    card = add("10", "12")
    approve(approver, card, units="15", meant="15")
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


def test_e3_what_was_approved_leaves_nothing_open_on_the_next_invoice(
    approver: Client, add: Add, desk: Books
) -> None:
    """The count stays in sight; the line, its group, its panel and its file add nothing up that is not open."""
    card = add("10", "12")
    approve(approver, card, units="15", meant="15")
    confirm(desk, card)
    for view in ("tab=all&group=service", "tab=done&group=account", "tab=done&group=agreement"):
        page = approver.get(f"/o/northgate-it/?{view}").text
        assert re.findall(r'<td class="c-effect num">([^<]*)</td>', page) == ["0.00", "0.00"]
        row = page.partition(f'id="line-{card.pk}"')[2]
        assert '<td class="c-vendor num">12</td>' in row
        assert "−3" in row
        assert 'data-amount="0"' in row
    assert "$13.50" not in approver.get(f"{HERE}/{card.pk}/", headers={"HX-Request": "true"}).text
    cards = approver.get("/o/northgate-it/?tab=done&view=cards").text
    assert "Approved 15</span>" in cards
    assert "from now" not in cards
    with org_scope(desk.org.pk):
        (line,) = lines_table(desk.org.pk, Filters(tab="done"), 10).rows
        assert dict(zip(LINE_COLUMNS, line, strict=True))["Next invoice"] == 0
        assert [found.effect for found in read_lines(desk.org.pk, None)] == [0]


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
    assert approve(approver, small, units="60", meant="60").status_code == 200
    assert approve(approver, large).status_code == 200
    for sort, order in (
        ("-difference", [small, large]),
        ("-effect", [small, large]),
        ("effect", [large, small]),
    ):
        page = approver.get(f"/o/northgate-it/?tab=ready&sort={sort}").text
        assert [int(row) for row in re.findall(r'data-row="(\d+)"', page)] == [card.pk for card in order]
