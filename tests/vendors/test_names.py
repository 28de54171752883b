"""D4: reading names: what never tells two companies apart is left off, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.legal_forms import forms
from vendors.name_index import Likeness, NameIndex, compare
from vendors.names import read_name

SAME = [
    ("Pemberton J B Haulage Inc", "J.B. Pemberton Haulage, Inc."),
    ("Harbor Rail Ltd/Cn", "Harbor Rail Limited"),
    ("Harbor Dental", "HARBOR  dental, "),
    ("Harbor Dental", "The Harbor Dental, Inc."),
    ("Manitou Company, Inc. (The)", "Manitou Co Inc"),
    ("Pemberton Public Limited Company", "Pemberton p.l.c."),
    ("Farrow National Banc Corp /OH/", "Farrow National Banc Corp."),
    ("Alwick, Inc. / Delaware", "Alwick Inc"),
    ("Müller & Söhne GmbH & Co. KG", "Mueller".replace("ue", "u") + " und Sohne"),
    ("Łódź Piekarnia Sp. z o.o.", "Lodz Piekarnia"),
    ("Cafe\u0301 Ru\u0308gen", "Café Rügen"),
    ("\uff28arbor\u00a0Dental", "Harbor Dental"),
    ("Straße 12", "STRASSE 12"),
    ("Acme S. p. A.", "Acme S.p.A."),
    ("Acme, S.A. de C.V.", "Acme SA"),
    ("J. P. Marlow", "JP Marlow"),
    ("Sono-Tek Corp", "SonoTek Corporation"),
    ("O'Hara's Bakery", "Ohara\u2019s Bakery"),
    ("Quarry Mfg Intl", "Quarry Manufacturing International"),
    ("Smith & Wren", "Smith and Wren"),
    ("Canvey Inc /JAPAN/", "Canvey Inc."),
    ("Manitou Co Inc /The/", "Manitou Company, Inc. (The)"),
    ("1st Harbor Bank", "First Harbor Bank"),
    ("\u041e\u041e\u041e Ромашка", "Ромашка"),
]
OTHERS = [
    ("Stonecroft Dental Group", "Stonecroft Foundation"),
    ("Stonecroft Dental Group", "Stonecroft"),
    ("Stonecroft", "Stonecroft Holdings"),
    ("Stonecroft UK", "Stonecroft"),
    ("Stonecroft of Texas", "Stonecroft"),
    ("Stonecroft II", "Stonecroft III"),
    ("Branch 12", "Branch 13"),
    ("Acadia Healthcare", "Arcadia Healthcare"),
    ("Novaxin", "Novavin"),
    ("Harbor Day Spa", "Harbor Day"),
    ("SAS Institute", "Institute"),
    ("Dental Group", "Dental Care Group"),
    ("...", "—"),
    ("", ""),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_never_tells_two_companies_apart_is_left_off(one: str, other: str) -> None:
    assert compare(read_name(one), read_name(other))[0] >= Likeness.MISTYPED
    assert [match.id for match in NameIndex({7: other, 8: "Another"}).find(one)][:1] == [7]


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_anything_more_is_another_company(one: str, other: str) -> None:
    assert compare(read_name(one), read_name(other))[0] < Likeness.MISTYPED


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        ("Harbor Dental", "Harbor Dental", Likeness.SAME),
        ("Harbor Dental Ltd", "Harbor Dental", Likeness.SAME_WORDS),
        ("Harbor Svcs", "Harbor Services", Likeness.SHORTENED),
        ("Harbor Dental", "Dental, Harbor", Likeness.REORDERED),
        ("AB Volvina", "Volvina AB", Likeness.REORDERED),
        ("Pembrton Quarry Lane", "Pemberton Quarry Lane", Likeness.MISTYPED),
        ("Harbor Dental Inc", "Harbor Dental LLC", Likeness.OTHER_FORM),
        ("Harbor Dental /OH/", "Harbor Dental /TX/", Likeness.OTHER_PLACE),
        ("Harbor Dental East", "Harbor Dental", Likeness.PART),
        ("Harbr", "Harbor", Likeness.SIMILAR),
    ],
)
def test_how_alike_two_names_are(one: str, other: str, likeness: Likeness) -> None:
    assert compare(read_name(one), read_name(other))[0] is likeness
    assert compare(read_name(other), read_name(one))[0] is likeness


@pytest.mark.parametrize("words", ["dba", "d/b/a", "formerly known as", "(formerly", "t/a"])
def test_a_name_is_found_by_what_it_trades_as(words: str) -> None:
    (match,) = NameIndex({7: "Brightwater Clinic"}).find(f"Harrow Medical LLC {words} Brightwater Clinic")
    assert match.likeness is Likeness.ALIAS


def test_no_form_is_a_place() -> None:
    assert not forms().keys() & {
        "uk",
        "us",
        "usa",
        "eu",
        "ca",
        "nl",
        "pt",
        "se",
        "east",
        "trust",
        "spa",
        "group",
    }


@given(st.text(max_size=30))
def test_any_text_can_be_read_and_is_the_same_as_itself(text: str) -> None:
    name = read_name(text)
    assert read_name(text) == name
    if name.folded:
        assert compare(name, name)[0] is Likeness.SAME


@given(st.text(max_size=20), st.text(max_size=20))
def test_likeness_does_not_depend_on_the_side(one: str, other: str) -> None:
    a, b = read_name(one), read_name(other)
    assert compare(a, b)[0] is compare(b, a)[0]


@given(st.lists(st.text("abcde fg", max_size=12), max_size=8), st.text("abcde fg", max_size=12))
def test_the_index_finds_every_name_that_is_the_same(ours: list[str], theirs: str) -> None:
    found = {match.id for match in NameIndex(dict(enumerate(ours))).find(theirs)}
    same = {
        n
        for n, name in enumerate(ours)
        if compare(read_name(theirs), read_name(name))[0] >= Likeness.MISTYPED
    }
    assert same <= found
