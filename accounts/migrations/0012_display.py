"""How organizations read: display currency, time zone and exchange rates; those that exist get the defaults."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import reconcile.tenancy.constraints

FOR_EACH = """
INSERT INTO accounts_displaysettings (org_id, currency, time_zone) SELECT id, 'USD', 'UTC' FROM accounts_organization
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_second_approver"),
    ]

    operations = [
        migrations.CreateModel(
            name="DisplaySettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("currency", models.CharField(default="USD", max_length=3)),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                (
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    reconcile.tenancy.constraints.RowPolicy(name="accounts_displaysettings_tenant"),
                    models.UniqueConstraint(fields=("org", "id"), name="accounts_displaysettings_org_id"),
                    models.UniqueConstraint(fields=("org",), name="accounts_displaysettings_one"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExchangeRate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("base", models.CharField(max_length=3)),
                ("quote", models.CharField(max_length=3)),
                ("rate", models.DecimalField(decimal_places=12, max_digits=24)),
                ("on", models.DateField()),
                (
                    "source",
                    models.CharField(
                        choices=[("manual", "entered by hand"), ("ecb", "ECB")],
                        max_length=6,
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    reconcile.tenancy.constraints.RowPolicy(name="accounts_exchangerate_tenant"),
                    models.UniqueConstraint(fields=("org", "id"), name="accounts_exchangerate_org_id"),
                    models.UniqueConstraint(
                        condition=models.Q(("removed_at__isnull", True)),
                        fields=("org", "base", "quote", "source", "on"),
                        name="accounts_exchangerate_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("rate__gt", 0)), name="accounts_exchangerate_above_zero"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("base", models.F("quote")), _negated=True),
                        name="accounts_exchangerate_two_currencies",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FOR_EACH, migrations.RunSQL.noop),
    ]
