"""The small composed pieces: retry hints, pauses, paginators, budget windows, redaction."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from requests.structures import CaseInsensitiveDict

from reconcile.http import budget as budget_module
from reconcile.http.budget import Budget, LocalWindow, SharedWindow
from reconcile.http.errors import BudgetSpent, OurBug, TryLater
from reconcile.http.paginate import ForwardOnly, Offset, PageNumber, by_id
from reconcile.http.redact import HIDDEN, redact_text
from reconcile.http.retry import pause_seconds, read_with_retries, retry_after

# Redis remembers for a minute, so a second run needs names of its own.
NAME = uuid.uuid4().hex
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "30"}, b"", 30),
        ({"retry-after": "0"}, b"", 0),
        ({"Retry-After": "Wed, 04 Mar 2026 12:00:45 GMT"}, b"", 45),
        ({"Retry-After": "Wed, 04 Mar 2026 11:00:00 GMT"}, b"", 0),
        ({"Retry-After": "soon"}, b"", None),
        ({}, b'{"errors":[{"type":"transport","code":429,"retryAfter":25}]}', 25),
        ({}, b'{"error":"x","message":"Too many requests. Please try again in 30 seconds."}', 30),
        ({}, b'{"errors":[{"type":"transport","code":429}]}', None),
        ({}, b"<html>slow down</html>", None),
        ({}, b'{"retryAfter": "nan"}', None),
    ],
)
def test_every_form_of_retry_after(headers: dict[str, str], body: bytes, seconds: float | None) -> None:
    assert retry_after(CaseInsensitiveDict(headers), body, NOW) == seconds


@given(st.integers(1, 50), st.none() | st.floats(0, 1000), st.floats(0, 1))
def test_a_pause_is_never_shorter_than_asked_and_never_runs_away(
    attempt: int, hint: float | None, draw: float
) -> None:
    pause = pause_seconds(attempt, hint, lambda: draw)
    assert (hint <= pause <= hint + 0.5) if hint is not None else (0 < pause <= 30)


def test_a_long_wait_is_left_to_the_queue() -> None:
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        raise TryLater("later", retry_after=3600)

    with pytest.raises(TryLater):
        read_with_retries(call, 5, sleep=lambda _seconds: None)
    assert len(calls) == 1


def test_a_spent_budget_is_not_waited_for_again() -> None:
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        raise BudgetSpent("later", retry_after=1)

    with pytest.raises(BudgetSpent):
        read_with_retries(call, 5, sleep=lambda _seconds: None)
    assert len(calls) == 1


class FakeReply:
    def __init__(self, value: Any, link: str = "") -> None:
        self.value, self.headers = value, {"Link": link}

    def json(self) -> Any:
        return self.value


def _numbered(pages: list[list[int]], param: str, first: int = 1) -> Any:
    def get(path: str, params: Mapping[str, Any]) -> FakeReply:
        return FakeReply([{"id": number} for number in pages[params[param] - first]])

    return get


def _ids(paginator: Any, get: Any) -> list[int]:
    return [row["id"] for page in paginator.pages(get, "x", {}) for row in page]


def test_numbered_pages_end_at_the_first_that_is_not_full() -> None:
    assert _ids(PageNumber(2), _numbered([[1, 2], [3, 4], [5]], "page")) == [1, 2, 3, 4, 5]
    assert _ids(PageNumber(2), _numbered([[1, 2], []], "page")) == [1, 2]


def test_a_repeated_page_stops_loudly() -> None:
    with pytest.raises(TryLater, match="repeated itself"):
        _ids(PageNumber(2), _numbered([[1, 2], [1, 2], []], "page"))
    with pytest.raises(TryLater, match="repeated itself"):
        _ids(PageNumber(2), _numbered([[1, 2], [2, 3], []], "page"))


def test_a_list_of_the_wrong_shape_is_not_guessed_at() -> None:
    values: list[Any] = [{"data": []}, None, [1], [{"name": "no id"}]]
    for value in values:
        with pytest.raises(OurBug):
            _ids(PageNumber(2), lambda _path, _params, value=value: FakeReply(value))


def test_forward_only_needs_growing_ids() -> None:
    def get(path: str, params: Mapping[str, Any]) -> FakeReply:
        return FakeReply([{"id": n} for n in range(params["pageId"] + 1, 6)][:2])

    assert _ids(ForwardOnly(2), get) == [1, 2, 3, 4, 5]
    with pytest.raises(TryLater, match="repeated itself"):
        _ids(ForwardOnly(2), lambda _path, _params: FakeReply([{"id": 1}, {"id": 2}]))
    with pytest.raises(TryLater, match="repeated itself"):
        _ids(ForwardOnly(9), lambda _path, _params: FakeReply([{"id": 2}, {"id": 1}]))


OFFSET = Offset(limit=2, total=lambda v: v["total"], rows=lambda v: v["rows"], key=by_id)


@pytest.mark.parametrize(
    ("total", "pages", "fine"),
    [
        ([3, 3], [[1, 2], [3]], True),
        ([0], [[]], True),
        ([3, 4], [[1, 2], [3]], False),
        ([3, 3], [[1, 2], []], False),
        ([3, 3], [[1, 2], [3, 4]], False),
        ([4, 4], [[1, 2], [2, 3]], False),
    ],
)
def test_offset_pages_must_add_up(total: list[int], pages: list[list[int]], fine: bool) -> None:
    replies = iter(
        FakeReply({"total": t, "rows": [{"id": n} for n in page]})
        for t, page in zip(total, pages, strict=True)
    )
    if fine:
        assert _ids(OFFSET, lambda _path, _params: next(replies)) == [n for page in pages for n in page]
    else:
        with pytest.raises(TryLater, match="repeated itself"):
            _ids(OFFSET, lambda _path, _params: next(replies))


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5))
def test_the_window_never_lets_more_through_in_any_minute(steps: list[float], limit: int) -> None:
    now = [0.0]
    window = LocalWindow(limit, lambda: now[0])
    taken: list[float] = []
    for step in steps:
        now[0] += step
        if window.take() == 0:
            taken.append(now[0])
    for start in taken:
        assert sum(start <= moment < start + 60 for moment in taken) <= limit


def test_a_pause_holds_the_window() -> None:
    now = [0.0]
    window = LocalWindow(5, lambda: now[0])
    window.pause(10)
    assert window.take() == 10
    now[0] = 11
    assert window.take() == 0


def test_the_shared_window_counts_for_everybody(settings: Settings) -> None:
    first, second = (SharedWindow(NAME, 3, settings.REDIS_URL) for _ in range(2))
    assert [first.take(), second.take(), first.take()] == [0, 0, 0]
    assert 0 < second.take() <= 60
    assert SharedWindow(NAME + "-other", 3, settings.REDIS_URL).take() == 0


def test_a_shared_pause_holds_everybody_and_brakes(settings: Settings) -> None:
    first, second = (SharedWindow(NAME + "-pause", 4, settings.REDIS_URL) for _ in range(2))
    first.pause(30)
    assert 0 < second.take() <= 30
    budget_module._client(settings.REDIS_URL).delete(f"budget:{NAME}-pause:pause")
    assert [second.take() > 0 for _ in range(3)] == [False, False, True]


def test_without_redis_a_part_of_the_budget_is_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(budget_module, "_redis_rest", budget_module._Rest())
    budget = Budget("t-away", 16)
    budget.wait(patience=1)
    budget.wait(patience=1)
    with pytest.raises(TryLater, match="request limit") as caught:
        budget.wait(patience=1)
    assert caught.value.unsent
    assert 0 < (caught.value.retry_after or 0) <= 60


@pytest.mark.parametrize(
    "text",
    [
        '{"ownerCredentials": {"userName": "u", "password": "hunter2"}, "x": 1}',
        '{"ownerCredentials": {"userName": "u", "password": "hunter2',
        '{"data": [{"access_token": "hunter2"}]}',
        '{"refresh_token":"hunter2", "x',
        "grant_type=password&password=hunter2&x=1",
        "Authorization: Bearer hunter2hunter2",
        "sent Basic aHVudGVyMg==hunter2",
        "https://u:hunter2@psa.example/x",
        "api_key=hunter2",
        '{"privateKey":"hunter2"}',
        "{'clientSecret': 'x', 'api-key': hunter2}",
    ],
)
def test_secrets_are_hidden_in_text(text: str) -> None:
    assert "hunter2" not in redact_text(text)
    assert HIDDEN in redact_text(text)


def test_what_is_no_secret_stays() -> None:
    text = '{"code":"InvalidObject","message":"quantity is invalid","errors":null}'
    assert "quantity is invalid" in redact_text(text)
