"""D8: mappings go out as CSV and come in again: each change is shown first, and what cannot be done is said by line."""

import csv
import io
from collections.abc import Callable
from datetime import date
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Organization, User
from accounts.roles import Role
from reconcile.tenancy.scope import org_scope
from tests.vendors.mapping_desk import HTMX, Desk
from vendors.models import (
    AccountMapping,
    AccountSplit,
    AlsoCounts,
    MappingSpan,
    ServiceMapping,
    VendorAccount,
)


@pytest.fixture
def desk(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Desk:
    return Desk(org, sign_in(alice))


def send(desk: Desk, text: str, side: str = "accounts", encoding: str = "utf-8") -> str:
    file = SimpleUploadedFile("mappings.csv", text.encode(encoding), "text/csv")
    where = reverse("mapping_import", args=[desk.org.slug, side])
    return unescape(desk.client.post(where, {"file": file}, headers=HTMX).text)


def offered(dialog: str) -> tuple[str, ...]:
    """Give the rows that the dialog would send."""
    return tuple(part.partition('"')[0] for part in dialog.split('name="row" value="')[1:])


def export(desk: Desk, side: str = "accounts") -> list[dict[str, str]]:
    where = reverse("mapping_export", args=[desk.org.slug, side])
    text = desk.client.post(where, {"as": "csv"}).content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def written(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def test_d8_what_was_exported_is_changed_and_imported_after_a_look(desk: Desk) -> None:
    rows = export(desk)
    (row,) = rows
    assert (row["Status"], row["Account id"]) == ("Unmapped", "")
    row |= {"Status": "Mapped", "Account id": desk.quarry.remote_id}
    dialog = send(desk, written(rows))
    assert "Import 1 change" in dialog
    assert "Quarry Lane Builders" in dialog
    with org_scope(desk.org.pk):
        assert not AccountMapping.objects.exists(), "a look changes nothing"
    assert desk.post("mapping_set", "set", offered(dialog)).status_code == 200
    (row,) = export(desk)
    assert (row["Status"], row["Account"]) == ("Mapped", "Quarry Lane Builders")
    assert "1 row of the file is so already" in send(desk, written([row]))


def test_d8_services_are_imported_by_name_too(desk: Desk) -> None:
    rows = [row for row in export(desk, "services") if row["Vendor service"] == "Cloud storage"]
    rows[0] |= {"Status": "mapped", "Service": "workstation BACKUP"}
    dialog = send(desk, written(rows).replace(",", ";"), "services", "cp1252")
    desk.post("mapping_set", "set", offered(dialog), side="services")
    with org_scope(desk.org.pk):
        assert ServiceMapping.objects.filter(vendor_service=desk.storage, service=desk.backup).exists()


def test_d8_excluding_by_file_keeps_the_target_for_its_return(desk: Desk) -> None:
    desk.act("map", f"{desk.loose.pk}|", target=desk.harbor.pk)
    (row,) = export(desk)
    row["Status"] = "Excluded"
    desk.post("mapping_set", "set", offered(send(desk, written([row]))))
    with org_scope(desk.org.pk):
        assert VendorAccount.objects.get().excluded_at is not None
        assert AccountMapping.objects.get().account_id == desk.harbor.pk


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("Nowhere,{id},Mapped,1,", "No source is called “Nowhere”."),
        ("Veeam,unknown,Mapped,1,", "Veeam has no vendor account with the id “unknown”."),
        ("Veeam,{id},Perhaps,1,", "The status “Perhaps” is none of Mapped, Unmapped and Excluded."),
        ("Veeam,{id},Mapped,,", "It is to be mapped, and names no account."),
        ("Veeam,{id},Mapped,404,", "Your PSA has no account with the id “404”."),
        ("Veeam,{id},Mapped,,Nobody", "Your PSA has no account with the name “Nobody”."),
        ("Veeam,{id},Mapped,,Twin", "2 accounts have the name “Twin”: write its id into “account id”."),
    ],
)
def test_d8_a_row_that_cannot_be_done_says_its_line_and_why(desk: Desk, cells: str, said: str) -> None:
    with org_scope(desk.org.pk):
        desk.books.account("Twin")
        desk.books.account("TWIN")
    head = "Source,Vendor id,Status,Account id,Account\n"
    dialog = send(desk, head + "\n,,,,\n" + cells.format(id=desk.loose.external_id) + "\n")
    assert "1 row cannot be imported." in dialog
    assert said in dialog
    assert "Line 4: " in dialog
    assert offered(dialog) == ()


