"""The one way into a tenant's rows: a transaction with the organization (or the person) set for row-level security."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection, transaction

_current_org: ContextVar[int | None] = ContextVar("current_org", default=None)


class WrongScope(RuntimeError):
    """Work of one organization was started inside the scope of another: always our bug."""


def current_org_id() -> int | None:
    """Say which organization's scope is open here; None outside of any."""
    return _current_org.get()


def _set(org_id: int | None, user_id: int | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.org_id', %s, true), set_config('app.user_id', %s, true)",
            [str(org_id or ""), str(user_id or "")],
        )


@contextmanager
def org_scope(org_id: int) -> Iterator[None]:
    """Open a transaction that sees only the rows of `org_id`; nests within itself, never within another's.

    Raises WrongScope when another organization's scope is open. The setting is local to the
    transaction, so that a pooled connection can't carry it into the next request.
    """
    open_id = _current_org.get()
    if open_id is not None and open_id != org_id:
        raise WrongScope(f"organization {org_id} asked for inside the scope of {open_id}")
    token = _current_org.set(org_id)
    try:
        with transaction.atomic():
            if open_id is None:
                _set(org_id, None)
            yield
            if open_id is None:
                # Inside a test's outer transaction the setting would outlive this block.
                _set(None, None)
    finally:
        _current_org.reset(token)


@contextmanager
def user_scope(user_id: int) -> Iterator[None]:
    """Open a transaction that sees only the memberships of one person, and the organizations they name."""
    if _current_org.get() is not None:
        raise WrongScope("a person's scope was asked for inside an organization's")
    with transaction.atomic():
        _set(None, user_id)
        yield
        _set(None, None)
