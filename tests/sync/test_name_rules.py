"""What a pull changes of the names behind counts, for any order and any course of pulls."""

import random
from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sync.name_rules import Facts, NameChanges, NameKey, Pair, StandingName, compare, facts_of, warn
from vendors.adapters.base import CountedItems, CountRecord, Item, NamedItems, UsagePull

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
ACCOUNTS, SERVICES, PEOPLE = ("harbor", "mill"), ("mailboxes", "teams"), ("ana", "bo", "cy")


@dataclass
class Span:
    facts: Facts
    begin: datetime
    end: datetime | None = None


@dataclass
class Book:
    """The names as the ledger's rows would hold them: a row's id is its place."""

    rows: list[tuple[NameKey, Span]] = field(default_factory=list)

    def compare(self, usage: UsagePull, gaps: set[str]) -> NameChanges:
        standing = {
            name: StandingName(place, span.facts)
            for place, (name, span) in enumerate(self.rows)
            if not span.end
        }
        newest: dict[Pair, datetime] = {}
        for name, span in self.rows:
            newest[name[:2]] = max(span.begin, span.end or span.begin, newest.get(name[:2], BEGIN))
        return compare(standing, newest, usage, gaps, integration_id=7)

    def take(self, changes: NameChanges) -> None:
        for gone in changes.gone:
            self.rows[gone.row_id][1].end = gone.at
        self.rows += [(one.name, Span(one.facts, one.at)) for one in changes.came]

    def names(self) -> set[NameKey]:
        return {name for name, span in self.rows if span.end is None}


def person(name: str, **facts: Any) -> Item:
    known = {"name": name.title(), "kind": "user", "email": f"{name}@harbor.example"}
    return Item(external_id=name, **known | facts)


items = st.builds(person, st.sampled_from(PEOPLE), quantity=st.sampled_from([Decimal(1), Decimal(2)]))
groups = st.dictionaries(
    st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(SERVICES)), st.lists(items, max_size=4), max_size=4
)


@st.composite
def pulls(draw: st.DrawFn) -> tuple[UsagePull, set[str]]:
    """Give a pull of some day (days may run backwards, as a console's do) and the accounts with a gap."""
    named, day = draw(groups), BEGIN + timedelta(days=draw(st.integers(0, 9)))
    counted = draw(st.sets(st.sampled_from([(a, s) for a in ACCOUNTS for s in SERVICES])))
    unread = draw(st.sets(st.sampled_from(SERVICES)))
    return pull(named, counted | set(named), day, unread), draw(
        st.sets(st.sampled_from(ACCOUNTS), max_size=1)
    )


def pull(
    named: dict[Pair, list[Item]], counted: set[Pair], at: datetime, unread: AbstractSet[str] = frozenset()
) -> UsagePull:
    return UsagePull(
        taken_at=at + timedelta(hours=26),
        counts=[
            CountRecord(account_external_id=a, service_external_id=s, quantity=Decimal(1), as_of=at)
            for a, s in sorted(counted)
        ],
        services=[],
        complete=True,
        items=NamedItems(
            groups=tuple(
                CountedItems(account_external_id=a, service_external_id=s, items=tuple(items))
                for (a, s), items in named.items()
            ),
            whole=frozenset(SERVICES) - unread,
            unread=dict.fromkeys(unread, "Not shown."),
        ),
    )


def shuffled(usage: UsagePull, seed: int) -> UsagePull:
    chance = random.Random(seed)

    def mix(these: Sequence[Any]) -> list[Any]:
        return chance.sample(list(these), len(these))

    mixed = tuple(replace(one, items=tuple(mix(one.items))) for one in mix(usage.items.groups))
    return replace(usage, counts=mix(usage.counts), items=replace(usage.items, groups=mixed))


@given(st.lists(pulls(), min_size=1, max_size=5), st.integers(0, 99))
def test_the_order_of_what_comes_does_not_matter(course: list[tuple[UsagePull, set[str]]], seed: int) -> None:
    book = Book()
    for usage, gaps in course:
        one, other = book.compare(usage, gaps), book.compare(shuffled(usage, seed), gaps)
        assert set(one.gone) == set(other.gone)
        assert set(one.came) == set(other.came)
        assert one.moments == other.moments
        book.take(one)


@given(st.lists(pulls(), min_size=1, max_size=5))
def test_the_same_pull_again_changes_nothing(course: list[tuple[UsagePull, set[str]]]) -> None:
    book = Book()
    for usage, gaps in course:
        book.take(book.compare(usage, gaps))
        again = book.compare(usage, gaps)
        assert (again.gone, again.came) == ([], [])


