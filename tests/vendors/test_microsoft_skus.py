"""D7: Microsoft's products are known by id and part number, whatever they are called; a name may belong to several."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.test import Client
from pytest_django import Settings

from accounts.models import Organization, User
from psa.models import Service
from reconcile.tenancy.scope import org_scope
from tests.vendors.mapping_desk import Desk
from vendors import microsoft_skus
from vendors.mapping import SERVICES
from vendors.mapping_lists import list_named
from vendors.microsoft_skus import catalogue
from vendors.models import VendorService
from vendors.suggest import Advice


@pytest.fixture
def desk(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Desk:
    return Desk(org, sign_in(alice))


PREMIUM = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
RENAMED = f"GUID,String_Id,Product_Display_Name\n{PREMIUM},SPB,Microsoft 365 Office Suite\n"
# Both are called Microsoft 365 Business Basic.
BASIC, BASIC_SMB = "3b555118-da6a-4418-894f-7df1e2096870", "dab7782a-93b1-4074-8bb1-0e61318bea0b"


def bill(desk: Desk, name: str, **values: str) -> Service:
    with org_scope(desk.org.pk):
        return desk.books.service(name, **values)


def advise(desk: Desk, name: str, external_id: str) -> Advice:
    """Give the advice for a vendor service that was just reported."""
    with org_scope(desk.org.pk):
        row = desk.books.vendor_service(None, name)
        VendorService.objects.filter(pk=row.pk).update(external_id=external_id)
        (entry,) = list_named(SERVICES, desk.org.pk, [row.pk])
        return entry.advice


def first(advice: Advice) -> tuple[str, int, str]:
    assert advice.first is not None
    return advice.first.candidate.name, advice.first.confidence, advice.first.reason


def test_d7_the_shipped_table_is_whole_and_every_row_of_it_names_a_product() -> None:
    table = catalogue()
    assert len(table.by_id) == 542
    assert table.skipped == 0
    for said in ("SPB", PREMIUM.upper(), f"tenant-1_{PREMIUM}", "SPB:P1Y", f"{PREMIUM}-annual"):
        assert [sku.sku_id for sku in table.find([said])] == [PREMIUM]
    assert "" not in table.by_name


def test_d7_no_product_of_the_table_is_taken_for_one_that_says_its_term() -> None:
    table = catalogue()
    assert {table.describe(sku.names[0], sku.keys).terms for sku in table.by_id.values()} == {
        table.describe("", []).terms
    }


def test_d7_one_name_and_one_part_number_may_belong_to_two_products() -> None:
    table = catalogue()
    assert {sku.sku_id for sku in table.called("microsoft 365   business basic")} == {BASIC, BASIC_SMB}
    assert len(table.find(["MCOPSTN5"])) == 2
    assert table.keys_of(["MCOPSTN5"]) == ("MCOPSTN5",)


def test_d7_microsofts_own_file_is_read_as_it_is_and_former_names_stay_known(
    settings: Settings, tmp_path: Path
) -> None:
    newer = tmp_path / "skus.csv"
    newer.write_text(
        "Product_Display_Name;String_Id;GUID;Service_Plan_Name\n"
        f"Suite für Büros;SPB_2;{PREMIUM.upper()};A\n"
        f"Suite für Büros;SPB_2;{PREMIUM};B\n"
        "Broken;X;000 units;A\nShort\n",
        encoding="cp1252",
    )
    settings.MICROSOFT_SKUS_FILE = str(newer)
    table = catalogue()
    premium = table.by_id[PREMIUM]
    assert premium.names == ("Suite für Büros", "Microsoft 365 Business Premium")
    assert premium.part_numbers == ("SPB_2", "SPB")
    assert table.called("microsoft 365 business premium") == table.called("Suite für Büros") == [premium]
    assert (len(table.by_id), table.skipped, table.problem) == (542, 2, "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No such file or directory."),
        ("name,part_number\nA,B\n", "It needs a column “sku_id” or “guid”."),
        ("GUID,String_Id,Product_Display_Name\n,A,B\n", "No row of it has the id of a product."),
    ],
)
def test_d7_a_file_that_cannot_be_used_is_said_aloud_and_the_shipped_table_holds(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str | None, why: str
) -> None:
    broken = tmp_path / "skus.csv"
    if text is not None:
        broken.write_text(text)
    settings.MICROSOFT_SKUS_FILE = str(broken)
    with caplog.at_level(logging.ERROR, logger="vendors.microsoft_skus"):
        assert len(catalogue().by_id) == 542
        catalogue()
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(
        f"MICROSOFT_SKUS_FILE: {broken} cannot be used: {why} Who runs this installation must"
    )
    assert [one.msg for one in run_checks() if one.id == "vendors.W001"] == [said]
    broken.write_text(RENAMED)
    assert not catalogue().problem
    assert not [one for one in run_checks() if one.id == "vendors.W001"]


def test_the_table_is_read_once() -> None:
    assert catalogue() is microsoft_skus.catalogue()


@pytest.mark.parametrize(
    ("keys", "external_id"),
    [
        ({"part_number": "SPB"}, PREMIUM),
        ({"identifier": f"MS-{PREMIUM}"}, "spb"),
        ({"identifier": PREMIUM.upper()}, f"org-7_{PREMIUM}"),
        ({"vendor_sku": "SPB"}, "SPB"),
    ],
)
def test_d7_the_id_or_the_part_number_leads_to_the_service_whatever_it_is_called(
    desk: Desk, keys: dict[str, str], external_id: str
) -> None:
    bill(desk, "Cloud suite for offices", **keys)
    advice = advise(desk, "Some new name", external_id)
    assert advice.sure is not None
    assert advice.sure.candidate.name == "Cloud suite for offices"


def test_d7_a_former_name_leads_to_the_service_with_little_confidence(
    desk: Desk, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "skus.csv").write_text(RENAMED)
    settings.MICROSOFT_SKUS_FILE = str(tmp_path / "skus.csv")
    bill(desk, "Microsoft 365 Business Premium")
    for name, external_id in (("Office suite", PREMIUM), ("Microsoft 365 Office Suite", "vs-9")):
        advice = advise(desk, name, external_id)
        assert first(advice)[:2] == ("Microsoft 365 Business Premium", 60)
        assert advice.sure is None


def test_d7_a_name_leads_to_the_part_number_of_its_product_with_little_confidence(desk: Desk) -> None:
    bill(desk, "Cloud suite for offices", part_number="SPB")
    assert first(advise(desk, "Microsoft 365 Business Premium", "vs-9"))[:2] == (
        "Cloud suite for offices",
        60,
    )


def test_d7_a_name_of_two_products_is_never_sure_and_the_id_tells_them_apart(desk: Desk) -> None:
    name = "Microsoft 365 Business Basic"
    bill(desk, name, part_number="O365_BUSINESS_ESSENTIALS")
    assert first(advise(desk, name, BASIC))[1] == 99
    other = advise(desk, name, BASIC_SMB)
    assert other.sure is None
    assert first(other)[1:] == (
        30,
        "The same product by name: Microsoft 365 Business Basic, but another product by its id",
    )
    bill(desk, "Basic, small", part_number="SMB_BUSINESS_ESSENTIALS")
    assert first(advise(desk, name, BASIC_SMB.upper()))[0] == "Basic, small"
    nameless = advise(desk, name, "vs-9")
    assert nameless.sure is None
    assert nameless.doubt == "2 services have this name, or nearly"


def test_d7_an_earlier_choice_for_a_name_of_two_products_is_not_sure_for_the_next(desk: Desk) -> None:
    name = "Microsoft 365 Business Basic"
    service = bill(desk, "Small office plan")
    with org_scope(desk.org.pk):
        row = desk.books.vendor_service(service, name, integration=desk.books.integration("Other"))
        VendorService.objects.filter(pk=row.pk).update(external_id=BASIC)
    advice = advise(desk, name, BASIC_SMB)
    assert advice.sure is None
    assert first(advice)[1] == 60


def test_d7_a_part_number_of_two_products_is_not_sure(desk: Desk) -> None:
    bill(desk, "Calling", part_number="MCOPSTN5")
    advice = advise(desk, "Calling plan", "d43177b5-475b-4880-92d4-d54c27b5efbd")
    assert advice.sure is None
    assert first(advice)[2].endswith("but its keys stand for several products")


def test_d7_another_term_is_never_sure_the_same_raises_and_silence_leaves_a_name(desk: Desk) -> None:
    bill(desk, "Business Premium NCE (annual commitment, billed monthly)", part_number="SPB")
    for external_id, confidence in ((f"{PREMIUM}:P1Y", 99), (PREMIUM, 60), (f"{PREMIUM}:P1M", 30)):
        advice = advise(desk, "Microsoft 365", external_id)
        assert first(advice)[1] == confidence
        assert (advice.sure is not None) is (confidence == 99)


def test_d7_the_term_chooses_among_the_services_of_one_part_number(desk: Desk) -> None:
    bill(desk, "Business Premium - Monthly", part_number="SPB")
    bill(desk, "Business Premium - Annual", part_number="SPB")
    for term, name in (("P1Y", "Business Premium - Annual"), ("monthly", "Business Premium - Monthly")):
        advice = advise(desk, f"Microsoft 365 Business Premium ({term})", f"{PREMIUM}/{term}")
        assert advice.sure is not None
        assert advice.sure.candidate.name == name
    silent = advise(desk, "Microsoft 365 Business Premium", PREMIUM)
    assert silent.sure is None
    assert silent.doubt == "2 services have this part number"


def test_d7_the_same_name_and_term_are_more_than_the_name_and_still_not_sure(desk: Desk) -> None:
    bill(desk, "Microsoft 365 Business Premium, monthly")
    bill(desk, "Microsoft 365 Business Premium NCE 1 Year")
    advice = advise(desk, "Microsoft 365 Business Premium (P1Y)", "vs-9")
    found = {one.candidate.name: one.confidence for one in advice.suggestions}
    assert found == {
        "Microsoft 365 Business Premium NCE 1 Year": 62,
        "Microsoft 365 Business Premium, monthly": 30,
    }


def test_d7_the_mapping_screen_says_what_the_id_and_the_term_say(desk: Desk) -> None:
    """The PSA knows the part number, the vendor the id, and both call it something else."""
    bill(desk, "Cloud suite for offices, annual", part_number="SPB")
    advise(desk, "Microsoft 365 Business Premium", f"{PREMIUM}:P1Y")
    page = desk.get("mapping_services", q="Premium")
    assert "Cloud suite for offices, annual" in page
    assert "Same part number" in page
    assert "same term" in page
    advise(desk, "Microsoft 365 Business Premium now", f"{PREMIUM}:P1M")
    page = desk.get("mapping_services", q="Premium now")
    assert "another term or commitment" in page
