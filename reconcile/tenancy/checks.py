"""System checks that refuse to start with a privileged role or a tenant table without its wall."""

from collections.abc import Sequence
from typing import Any

from celery import current_app
from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register

from reconcile.tenancy.catalogue import describe_role, list_plain_keys, list_tables
from reconcile.tenancy.constraints import RowPolicy, TenantKey
from reconcile.tenancy.models import TenantRow
from reconcile.tenancy.tasks import TenantTask, takes_org_first


@register(Tags.models)
def check_models(**kwargs: Any) -> list[CheckMessage]:
    """Each tenant model declares its policy, and a composite key for each reference to a tenant model."""
    errors: list[CheckMessage] = []
    for model in apps.get_models():
        if not issubclass(model, TenantRow):
            continue
        constraints = model._meta.constraints
        if not any(isinstance(c, RowPolicy) for c in constraints):
            errors.append(Error(f"{model.__name__} has no RowPolicy", obj=model, id="tenancy.E001"))
        keyed = {c.field for c in constraints if isinstance(c, TenantKey)}
        for field in model._meta.concrete_fields:
            target = field.related_model
            names_tenant = isinstance(target, type) and issubclass(target, TenantRow)
            if names_tenant and field.name not in keyed:
                errors.append(
                    Error(f"{model.__name__}.{field.name} has no TenantKey", obj=model, id="tenancy.E002")
                )
    return errors


@register(Tags.models)
def check_tasks(**kwargs: Any) -> list[CheckMessage]:
    """Each task of ours takes org_id first, except the ticks that only find organizations with work."""
    own = tuple(f"{name}." for name in ("accounts", "psa", "vendors", "dashboard", "sync"))
    return [
        Error(f"task {name} does not take org_id first", id="tenancy.E003")
        for name, task in current_app.tasks.items()
        if name.startswith(own) and isinstance(task, TenantTask) and not takes_org_first(task)
    ]


@register(Tags.database)
def check_database(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The application role is not privileged and owns nothing, and no tenant table stands open."""
    if not databases or "default" not in databases:
        return []
    role, privileged = describe_role()
    errors: list[CheckMessage] = []
    if privileged:
        errors.append(
            Error(
                f"The application role {role} is a superuser or bypasses row-level security.",
                hint="Point APP_DATABASE_URL at a plain role; DATABASE_URL is the owner's.",
                id="tenancy.E010",
            )
        )
    tables = list_tables()
    errors += [Error(f"{role} owns table {t.name}", id="tenancy.E011") for t in tables if t.owned_by_us]
    errors += [Error(f"table {t.name} has no wall", id="tenancy.E012") for t in tables if t.is_open]
    errors += [Error(f"foreign key {k} crosses tenants", id="tenancy.E013") for k in list_plain_keys()]
    return errors
