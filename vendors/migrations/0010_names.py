"""Whether an integration reads names, and of which services they are known."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vendors", "0008_counting_functions"),
    ]

    operations = [
        migrations.AddField(
            model_name="integration",
            name="reads_names",
            field=models.BooleanField(
                db_default=True, default=True, help_text="Syncs read the names behind its counts too"
            ),
        ),
        migrations.AddField(
            model_name="vendorservice",
            name="named_from",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="vendorservice",
            name="names_gap",
            field=models.CharField(blank=True, db_default="", max_length=300),
        ),
    ]
