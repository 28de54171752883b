"""Lists of the simulated ConnectWise API: paging, Link, fields, orderBy, unset values (sheet §2, §11)."""

import re
from typing import Any

import pytest

from tests.demo.connectwise_client import Client

COMPANIES = "/company/companies"
# The way existing clients read the header.
LINK = re.compile(r'page=(\d+)>; rel="(.*?)"')


def links(reply: Any) -> dict[str, int]:
    return {name: int(page) for page, name in LINK.findall(reply.headers.get("Link", ""))}


def test_lists_are_bare_arrays_of_25_with_info_on_every_row(connectwise: Client) -> None:
    rows = connectwise.get(COMPANIES).json()
    assert isinstance(rows, list)
    assert len(rows) == 25
    assert all(row["_info"]["lastUpdated"] for row in rows)
    assert connectwise.get(f"{COMPANIES}/count").json() == {"count": 60}


def test_link_relations_with_page_last_and_absent_at_the_ends(connectwise: Client) -> None:
    seen: list[int] = []
    expected = [
        {"next": 2, "last": 3},
        {"first": 1, "prev": 1, "next": 3, "last": 3},
        {"first": 1, "prev": 2},
    ]
    for page, relations in enumerate(expected, 1):
        reply = connectwise.get(COMPANIES, params={"page": page, "pageSize": 25, "conditions": "id > 0"})
        assert links(reply) == relations
        seen += [row["id"] for row in reply.json()]
    assert len(set(seen)) == 60
    assert connectwise.get(COMPANIES, params={"page": 9}).json() == []


def test_following_next_keeps_the_conditions(connectwise: Client) -> None:
    reply = connectwise.get(
        COMPANIES, params={"conditions": 'name like "Customer*"', "page": 1, "pageSize": 30}
    )
    following = connectwise.session.get(reply.links["next"]["url"], timeout=10)
    assert [row["id"] for row in following.json()] == [*range(330, 357)]


def test_forward_only_pages_by_id_and_always_offers_next(connectwise: Client) -> None:
    headers = {"pagination-type": "forward-only"}
    last, seen = 0, []
    while True:
        # The page parameter is ignored.
        parameters = {"pageSize": 40, "pageId": last, "page": 7}
        reply = connectwise.get(COMPANIES, params=parameters, headers=headers)
        assert 'rel="next"' in reply.headers["Link"]
        if not (rows := reply.json()):
            break
        seen += [row["id"] for row in rows]
        last = rows[-1]["id"]
        assert f"pageId={last}>" in reply.headers["Link"]
    assert seen == sorted(seen)
    assert len(seen) == 60
    assert connectwise.get(COMPANIES, params={"orderBy": "id"}, headers=headers).status_code == 400


def test_s7_clamps_or_refuses_a_page_above_1000(connectwise: Client) -> None:
    assert len(connectwise.get(COMPANIES, params={"pageSize": 5000}).json()) == 60
    connectwise.options(S7=400)
    assert connectwise.get(COMPANIES, params={"pageSize": 5000}).status_code == 400
    assert connectwise.get(COMPANIES, params={"pageSize": 1000}).status_code == 200


@pytest.mark.parametrize(
    "parameters", [{"pageSize": "0"}, {"pageSize": "many"}, {"page": "0"}, {"page": "-1"}]
)
def test_paging_that_makes_no_sense_is_refused(connectwise: Client, parameters: dict[str, str]) -> None:
    assert connectwise.get(COMPANIES, params=parameters).status_code == 400


def test_fields_and_order(connectwise: Client) -> None:
    parameters = {"fields": "id,name,status/name", "orderBy": "city asc, name desc", "pageSize": 2}
    rows = connectwise.get(COMPANIES, params=parameters).json()
    assert rows == [
        {"id": 400, "name": "Founded Too Early", "status": {"name": "Active"}},
        {"id": 251, "name": "Example Foundry", "status": {"name": "Active"}},
    ]
    assert connectwise.get(f"{COMPANIES}/250", params={"fields": "id"}).json() == {"id": 250}
    assert connectwise.get(COMPANIES, params={"orderBy": "name sideways"}).status_code == 400


def test_references_carry_links(connectwise: Client) -> None:
    reference = connectwise.get("/finance/agreements/871").json()["company"]
    assert connectwise.session.get(reference["_info"]["company_href"], timeout=10).json()["id"] == 250


@pytest.mark.parametrize(("form", "shown"), [("null", None), ("empty", ""), ("missing", "nothing")])
def test_s8_chooses_the_form_of_unset_values(connectwise: Client, form: str, shown: str | None) -> None:
    connectwise.options(S8=form)
    row = connectwise.get("/finance/agreements/871/additions/3589").json()
    assert row.get("cancelledDate", "nothing") == shown
    assert row.get("opportunity") is None


def test_s8_mixed_shows_all_three_forms(connectwise: Client) -> None:
    rows = connectwise.get(COMPANIES, params={"pageSize": 100}).json()
    assert {row.get("dateDeleted", "nothing") for row in rows} == {None, "", "nothing"}


def test_a_server_that_repeats_its_pages(connectwise: Client) -> None:
    connectwise.options(repeat_pages=True)
    first, second = (connectwise.get(COMPANIES, params={"page": page}).json() for page in (1, 2))
    assert first == second


def test_s12_products_by_invoice(connectwise: Client) -> None:
    assert connectwise.ids("/procurement/products", "invoice/id=9001") == [1]
    connectwise.options(S12=False)
    refused = connectwise.get("/procurement/products", params={"conditions": "invoice/id=9001"})
    assert refused.status_code == 400
