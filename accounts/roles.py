"""Roles and what each may do (FEATURES A3): each role can do all that the lower ones can."""

from django.db import models


class Role(models.IntegerChoices):
    """Ordered: a higher number may do all that a lower one may."""

    VIEWER = 10, "Viewer"
    REVIEWER = 20, "Reviewer"
    APPROVER = 30, "Approver"
    ADMIN = 40, "Admin"
    OWNER = 50, "Owner"

    @property
    def may(self) -> str:
        """Say in one line what this role may do beyond the ones below it."""
        return {
            Role.VIEWER: "Reads everything, changes nothing.",
            Role.REVIEWER: "Prepares: edits quantities, writes notes, snoozes, dismisses and proposes.",
            Role.APPROVER: "Approves: what they approve is pushed to the PSA.",
            Role.ADMIN: "Also connects systems, maps accounts and services, and changes the settings.",
            Role.OWNER: "Also manages people, their roles and how they sign in.",
        }[self]
