"""Tell approvers when the second approver's amount is raised or switched off: a kind of notice of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0012_display"),
    ]

    operations = [
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("sync_done", "A sync has finished"),
                    ("sync_failed", "A sync has failed"),
                    ("expiring", "A credential expires in 14 or 3 days"),
                    ("addresses", "Our outgoing addresses have changed"),
                    ("approval", "Lines wait for an approver"),
                    ("push_stopped", "A push has stopped"),
                    ("limit", "The second approver's amount is raised or switched off"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="noticechoice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("sync_done", "A sync has finished"),
                    ("sync_failed", "A sync has failed"),
                    ("expiring", "A credential expires in 14 or 3 days"),
                    ("addresses", "Our outgoing addresses have changed"),
                    ("approval", "Lines wait for an approver"),
                    ("push_stopped", "A push has stopped"),
                    ("limit", "The second approver's amount is raised or switched off"),
                ],
                max_length=20,
            ),
        ),
    ]