def test_d8_two_rows_of_one_account_that_disagree_are_not_both_done(desk: Desk) -> None:
    row = f"Veeam,{desk.loose.external_id},"
    dialog = send(desk, f"Source,Vendor id,Status,Account\n{row}Mapped,Harbor Dental\n{row}Excluded,\n")
    assert "Line 3: Line 2 asks for something else for the same account." in dialog
    assert offered(dialog) == (f"{desk.loose.pk}||{desk.harbor.pk}",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Name\nA\n", "It has no column “source”, “vendor id”, “status”."),
        ("", "It has no column"),
        ('Source,Vendor id,Status\n"' + "x" * 140_000 + '",1,Mapped\n', "field larger than field limit"),
    ],
)
def test_d8_a_file_without_its_columns_changes_nothing_and_says_how_to_get_one(
    desk: Desk, text: str, said: str
) -> None:
    refused = send(desk, text)
    assert said in refused
    assert "Nothing was changed." in refused


def test_d8_a_file_that_is_too_large_is_not_read(desk: Desk, settings: Settings) -> None:
    settings.IMPORT_MAX_BYTES = 10
    assert "so it was not read. Nothing was changed." in send(desk, "Source,Vendor id,Status\n")


def test_d8_only_admins_import(
    desk: Desk, join: Callable[[str, Role], User], sign_in: Callable[[User], Client]
) -> None:
    bob = sign_in(join("Bob", Role.APPROVER))
    where = reverse("mapping_import", args=[desk.org.slug, "accounts"])
    assert bob.get(where).status_code == 403
    assert "Import…" not in bob.get(reverse("mapping_accounts", args=[desk.org.slug])).text
    assert "Import mappings of vendor accounts" in desk.client.get(where, headers=HTMX).text


def test_a_file_keeps_what_it_cannot_carry_or_says_that_it_cannot(desk: Desk) -> None:
    """Splits, further services and other months go out; coming in, they stay as they are."""
    with org_scope(desk.org.pk):
        AccountMapping.objects.create(org=desk.org, vendor_account=desk.loose, account=desk.harbor)
        of = {"org": desk.org, "vendor_account": desk.loose}
        AccountSplit.objects.create(account=desk.quarry, field="domain", pattern="quarry.example", **of)
        MappingSpan.objects.create(account=desk.quarry, until_month=date(2026, 1, 1), **of)
    rows = export(desk)
    (row,) = rows
    assert row["Split over"] == "domain quarry.example to Quarry Lane Builders"
    assert row["Other months"] == "Quarry Lane Builders, until the end of December 2025"
    assert "Nothing to change" in send(desk, written(rows))
    row |= {"Account id": desk.quarry.remote_id}
    assert "Import 1 change" in send(desk, written(rows)), "its mapping may change, and the rest stays"
    unmapped = [row | {"Status": "Unmapped"}]
    assert "Line 2: It is split over accounts, so it is not unmapped: end that first." in send(
        desk, written(unmapped)
    )
    for head in ("Split over", "Other months"):
        assert f"Line 2: “{head}” stands as" in send(desk, written([row | {head: ""}]))


def test_further_services_go_out_and_stay(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        bundle = desk.books.service("Care bundle", "20")
        AlsoCounts.objects.create(org=desk.org, vendor_service=desk.agents, service=bundle)
    rows = export(desk, "services")
    row = next(one for one in rows if one["Vendor service"] == "Workstation agents")
    assert row["Counts to more"] == "Care bundle"
    row |= {"Status": "Unmapped"}
    assert "It counts to more services, so it is not unmapped" in send(desk, written(rows), "services")
