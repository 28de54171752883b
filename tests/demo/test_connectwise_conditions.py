"""The conditions grammar, over HTTP for each operator and on the parser for its edges (sheet §2.4, §2.5)."""

import pytest

from demo.connectwise.conditions import BadConditions, parse_conditions
from tests.demo.connectwise_client import Client

ROW = {
    "id": 42,
    "name": 'The "Old" Mill',
    "active": True,
    "quantity": 2.5,
    "company": {"id": 7, "name": "Example"},
    "types": [{"id": 1}, {"id": 3}],
    "cancelledDate": "2025-06-30T00:00:00Z",
    "ended": "",
    "_info": {"lastUpdated": "2025-06-02T14:11:09Z"},
}
TRUE = [
    "id = 42", "id=42", "id != 41", "id < 43", "id <= 42", "id > 41.5", "id >= 42", "quantity = 2.5",
    'name = "the \\"old\\" mill"', "name like 'the*'", 'name like "*old*mill"', 'name contains "OLD"',
    'name not contains "new"', 'name not like "new*"', "id in (1, 42)", "id not in (1,2)",
    'company/name in ("Example")',
    "active = True", "ACTIVE = true", "missingFlag = False", "ended = null", "missing = NULL", "name != null",
    "Company/Id = 7", "types/id = 3", "cancelledDate = [2025-06-30T00:00:00Z]", "cancelledDate > [2025-06-29]",
    "cancelledDate <= [2025-06-30T02:00:00+02:00]", "lastUpdated > [2025-06-01T00:00:00Z]",
    "id = 1 or id = 42 and active = True", "(id = 42 or id = 1) and active = True", "not id = 1",
    "not (id = 1 or id = 2)", "", "   ",
]  # fmt: skip
FALSE = [
    "id = 42 and active = False or id = 1", "(id = 42 or id = 1) and active = False", 'name = "mill"',
    'name like "mill"', "missing > 1", "missing < [2025-01-01]", "cancelledDate = null", "types/id = 2",
    "lastUpdated > [2025-06-03T00:00:00Z]", "company/id not in (7)", "not active = True", 'company = "Example"',
]  # fmt: skip
BROKEN = [
    "id =", "id", "= 42", "id == 42", "id = 42 and", "(id = 42", "id in 42", "id in (42", "id in ()", "id = [soon]",
    'name = "open', "id = 42 id = 43", "id is null", "id < null", "id not = 4", "name like 4", "id = word", "((((",
    "%", "(" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("expression", TRUE)
def test_expressions_that_hold(expression: str) -> None:
    assert parse_conditions(expression)(ROW)


@pytest.mark.parametrize("expression", FALSE)
def test_expressions_that_do_not_hold(expression: str) -> None:
    assert not parse_conditions(expression)(ROW)


@pytest.mark.parametrize("expression", BROKEN)
def test_expressions_outside_the_grammar(expression: str) -> None:
    with pytest.raises(BadConditions):
        parse_conditions(expression)


def test_the_filters_that_production_clients_send(connectwise: Client) -> None:
    agreements, additions = "/finance/agreements", "/finance/agreements/871/additions"
    assert connectwise.ids(agreements, 'cancelledFlag=False and agreementStatus="Active"') == [871, 872]
    assert connectwise.ids(agreements, "company/id in (250,251) and type/id not in (2)") == [871, 873]
    assert connectwise.ids(additions, "cancelledDate = null") == [3589]
    assert connectwise.ids(additions, "product/id=812 and effectiveDate=[2025-01-01T00:00:00Z]") == [
        3589,
        3590,
    ]
    assert connectwise.ids("/company/companies", "deletedFlag=False and id<300") == [250, 251]
    assert connectwise.ids("/company/companies", 'Status/Name="Active" and Id<=250') == [250]
    count = connectwise.get(f"{additions}/count", params={"conditions": "cancelledDate = null"})
    assert count.json() == {"count": 1}


def test_s13_a_malformed_expression_is_refused(connectwise: Client) -> None:
    reply = connectwise.get("/company/companies", params={"conditions": "name ="})
    assert reply.status_code == 400
    assert set(reply.json()) == {"code", "message", "errors"}
    connectwise.options(S13=500)
    assert connectwise.get("/company/companies", params={"conditions": "name ="}).status_code == 500


def test_incremental_pull_sees_what_was_written(connectwise: Client) -> None:
    path = "/finance/agreements/871/additions"
    before = connectwise.get(f"{path}/3589").json()["_info"]["lastUpdated"]
    assert connectwise.ids(path, f"lastUpdated>[{before}]") == []
    assert connectwise.patch(f"{path}/3589", quantity=43).status_code == 200
    assert connectwise.ids(path, f"lastUpdated>[{before}]") == [3589]
