"""Roles and what each may do (FEATURES A3): each role can do all that the lower ones can."""

from django.db import models


class Role(models.IntegerChoices):
    """Ordered: a higher number may do all that a lower one may."""

    VIEWER = 10, "Viewer"
    REVIEWER = 20, "Reviewer"
    APPROVER = 30, "Approver"
    ADMIN = 40, "Admin"
    OWNER = 50, "Owner"
