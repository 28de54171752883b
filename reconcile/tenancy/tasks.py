"""The base of every Celery task that touches a tenant: the organization's id is its first argument."""

import inspect
from typing import Any

from celery import Task

from reconcile.tenancy.scope import current_org_id


class TenantTask(Task):  # type: ignore[type-arg]
    """A task of one organization. Its body opens `org_scope(org_id)` for each step that needs rows."""

    abstract = True

    def __call__(self, org_id: int, *args: Any, **kwargs: Any) -> Any:
        """Refuse to start without an organization, or inside somebody else's scope."""
        if isinstance(org_id, bool) or not isinstance(org_id, int):
            raise TypeError(f"{self.name}: the first argument is the organization's id")
        if current_org_id() not in (None, org_id):
            raise RuntimeError(f"{self.name}: started inside the scope of another organization")
        return super().__call__(org_id, *args, **kwargs)


def takes_org_first(task: Task) -> bool:  # type: ignore[type-arg]
    """Say whether the task's first parameter is `org_id`."""
    names = list(inspect.signature(task.run).parameters)
    return bool(names) and names[0] == "org_id"
