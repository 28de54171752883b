"""Count the tries of a run apart from its fencing number, and keep account and service of what a run changed."""

import django.db.models.deletion
from django.db import migrations, models

import reconcile.tenancy.constraints
import reconcile.tenancy.fields


class Migration(migrations.Migration):
    dependencies = [("psa", "0002_append_only"), ("sync", "0002_find_work")]

    operations = [
        migrations.AddField(
            "syncrun",
            "tries",
            models.PositiveSmallIntegerField(default=0, help_text="Claims since it last got further"),
        ),
        migrations.AddField(
            "syncrun",
            "epoch",
            models.PositiveIntegerField(default=1, help_text="The source's epoch when this was asked for"),
        ),
        migrations.AddField(
            "syncrun",
            "accepted",
            models.BooleanField(default=False, help_text="A person let it publish although much is gone"),
        ),
        migrations.RemoveIndex("stagedrecord", "sync_stagedrecord_step"),
        migrations.AddConstraint(
            "stagedrecord",
            models.UniqueConstraint(
                fields=("org", "run", "step", "remote_id"), name="sync_stagedrecord_once"
            ),
        ),
        migrations.RenameField("linechange", "label", "account_name"),
        migrations.AlterField("linechange", "account_name", models.CharField(max_length=500)),
        migrations.AddField(
            "linechange",
            "service_name",
            models.CharField(default="", max_length=500),
            preserve_default=False,
        ),
        migrations.AddField(
            "linechange",
            "account",
            reconcile.tenancy.fields.TenantReference(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                to="psa.account",
            ),
        ),
        migrations.AddField(
            "linechange",
            "service",
            reconcile.tenancy.fields.TenantReference(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                to="psa.service",
            ),
        ),
        migrations.AddConstraint(
            "linechange",
            reconcile.tenancy.constraints.TenantKey(
                field="account", name="sync_linechange_account_org", to="psa_account"
            ),
        ),
        migrations.AddConstraint(
            "linechange",
            reconcile.tenancy.constraints.TenantKey(
                field="service", name="sync_linechange_service_org", to="psa_service"
            ),
        ),
    ]
