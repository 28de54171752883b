"""Routing, sign-in, headers and error bodies of the simulated ConnectWise API (sheet §1, §4, §11)."""

import uuid

import pytest
import requests

from tests.demo.connectwise_client import Client

KEYS = ("company", "public_key", "private_key")
READABLE = [
    *(
        "/company/companies",
        "/company/companies/250",
        "/company/companies/count",
        "/company/companies/statuses",
    ),
    *(
        "/company/companies/types",
        "/company/companies/250/typeAssociations",
        "/company/companyTypeAssociations",
    ),
    *(
        "/company/companies/info",
        "/company/companies/info/types",
        "/procurement/catalog",
        "/procurement/catalog/812",
    ),
    *("/procurement/catalog/count", "/procurement/catalog/info", "/procurement/catalog/812/info"),
    *("/procurement/catalog/814/components", "/procurement/products", "/finance/agreements"),
    *("/finance/agreements/871", "/finance/agreements/count", "/finance/agreements/types"),
    *("/finance/agreements/types/info", "/finance/billingCycles", "/finance/billingCycles/info"),
    *("/finance/agreements/871/additions", "/finance/agreements/871/additions/3589"),
    *("/finance/agreements/871/additions/count", "/finance/invoices", "/finance/invoices/9001"),
    *("/finance/invoices/count", "/finance/invoices/9001/payments", "/finance/billingStatuses"),
    *("/service/tickets", "/service/tickets/count", "/service/info/boards", "/service/boards"),
    *("/service/boards/10/statuses", "/service/boards/10/statuses/info", "/service/priorities"),
    *("/service/sources", "/service/sources/info", "/system/locations", "/system/info", "/system/mySecurity"),
    *("/system/mySecurity/customizeItems/", "/system/apiMembers", "/system/securityRoles/7/settings"),
    "/system/securityroles/7/settings",
]


def test_company_info_names_the_codebase_and_knows_no_stranger(connectwise: Client) -> None:
    info = requests.get(f"{connectwise.url}/login/companyinfo/examplemsp", timeout=10).json()
    assert set(info) == {"CompanyName", "Codebase", "VersionCode", "VersionNumber", "CompanyID", "IsCloud"}
    assert info["Codebase"].endswith("/")
    assert all(isinstance(value, str) for value in info.values())
    stranger = requests.get(f"{connectwise.url}/login/companyinfo/nobody", timeout=10)
    assert (stranger.status_code, stranger.text) == (200, "null")


def test_both_codebases_serve_the_api_and_no_other(connectwise: Client) -> None:
    for codebase, status in (("v2025_1", 200), ("v4_6_release", 200), ("v2019_5", 404)):
        url = f"{connectwise.url}/{codebase}/apis/3.0/system/info"
        assert connectwise.session.get(url, timeout=10).status_code == status


def test_every_list_and_record_of_the_sheet_answers(connectwise: Client) -> None:
    assert {path: connectwise.get(path).status_code for path in READABLE} == dict.fromkeys(READABLE, 200)


def test_wrong_key_company_and_missing_credentials(connectwise: Client) -> None:
    company, public, private = (connectwise.credentials[name] for name in KEYS)
    unauthorized = {"code": "ConnectWiseApi", "message": "UserNotAuthenticated"}
    for user, status in ((f"{company}+{public}x", 401), (public, 401), (f"other+{public}", 404)):
        connectwise.session.auth = (user, private)
        reply = connectwise.get("/system/info")
        assert reply.status_code == status
        assert status != 401 or reply.json() == unauthorized
    connectwise.session.auth = None
    assert connectwise.get("/system/info").status_code == 401


@pytest.mark.parametrize(("mode", "company", "key"), [("all_401", 401, 401), ("all_404", 404, 404)])
def test_s3_says_which_status_a_bad_company_or_key_gets(
    connectwise: Client, mode: str, company: int, key: int
) -> None:
    connectwise.options(S3=mode)
    _, public, private = (connectwise.credentials[name] for name in KEYS)
    connectwise.session.auth = (f"other+{public}", private)
    assert connectwise.get("/system/info").status_code == company
    connectwise.session.auth = (f"examplemsp+{public}", "wrong")
    assert connectwise.get("/system/info").status_code == key


def test_s6_says_whether_a_client_id_is_needed(connectwise: Client) -> None:
    printed = connectwise.session.headers["clientId"]
    connectwise.session.headers["clientId"] = str(uuid.uuid4())
    assert connectwise.get("/system/info").status_code == 200
    connectwise.options(S6="exact")
    assert connectwise.get("/system/info").status_code == 401
    connectwise.session.headers["clientId"] = printed
    assert connectwise.get("/system/info").status_code == 200
    del connectwise.session.headers["clientId"]
    connectwise.options(S6=401)
    assert connectwise.get("/system/info").status_code == 401
    connectwise.options(S6="accept")
    assert connectwise.get("/system/info").status_code == 200


def test_headers_and_the_content_type_that_mirrors_the_pin(connectwise: Client) -> None:
    pin = "application/vnd.connectwise.com+json; version=2020.4"
    reply = connectwise.get("/system/info", headers={"Accept": pin})
    assert reply.headers["Content-Type"] == pin
    assert {"api-current-version", "x-cw-request-id", "x-server-name"} <= {*map(str.lower, reply.headers)}
    mixed = "application/vnd.connectwise.com+json; version=2021.1, application/json"
    assert (
        "version=2021.1" in connectwise.get("/system/info", headers={"Accept": mixed}).headers["Content-Type"]
    )


def test_unknown_route_wrong_verb_wrong_media_type_and_unknown_record(connectwise: Client) -> None:
    reply = connectwise.get("/finance/additions")
    assert (reply.status_code, reply.json()) == (
        404,
        {"code": "ConnectWiseApi", "message": "The endpoint does not exist."},
    )
    assert connectwise.call("DELETE", "/system/info").status_code == 405
    wrong = connectwise.call("POST", "/service/tickets", data="a=b", headers={"Content-Type": "text/plain"})
    assert wrong.status_code == 415
    missing = connectwise.get("/company/companies/99999")
    assert missing.status_code == 404
    assert missing.json()["code"] == "NotFound"
    assert connectwise.get("/finance/agreements/99999/additions").status_code == 404
    assert connectwise.get("/finance/agreements/872/additions/3589").status_code == 404


def test_reduced_lists_invoice_pdf_and_pricing(connectwise: Client) -> None:
    row = connectwise.get("/company/companies/info").json()[0]
    assert set(row) == {"id", "identifier", "name", "_info"}
    pdf = connectwise.get("/finance/invoices/9001/pdf")
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF")
    body = {"catalogItem": {"id": 812}, "company": {"id": 250}, "quantity": 1}
    assert connectwise.call("POST", "/procurement/catalog/812/pricing", json=body).json()["price"] == 6.5


def test_a_request_address_that_is_far_too_long_is_refused(connectwise: Client) -> None:
    wide = " or ".join(f"id={number}" for number in range(2000))
    assert connectwise.get("/service/tickets", params={"conditions": wide}).status_code == 414
    found = connectwise.call("POST", "/service/tickets/search", json={"conditions": wide})
    assert (found.status_code, found.json()) == (200, [])
