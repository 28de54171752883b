"""What the schedule engine has done, and its one look across organizations: whose next sync is due."""

import django.db.models.deletion
from django.db import migrations, models

import reconcile.tenancy.constraints
import reconcile.tenancy.fields

DUE = """
CREATE FUNCTION organizations_with_due_schedules(at timestamptz) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT org_id FROM accounts_syncschedule WHERE next_sync_at <= at ORDER BY next_sync_at, org_id
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_sync_schedule"),
        ("sync", "0004_pinned_search_path"),
    ]

    operations = [
        migrations.CreateModel(
            name="AutomaticSync",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slot", models.DateTimeField(help_text="07:00 UTC of the day that it is for")),
                ("started_at", models.DateTimeField(help_text="By the database's clock")),
                ("started_by", models.CharField(help_text="The worker that started it", max_length=200)),
                (
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="accounts.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AutomaticRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("joined", models.BooleanField(default=False, help_text="It was under way already")),
                (
                    "why_full",
                    models.CharField(blank=True, help_text="Why a quick sync was not enough", max_length=200),
                ),
                (
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="accounts.organization",
                    ),
                ),
                (
                    "run",
                    reconcile.tenancy.fields.TenantReference(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="automatic",
                        to="sync.syncrun",
                    ),
                ),
                (
                    "sync",
                    reconcile.tenancy.fields.TenantReference(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="asked",
                        to="sync.automaticsync",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="automaticsync",
            constraint=reconcile.tenancy.constraints.RowPolicy(name="sync_automaticsync_tenant"),
        ),
        migrations.AddConstraint(
            model_name="automaticsync",
            constraint=models.UniqueConstraint(fields=("org", "id"), name="sync_automaticsync_org_id"),
        ),
        migrations.AddConstraint(
            model_name="automaticsync",
            constraint=models.UniqueConstraint(fields=("org", "slot"), name="sync_automaticsync_once"),
        ),
        migrations.AddConstraint(
            model_name="automaticrun",
            constraint=reconcile.tenancy.constraints.RowPolicy(name="sync_automaticrun_tenant"),
        ),
        migrations.AddConstraint(
            model_name="automaticrun",
            constraint=models.UniqueConstraint(fields=("org", "id"), name="sync_automaticrun_org_id"),
        ),
        migrations.AddConstraint(
            model_name="automaticrun",
            constraint=reconcile.tenancy.constraints.TenantKey(
                field="sync", name="sync_automaticrun_sync_org", to="sync_automaticsync"
            ),
        ),
        migrations.AddConstraint(
            model_name="automaticrun",
            constraint=reconcile.tenancy.constraints.TenantKey(
                field="run", name="sync_automaticrun_run_org", on_delete="CASCADE", to="sync_syncrun"
            ),
        ),
        migrations.AddConstraint(
            model_name="automaticrun",
            constraint=models.UniqueConstraint(fields=("org", "sync", "run"), name="sync_automaticrun_once"),
        ),
        migrations.RunSQL(DUE, "DROP FUNCTION organizations_with_due_schedules(timestamptz)"),
    ]
