"""The proof that an organization was erased; it names nobody."""

from django.db import models


class Erasure(models.Model):
    """One organization that is gone: its number, when, and how many rows and people went with it."""

    organization = models.BigIntegerField(unique=True)
    at = models.DateTimeField()
    rows = models.BigIntegerField()
    people = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"organization {self.organization}, {self.at:%Y-%m-%d}"
