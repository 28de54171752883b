"""Migrations run as the owner of the tables; everything else runs as the application role."""

from typing import Any


class OwnerMigrates:
    """Allow schema changes on the `owner` connection alone."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """Refuse to build tables as the application role, which must own none."""
        return db == "owner"
