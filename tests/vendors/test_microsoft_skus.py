"""D7: Microsoft's products are known by id and part number, whatever they are called; a name may belong to several."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Organization, User
from psa.models import Service
from reconcile.tenancy.scope import org_scope
from tests.vendors.mapping_desk import Desk
from vendors import microsoft_skus
from vendors.microsoft_skus import Offer, Unreadable, catalogue, read, read_term
from vendors.models import VendorService


@pytest.fixture
def desk(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Desk:
    return Desk(org, sign_in(alice))


PREMIUM = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"


def test_d7_the_shipped_table_is_whole_and_every_row_of_it_names_a_product() -> None:
    table = catalogue()
    assert len(table.by_id) == 542
    assert table.skipped == 0
    premium = table.find("SPB")
    assert premium is not None
    assert premium.sku_id == PREMIUM
    assert table.find(PREMIUM.upper()) == premium


def test_d7_one_name_may_belong_to_two_products_and_one_part_number_stands_for_none_then() -> None:
    table = catalogue()
    assert {sku.part_number for sku in table.called("Microsoft 365 Business Basic")} == {
        "O365_BUSINESS_ESSENTIALS",
        "SMB_BUSINESS_ESSENTIALS",
    }
    assert table.find("MCOPSTN5") is None


def test_d7_microsofts_own_file_is_read_as_it_is_with_its_renames() -> None:
    table = read(
        [
            "Product_Display_Name,String_Id,GUID,Service_Plan_Name",
            f"Microsoft 365 Business Premium,SPB,{PREMIUM},A",
            f"Microsoft 365 Business Premium,SPB,{PREMIUM},B",
            f"Microsoft 365 Business,SPB,{PREMIUM.upper()},A",
            "Broken,X,000 units,A",
            "Short",
        ]
    )
    (sku,) = table.by_id.values()
    assert sku.names == ("Microsoft 365 Business Premium", "Microsoft 365 Business")
    assert table.called("microsoft 365   business") == [sku]
    assert table.skipped == 1
    with pytest.raises(Unreadable, match="needs a column “sku_id” or “guid”"):
        read(["name,part_number", "A,B"])


def test_d7_a_newer_table_is_taken_from_a_file(settings: Settings, tmp_path: Path) -> None:
    newer = tmp_path / "skus.csv"
    newer.write_text(f"GUID,String_Id,Product_Display_Name\n{PREMIUM},SPB,New name\n")
    settings.MICROSOFT_SKUS_FILE = str(newer)
    assert [sku.names for sku in catalogue().by_id.values()] == [("New name",)]


@pytest.mark.parametrize(
    ("said", "term"),
    [
        ("P1Y", "P1Y"),
        ("Annual", "P1Y"),
        ("1-Year", "P1Y"),
        ("Monthly", "P1M"),
        ("3 Year", "P3Y"),
        ("P5Y", "P5Y"),
    ],
)
def test_d7_terms_are_one_however_vendors_write_them(said: str, term: str) -> None:
    assert read_term(said) == term


def test_d7_the_same_product_for_another_term_is_another() -> None:
    assert Offer("SPB", "P1Y", "P1Y").key == "spb|P1Y|P1Y"
    assert len({Offer("SPB", term).key for term in ("P1M", "P1Y", "")}) == 3


def test_d7_a_vendors_sku_id_suggests_the_psa_service_of_its_part_number(desk: Desk) -> None:
    """The PSA knows the part number, the vendor the id, and both call it something else."""
    with org_scope(desk.org.pk):
        service = desk.books.service("Cloud suite for offices", part_number="SPB")
        suite = desk.books.vendor_service(None, "Microsoft 365 Business Premium")
        VendorService.objects.filter(pk=suite.pk).update(external_id=PREMIUM)
        assert isinstance(service, Service)
    page = desk.get("mapping_services", q="Premium")
    assert "Cloud suite for offices" in page
    assert "Same part number: SPB" in page or f"Same part number: {PREMIUM}" in page


def test_the_table_is_read_once() -> None:
    assert catalogue() is microsoft_skus.catalogue()
