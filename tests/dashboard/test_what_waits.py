"""What a second approver reads of a change that waits (E10): what it writes, whatever is counted by now."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Organization, ReconcileSettings
from dashboard.models import Card
from psa.models import AgreementLine, Connection, Push
from reconcile.tenancy.scope import org_scope
from tests.dashboard.approving import HERE, act, approve
from tests.dashboard.builders import Books

Add = Callable[..., Card]


@pytest.fixture(autouse=True)
def threshold(desk: Books) -> None:
    """From 20.00 USD on; a line of the builders costs 4.50 a unit."""
    with org_scope(desk.org.pk):
        ReconcileSettings.objects.update(second_from=20)
        Connection.objects.update(currency="USD")


def cells(dialog: str) -> list[str]:
    """Give what the only row of a table of quantities prints behind the names."""
    (row,) = re.findall(r"<tr><th class=\"clip\".*?</tr>", dialog, re.S)
    found = re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)
    return [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in found[1:]]


def test_an_edited_quantity_is_what_the_second_person_reads_everywhere(
    approver: Client, second: Client, add: Add, org: Organization
) -> None:
    """The vendor counts 12, and the first person approved 500: the number to agree to is 500, and its money."""
    card = add("10", "12")
    approve(approver, card, units="500", meant="500")
    dialog = second.post(f"{HERE}/second/preview/", {"card": [card.pk]}).content.decode()
    assert cells(dialog) == ["10", "500", "+490 raise", "now", "+$2,205.00"]
    assert "+490 units · +$2,205.00 on the next invoices" in dialog
    assert "Agree to 1, +$2,205.00" in dialog
    for view in ("", "&view=cards", "&group=account"):
        page = second.get(f"/o/northgate-it/?tab=ready{view}").content.decode()
        assert ">Agree to 500</button>" in page
        assert "<b>+490</b><span>to 500</span>" in page
        assert "9.00" not in page
    # The group's sums are those of its rows.
    group = second.get("/o/northgate-it/?tab=ready").content.decode().partition('<tr class="group">')[2]
    assert "+490" in group.partition("</tr>")[0]
    assert "+2,205.00" in group.partition("</tr>")[0]
    panel = second.get(f"{HERE}/{card.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "10 to 500, +$2,205.00 on the next invoice" in panel
    assert '<td class="after">500</td>' in panel
    assert '<td class="after">$2,250.00</td>' in panel


def test_an_undo_that_waits_is_read_by_what_it_writes_back(
    approver: Client, second: Client, add: Add, org: Organization, desk: Books
) -> None:
    card = add("10", "15")
    approve(approver, card)
    act(second, card, "second")
    with org_scope(org.pk):
        Push.objects.update(state="confirmed", sent_count=1)
        AgreementLine.objects.update(quantity=15)
        desk.refresh()
    act(approver, card, "undo")
    dialog = second.post(f"{HERE}/second/preview/", {"card": [card.pk]}).content.decode()
    assert cells(dialog) == ["15", "10", "−5 lower", "now", "−$22.50"]
    assert "Agree to 1, −$22.50" in dialog
    page = second.get("/o/northgate-it/?tab=ready").content.decode()
    assert ">Agree to 10</button>" in page
    assert "−22.50" in page


def test_the_push_dialog_says_what_is_sent(
    approver: Client, second: Client, add: Add, org: Organization
) -> None:
    with org_scope(org.pk):
        ReconcileSettings.objects.update(pushing="collect")
    card = add("10", "12")
    approve(approver, card, units="500", meant="500")
    act(second, card, "second")
    dialog = approver.get(f"{HERE}/push/").content.decode()
    assert cells(dialog) == ["10", "500", "+490 raise", "now", "+$2,205.00"]
    assert "Push 1, +$2,205.00" in dialog
