"""Check an organization's audit chain: python manage.py verify_audit SLUG."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import audit
from accounts.models import AuditHead, Organization
from reconcile.tenancy.scope import org_scope


class Command(BaseCommand):
    """Names the first broken entry and fails, or says that the chain holds."""

    help = "Verify the hash chain of an organization's audit trail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which organization."""
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look the organization up as the owner, who alone sees all of them, and read its chain as ourselves."""
        org = Organization.objects.using("owner").filter(slug=options["slug"]).first()
        if org is None:
            raise CommandError(f"No organization is called {options['slug']!r}.")
        with org_scope(org.pk):
            broken = audit.verify(org.pk)
            count = AuditHead.objects.get(org_id=org.pk).last_seq
        if broken is not None:
            raise CommandError(f"The audit trail of {org.slug} is broken at entry {broken}.")
        self.stdout.write(f"The audit trail of {org.slug} holds: {count} entries.")
