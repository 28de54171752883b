"""Row-level security policies and composite foreign keys as Django constraints, so that migrations carry them."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.db.models.constraints import BaseConstraint

ORG_POLICY = "org_id = current_setting('app.org_id')::bigint"
# A person may look up their own memberships before any organization is chosen; an unset pair is an error.
MEMBER_POLICY = (
    "CASE WHEN current_setting('app.user_id', true) <> '' "
    "THEN user_id = current_setting('app.user_id')::bigint "
    "ELSE org_id = current_setting('app.org_id')::bigint END"
)
ORGANIZATION_POLICY = (
    "CASE WHEN current_setting('app.user_id', true) <> '' "
    "THEN id IN (SELECT m.org_id FROM accounts_membership m) "
    "ELSE id = current_setting('app.org_id')::bigint END"
)


class _DatabaseOnly(BaseConstraint):
    """A constraint that only the database enforces: Django's own validation has nothing to ask."""

    def validate(self, model: Any, instance: Any, exclude: Any = None, using: str = DEFAULT_DB_ALIAS) -> None:
        """Do nothing: the database answers."""

    def constraint_sql(self, model: Any, schema_editor: Any) -> str:
        """Give no part of CREATE TABLE; Django then defers nothing, so creation is added below."""
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return ""


class RowPolicy(_DatabaseOnly):
    """Row-level security on the model's table. `using` is the SQL condition, also checked on writes."""

    def __init__(self, *, name: str, using: str = ORG_POLICY, read_only_after_insert: bool = False) -> None:
        super().__init__(name=name)
        self.using = using
        self.read_only_after_insert = read_only_after_insert

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        """Enable row-level security and add the policy (insert and select only, when rows never change)."""
        if self.read_only_after_insert:
            policies = (
                "CREATE POLICY %(read)s ON %(table)s FOR SELECT USING (%(using)s); "
                "CREATE POLICY %(name)s ON %(table)s FOR INSERT WITH CHECK (%(using)s)"
            )
        else:
            policies = "CREATE POLICY %(name)s ON %(table)s USING (%(using)s) WITH CHECK (%(using)s)"
        return self._statement(
            "ALTER TABLE %(table)s ENABLE ROW LEVEL SECURITY; " + policies, model, schema_editor
        )

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        """Drop the policies; the wall stays up (row-level security without a policy shows nothing)."""
        sql = "DROP POLICY IF EXISTS %(read)s ON %(table)s; DROP POLICY IF EXISTS %(name)s ON %(table)s"
        return self._statement(sql, model, schema_editor)

    def _statement(self, template: str, model: Any, schema_editor: BaseDatabaseSchemaEditor) -> Statement:
        quote = schema_editor.quote_name
        return Statement(
            template,
            table=quote(model._meta.db_table),
            name=quote(self.name),
            read=quote(f"{self.name}_read"),
            using=self.using,
        )

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        if self.using != ORG_POLICY:
            kwargs["using"] = self.using
        if self.read_only_after_insert:
            kwargs["read_only_after_insert"] = True
        return path, args, kwargs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowPolicy) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash(self.name)


class TenantKey(_DatabaseOnly):
    """A composite foreign key (org_id, <field>_id) -> (org_id, id): a plain one would cross tenants."""

    def __init__(self, *, name: str, field: str, to: str, on_delete: str = "NO ACTION") -> None:
        super().__init__(name=name)
        if on_delete not in {"NO ACTION", "CASCADE"}:
            raise ImproperlyConfigured(f"{name}: on_delete is NO ACTION or CASCADE, not {on_delete}")
        self.field, self.to, self.on_delete = field, to, on_delete

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        """Add the key, checked at the end of the transaction, as Django's own foreign keys are."""
        quote = schema_editor.quote_name
        return Statement(
            "ALTER TABLE %(table)s ADD CONSTRAINT %(name)s FOREIGN KEY (org_id, %(column)s) "
            "REFERENCES %(to)s (org_id, id) ON DELETE %(on_delete)s DEFERRABLE INITIALLY DEFERRED",
            table=quote(model._meta.db_table),
            name=quote(self.name),
            column=quote(model._meta.get_field(self.field).column),
            to=quote(self.to),
            on_delete=self.on_delete,
        )

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        """Drop the key."""
        quote = schema_editor.quote_name
        return Statement(
            "ALTER TABLE %(table)s DROP CONSTRAINT IF EXISTS %(name)s",
            table=quote(model._meta.db_table),
            name=quote(self.name),
        )

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        kwargs |= {"field": self.field, "to": self.to}
        if self.on_delete != "NO ACTION":
            kwargs["on_delete"] = self.on_delete
        return path, args, kwargs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TenantKey) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash(self.name)


def tenant_rows(table: str, **keys: str) -> list[BaseConstraint]:
    """Give the constraints that every tenant table has: its policy, its (org, id), one key per reference.

    `keys` maps each foreign key field to the table that it names.
    """
    return [
        RowPolicy(name=f"{table}_tenant"),
        models.UniqueConstraint(fields=["org", "id"], name=f"{table}_org_id"),
        *(TenantKey(name=f"{table}_{field}_org", field=field, to=to) for field, to in keys.items()),
    ]
