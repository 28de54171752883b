"""Sealed credentials open only where they were sealed, and keys rotate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from reconcile.secrets import SecretUnreadable, seal, unseal

PLACE = {"owner": "connection:12", "field": "private_key"}


@given(st.text())
def test_what_is_sealed_opens(plain: str) -> None:
    assert unseal(seal(plain, org_id=1, **PLACE), org_id=1, **PLACE) == plain


def test_it_opens_nowhere_else() -> None:
    blob = seal("invented", org_id=1, **PLACE)
    places = [
        (2, "connection:12", "private_key"),
        (1, "connection:13", "private_key"),
        (1, "connection:12", "x"),
    ]
    for org_id, owner, field in places:
        with pytest.raises(SecretUnreadable):
            unseal(blob, org_id=org_id, owner=owner, field=field)


def test_an_altered_or_foreign_blob_does_not_open() -> None:
    blob = seal("invented", org_id=1, **PLACE)
    for wrong in (b"", b"x", blob[:-1], blob[:-1] + bytes([blob[-1] ^ 1]), b"\x02" + blob[1:], b"\x01" * 40):
        with pytest.raises(SecretUnreadable):
            unseal(wrong, org_id=1, **PLACE)


def test_the_same_text_seals_differently_and_hides_itself() -> None:
    first, second = (seal("invented", org_id=1, **PLACE) for _ in range(2))
    assert first != second
    assert b"invented" not in first


def test_keys_rotate(settings: Settings) -> None:
    settings.SECRET_BOX_KEYS = ["old"]
    blob = seal("invented", org_id=1, **PLACE)
    settings.SECRET_BOX_KEYS = ["new", "old"]
    assert unseal(memoryview(blob), org_id=1, **PLACE) == "invented"  # type: ignore[arg-type]
    fresh = seal("invented", org_id=1, **PLACE)
    settings.SECRET_BOX_KEYS = ["new"]
    assert unseal(fresh, org_id=1, **PLACE) == "invented"
    with pytest.raises(SecretUnreadable):
        unseal(blob, org_id=1, **PLACE)