@given(st.lists(pulls(), max_size=6))
def test_the_spans_of_a_name_never_overlap(course: list[tuple[UsagePull, set[str]]]) -> None:
    book = Book()
    for usage, gaps in course:
        book.take(book.compare(usage, gaps))
    spans: dict[NameKey, list[Span]] = defaultdict(list)
    for name, span in book.rows:
        spans[name].append(span)
    for these in spans.values():
        assert all(one.end is not None for one in these[:-1]), "one at a time"
        assert all(
            one.end is not None and one.begin <= one.end <= after.begin for one, after in pairwise(these)
        )
        assert these[-1].end is None or these[-1].begin <= these[-1].end


@given(st.lists(pulls(), min_size=2, max_size=5))
def test_only_a_whole_list_of_an_account_without_a_gap_says_gone(
    course: list[tuple[UsagePull, set[str]]],
) -> None:
    book = Book()
    for usage, gaps in course:
        before = book.names()
        book.take(book.compare(usage, gaps))
        safe = {name for name in before if name[0] in gaps or name[1] in usage.items.unread}
        assert safe <= book.names()
        said = {
            (group.account_external_id, group.service_external_id, item.external_id)
            for group in usage.items.groups
            for item in group.items
            if group.service_external_id in usage.items.whole and group.account_external_id not in gaps
        }
        assert (
            book.names() - said
            == {name for name in before if name[0] in gaps or name[1] not in usage.items.whole} - said
        ), "what is not said is gone, and nothing else is there"


def test_names_are_dated_like_their_count_not_like_the_pull() -> None:
    (came,) = (
        Book().compare(pull({("mill", "teams"): [person("ana")]}, {("mill", "teams")}, BEGIN), set()).came
    )
    assert came.at == BEGIN


def test_what_is_listed_but_not_counted_is_nobody_behind_a_count() -> None:
    usage = replace(pull({("mill", "teams"): [person("ana")]}, {("mill", "teams")}, BEGIN), counts=[])
    assert Book().compare(usage, set()).came == []


def test_a_changed_name_is_the_end_of_one_and_the_begin_of_the_next() -> None:
    book, pair = Book(), ("mill", "teams")
    book.take(book.compare(pull({pair: [person("ana")]}, {pair}, BEGIN), set()))
    later = pull({pair: [person("ana", counts=False)]}, {pair}, BEGIN + timedelta(days=1))
    book.take(book.compare(later, set()))
    assert [(span.facts.counts, span.begin, span.end) for _, span in book.rows] == [
        (True, BEGIN, BEGIN + timedelta(days=1)), (False, BEGIN + timedelta(days=1), None)
    ]  # fmt: skip


def test_a_key_tells_people_and_devices_apart_and_is_never_blank() -> None:
    def key(**facts: Any) -> str:
        return facts_of(person("ana", **facts), 7).key

    assert key(email=" Ana@Harbor.Example ") == "ana@harbor.example"
    assert key(email="", identity="PC-01") == "pc-01"
    assert key(email="", identity="") == key(email=" ", identity="") == "7:ana", "no other integration's"


def test_traits_are_folded_and_only_what_is_known() -> None:
    facts = facts_of(replace(person("ana", site="Leeds"), name=" Ana\0 "), 7)
    assert dict(facts.traits) == {
        "name": "ana", "email": "ana@harbor.example", "domain": "harbor.example", "site": "leeds", "kind": "user"
    }  # fmt: skip
    assert facts.name == "Ana"


def test_a_warning_names_the_counted_services_of_a_reason_once() -> None:
    items = NamedItems(
        unread={"teams": "Not shown.", "sites": "Not shown.", "vms": "Too old.", "groups": "Too old."}
    )
    assert warn(items, {"teams", "sites", "vms"}) == [
        "The counts stand, but the names behind sites, teams could not be read. Not shown.",
        "The counts stand, but the names behind vms could not be read. Too old.",
    ]


@given(st.permutations(["a" * 200, "a" * 200 + "b", "a" * 200 + "c", "d"]))
def test_of_ids_that_are_one_when_cut_the_first_is_kept_and_the_others_are_told(ids: list[str]) -> None:
    pair = ("mill", "teams")
    usage = pull(
        {pair: [replace(person("ana"), external_id=one, name=one[-1]) for one in ids]}, {pair}, BEGIN
    )
    came = {one.name[2]: one.facts.name for one in Book().compare(usage, set()).came}
    assert came == {"a" * 200: "a", "d": "d"}
    assert ["names are missing (2)" in said for said in warn(usage.items, {"teams"})] == [True]
