"""The worlds of the simulators: the demo's counts and plants, its truth, and large ones."""

import csv
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import demo
from demo import mappings
from demo.mappings import EXCLUDED
from demo.world import load, plan_of
from demo.worlds.truth import as_csv
from tests.demo.reading import Reading, Shown

TRUTH = Path(demo.__file__).parent / "truth.csv"
TODAY = date(2025, 11, 22)
DAYS = [TODAY, date(2025, 12, 1), date(2025, 12, 31), date(2024, 2, 29), date(2026, 1, 1), date(2026, 1, 31)]
DIFFERENT = ("adjust", "held", "new", "waiting", "unmapped_account", "unmapped_service")


@pytest.fixture(scope="module")
def world():
    return load("demo", TODAY)


@pytest.fixture(scope="module")
def truth():
    with TRUTH.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def units(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def wanted(row: dict[str, str]) -> Shown:
    numbers = [units(row[name]) for name in ("psa_units", "vendor_units", "effect")]
    return row["kind"], row["reason"], numbers[0], numbers[1], numbers[2]


def test_is_as_large_as_promised(world, truth):
    rows = world.connectwise
    assert len(rows["companies"]) >= 60
    assert len([item for item in rows["catalog"] if not item["inactiveFlag"]]) >= 15
    assert len(rows["agreements"]) >= 90
    assert len(rows["additions"]) >= 900
    assert len({row["type"]["id"] for row in rows["agreements"]}) >= 4
    assert {row["prorateFlag"] for row in rows["agreements"]} == {True, False}
    assert {row["agreementStatus"] for row in rows["agreements"]} == {
        "Active", "Cancelled", "Expired", "Inactive",
    }  # fmt: skip
    cycles = {(row.get("billingCycle") or {}).get("name") for row in rows["agreements"]}
    assert {None, "Monthly", "Quarterly", "Yearly", "One Time"} <= cycles
    assert len([row for row in truth if row["planted"] == "yes" and row["kind"] in DIFFERENT]) >= 40


def test_the_console_has_what_a_console_has(world):
    rows = world.veeam
    assert len(rows["companies"]) >= 60
    assert {row["status"] for row in rows["companies"]} >= {"Active", "Disabled", "Deleted"}
    assert {row["resellerUid"] for row in rows["companies"]} > {
        row["instanceUid"] for row in rows["resellers"]
    }
    keys = {row["_embedded"]["organization"]["companyId"] for row in rows["companies"]}
    assert None in keys
    assert len(keys) > 10
    assert "Provider" in {row["organizationType"] for row in rows["licensing"]}
    locations = {(row["companyUid"], row["locationUid"]) for row in rows["usage"]}
    assert len(locations) > len({company for company, _ in locations})
    assert len({row["date"] for row in rows["usage"]}) == 35
    computers = Counter(row["organizationUid"] for row in rows["computers"])
    assert computers.total() > 1000


def test_every_kind_of_case_is_planted(truth):
    assert {row["plant"] for row in truth} >= {
        "", "under_billed", "over_billed", "zero_reported", "zero_absent", "drop", "jump", "silent_17", "silent_41",
        "unmapped_account", "unknown_counter", "usage_without_line", "duplicate_line", "two_agreements",
        "agreement_cancelled", "agreement_expired", "included_match", "included_adjust", "line_NoCharge",
        "line_DoNotBill", "line_ended", "line_future", "split_old", "split_new_match", "deleted_company", "prospect",
        "rule_exclude", "rule_include", "rule_minimum", "rule_maximum", "rule_percent", "rule_up", "rule_down",
        "rule_nearest", "rule_filter", "rule_filter_keeps", "rule_override", "rule_names_missing", "rule_other_months",
        "bundle_of_services", "bundle_smallest_service", "shared_users", "split_rest", "split_part",
        "disabled_but_billable", "deleted_tenant", "excluded_account", "several_locations", "same_name", "odd_name",
    }  # fmt: skip


def test_only_what_was_planted_differs(truth):
    assert {row["kind"] for row in truth if row["planted"] == "no"} == {"match", "psa_only"}
    assert all((row["planted"] == "yes") == bool(row["plant"]) for row in truth)


def test_the_file_is_what_the_planter_says():
    assert TRUTH.read_text(encoding="utf-8") == as_csv(plan_of("demo"))


@pytest.mark.parametrize("seed", ["1", "2"])
def test_does_not_depend_on_the_hash_seed(seed):
    made = subprocess.run(
        [sys.executable, "-m", "demo.worlds.truth"],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        cwd=TRUTH.parents[1],
        capture_output=True,
        check=True,
    )
    assert made.stdout.decode() == TRUTH.read_text(encoding="utf-8")


def test_the_same_day_gives_the_same_world(world):
    assert load("demo", TODAY) == world


def counted_by_rules() -> set[str]:
    """Name the customers whose counts follow rules: `test_truth` holds the dashboard against their truth."""
    planned = plan_of("demo")
    companies = [rule.company or (rule.agreement and rule.agreement.company) for rule in planned.rules]
    companies += [one for split in planned.splits for one in (split.company, split.tenant.company)]
    combined = {item.id for _, item in planned.also}
    companies += [line.agreement.company for line in planned.lines if line.item.id in combined]
    return {company.name for company in companies if company}


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_the_rows_lead_to_the_truth_on_any_day(today, truth):
    world, ruled = load("demo", today), counted_by_rules()
    names = {row["id"]: row["name"] for row in world.connectwise["companies"]}
    places = {str(line["id"]): line["agreementId"] for line in world.connectwise["additions"]}
    reading = Reading(world, mappings.load("demo"), today)

    def customer(key: str) -> str:
        if key in places:
            return names[reading.agreements[places[key]]["company"]["id"]]
        return (
            names.get(int(key.split("/", maxsplit=1)[0]), "") if key[0].isdigit() and "-" not in key else ""
        )

    shown = {key: card for key, card in reading.cards().items() if customer(key) not in ruled}
    assert shown == {
        row["key"]: wanted(row) for row in truth if row["kind"] != "names" and row["account"] not in ruled
    }


def names_behind(world) -> Counter[tuple[str, str]]:
    """Count what the console's lists name that counts, by company and counter (facts §13)."""
    found: Counter[tuple[str, str]] = Counter()
    for row in world.veeam["computers"]:
        where = "CloudBackups" if "backupServerUid" in row else "Agents"
        managed = "" if "backupServerUid" in row else "Managed"
        found[row["organizationUid"], f"{managed}{row['operationMode']}{where}"] += 1
    for row in world.veeam["virtual_machines"]:
        found[row["organizationUid"], "BackupedVms"] += 1
    for row in world.veeam["vb365_objects"]:
        kind = {"User": "Users", "Site": "Sites", "Teams": "Teams"}[row["protectedDataType"]]
        kind = "EducationalUsers" if row["isEducationalUser"] else kind
        found[row["organizationUid"], f"Vb365Protected{kind}"] += row["consumesLicense"]
    return found


def test_as_many_are_named_as_counted_but_where_it_is_planted(world, truth):
    named, counted = names_behind(world), Counter[tuple[str, str]]()
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    for row in world.veeam["usage"]:
        if row["date"].startswith(yesterday):
            for counter in row["counters"]:
                counted[row["companyUid"], counter["type"]] += counter["value"]
    named_counters = {counter for _, counter in named}
    assert len(named_counters) == 9
    planted = {row["key"]: row["reason"] for row in truth if row["kind"] == "names"}
    differing = {
        f"{company}/{counter}": f"{named[company, counter]} named"
        for company, counter in counted
        if counter in named_counters and named[company, counter] != counted[company, counter]
    }
    assert differing == planted
    assert len(planted) >= 2


def test_people_and_machines_stand_behind_two_counters_and_are_nobody(world):
    users = [row for row in world.veeam["vb365_objects"] if row["protectedDataType"] == "User"]
    assert all(row["name"].endswith(".example") for row in users)
    assert len({row["id"] for row in world.veeam["vb365_objects"]}) == len(world.veeam["vb365_objects"])
    people = Counter((row["organizationUid"], row["name"]) for row in users)
    assert sum(times == 2 for times in people.values()) >= 3
    machines = Counter((row["organizationUid"], row["name"]) for row in world.veeam["computers"])
    assert sum(times == 2 for times in machines.values()) >= 20
    assert max([*people.values(), *machines.values()]) == 2
    assert any(not row["consumesLicense"] for row in users)


def test_shares_add_up_to_the_usage(world, truth):
    reading = Reading(world, mappings.load("demo"), TODAY)
    lines = {str(line["id"]): line for line in world.connectwise["additions"]}
    shares: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    ruled = counted_by_rules()
    for row in truth:
        if row["kind"] in ("match", "adjust", "held") and row["account"] not in ruled:
            line = lines[row["key"]]
            company = reading.agreements[line["agreementId"]]["company"]["id"]
            shares[company, line["product"]["id"]] += Decimal(row["vendor_units"])
    assert shares == {place: reading.usage(*place) for place in shares}


def test_ids_and_identifiers_stand_once(world, truth):
    rows = world.connectwise
    for name in ("companies", "catalog", "agreements", "additions", "invoices"):
        assert len({row["id"] for row in rows[name]}) == len(rows[name])
    identifiers = [row["identifier"].casefold() for row in rows["companies"]]
    assert len(set(identifiers)) == len(identifiers)
    assert max(map(len, identifiers)) <= 25
    assert max(len(row["name"]) for row in rows["companies"]) <= 50
    assert max(len(row["name"]) for row in rows["agreements"]) <= 100
    assert max(len(row["name"]) for row in world.veeam["companies"]) > 255
    assert len({row["key"] for row in truth}) == len(truth)


def test_unset_dates_come_in_three_forms(world):
    forms = {line.get("cancelledDate", "missing") for line in world.connectwise["additions"]}
    assert {"missing", None, ""} <= forms


def test_mappings_name_what_exists_and_leave_some_unmapped(world):
    known = mappings.load("demo")
    companies = {str(row["id"]) for row in world.connectwise["companies"]} | {EXCLUDED}
    items = {str(row["id"]) for row in world.connectwise["catalog"]}
    assert set(known.accounts.values()) <= companies
    assert all(service == EXCLUDED or set(service) <= items for service in known.services.values())
    assert len({row["instanceUid"] for row in world.veeam["companies"]} - set(known.accounts)) == 5


def test_usage_ends_today_and_the_last_days_stand_still(world):
    by_day: dict[str, list[object]] = defaultdict(list)
    for row in world.veeam["usage"]:
        by_day[row["date"][:10]].append((row["companyUid"], row["locationUid"], row["counters"]))
    newest = [(TODAY - timedelta(days=ago)).isoformat() for ago in range(5)]
    assert max(by_day) == newest[0]
    assert all(by_day[day] == by_day[newest[0]] for day in newest)


def test_empty_has_set_up_tables_alone():
    empty = load("empty", TODAY)
    assert not any(empty.connectwise[name] for name in ("companies", "catalog", "agreements", "additions"))
    assert empty.connectwise["billing_cycles"]
    assert not any(rows for name, rows in empty.veeam.items() if name != "alarm_templates")


@pytest.mark.parametrize("lines", [1, 61, 6000])
def test_scale_has_as_many_lines_as_asked_for(lines):
    world = load(f"scale:{lines}", TODAY)
    rows = world.connectwise
    assert len(rows["additions"]) == lines
    assert len(rows["agreements"]) == -(-lines // 20)
    assert len(rows["companies"]) == len(world.veeam["companies"]) == -(-lines // 60)
    assert len({row["name"] for row in rows["companies"]}) == len(rows["companies"])
    assert len({counter["type"] for row in world.veeam["usage"] for counter in row["counters"]}) <= 30


def test_scale_differs_on_about_one_line_in_twenty():
    shown = Reading(load("scale:6000", TODAY), mappings.load("scale:6000"), TODAY).cards()
    kinds = Counter(kind for kind, *_ in shown.values())
    assert set(kinds) == {"match", "adjust", "psa_only"}
    assert 240 <= kinds["adjust"] <= 360
    known = {row.key: row.kind for row in plan_of("scale:6000").truth}
    assert {key: kind for key, (kind, *_) in shown.items()} == known


@pytest.mark.parametrize("spec", ["", "Demo", "scale", "scale:", "scale:0", "scale:-5", "scale:many"])
def test_refuses_an_unknown_world(spec):
    with pytest.raises(ValueError, match="no world is called"):
        load(spec, TODAY)
