"""Fields of tenant rows: a reference whose integrity the composite key holds, units, and money."""

from typing import Any

from django.db import models


class TenantReference(models.ForeignKey):  # type: ignore[type-arg]
    """A foreign key inside one organization. The plain database constraint is left out: a TenantKey stands for it.

    Its index is left out too: indexes of tenant tables begin with org_id and are declared on the model.
    """

    def __init__(self, to: Any, on_delete: Any = models.DO_NOTHING, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        kwargs["db_index"] = False
        super().__init__(to, on_delete=on_delete, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_constraint", None)
        kwargs.pop("db_index", None)
        return name, path, args, kwargs


class UnitsField(models.DecimalField):  # type: ignore[type-arg]
    """Units: six decimals, because gigabytes and licence points are fractions."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs |= {"max_digits": 20, "decimal_places": 6}
        super().__init__(**kwargs)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs


class MoneyField(UnitsField):
    """An amount in the currency that its row names; six decimals, because unit prices have fractions of a cent."""
