"""Puts counting rules on every service of a filled organization, and names behind its counts."""

from decimal import Decimal
from typing import Any

from django.db import connection

from psa.models import Service
from reconcile.tenancy.scope import org_scope
from vendors.counting import Combine, Do, Filter, Rule, Step
from vendors.counting_rules import Draft
from vendors.models import CountingRule

# Of larger counts, gigabytes for instance, no vendor names the units.
NAMED_UP_TO = 500
NAME = """
INSERT INTO vendors_namedunit (org_id, integration_id, vendor_account_id, vendor_service_id, external_id, key, name,
                               kind, quantity, traits, counts, reason, named_at)
SELECT u.org_id, u.integration_id, u.vendor_account_id, u.vendor_service_id, n::text, 'user' || n, 'User ' || n,
       'user', 1, jsonb_build_object('name', 'user ' || n), TRUE, '', u.counted_at
FROM vendors_usagecount u CROSS JOIN LATERAL generate_series(1, u.quantity::int) n
WHERE u.org_id = %s AND u.superseded_at IS NULL AND u.quantity = trunc(u.quantity) AND u.quantity <= %s
"""
RULES = (
    Rule(
        steps=(
            Step(do=Do.EXCLUDE, by=Decimal(1), note="internal"),
            Step(do=Do.MINIMUM, by=Decimal(2)),
            Step(do=Do.UP, by=Decimal(5)),
        )
    ),
    Rule(combine=Combine.DISTINCT),
    Rule(filters=(Filter(field="name", pattern="* 1?"),)),
    Rule(combine=Combine.LARGEST_SERVICE),
)


def rule(org: Any) -> tuple[int, int]:
    """Make the rules and the names; give how many of each."""
    with org_scope(org.pk):
        with connection.cursor() as cursor:
            cursor.execute(NAME, [org.pk, NAMED_UP_TO])
            named = cursor.rowcount
        services = Service.objects.order_by("pk").values_list("pk", flat=True)
        rules = CountingRule.objects.bulk_create(
            Draft(service=pk, rule=RULES[n % len(RULES)]).build(org.pk, None) for n, pk in enumerate(services)
        )
    return len(rules), named
