"""The base of every Celery task that touches a tenant: the organization's id is its first argument."""

import inspect
from typing import Any

from celery import Task
from django.db import connection

from reconcile.tenancy.scope import current_org_id, org_scope


class TenantTask(Task):  # type: ignore[type-arg]
    """A task of one organization. Its body opens `org_scope(org_id)` for each step that needs rows."""

    abstract = True
    # Whether it also runs for an organization that is closed and waits to be erased.
    while_closed = False

    def __call__(self, org_id: int, *args: Any, **kwargs: Any) -> Any:
        """Refuse to start without an organization, or inside somebody else's scope."""
        if isinstance(org_id, bool) or not isinstance(org_id, int):
            raise TypeError(f"{self.name}: the first argument is the organization's id")
        if current_org_id() not in (None, org_id):
            raise RuntimeError(f"{self.name}: started inside the scope of another organization")
        if not self.while_closed and is_closed(org_id):
            return None
        return super().__call__(org_id, *args, **kwargs)


def is_closed(org_id: int) -> bool:
    """Say whether an organization is closed for deletion (A3): nothing runs for it until it is restored."""
    with org_scope(org_id), connection.cursor() as cursor:
        cursor.execute("SELECT closing_since IS NOT NULL FROM accounts_organization WHERE id = %s", [org_id])
        found = cursor.fetchone()
        return bool(found and found[0])


def takes_org_first(task: Task) -> bool:  # type: ignore[type-arg]
    """Say whether the task's first parameter is `org_id`."""
    names = list(inspect.signature(task.run).parameters)
    return bool(names) and names[0] == "org_id"
