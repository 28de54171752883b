"""Each organization's schedule; those that are here already sync on the weekday on which they joined."""

import django.db.models.deletion
from django.db import migrations, models

import reconcile.tenancy.constraints

# 07:00 UTC of the next such weekday; the organization's own spread comes with the run after it.
BACKFILL = """
INSERT INTO accounts_syncschedule
    (org_id, weekly, weekday, monthly, monthly_by, month_day, month_nth, month_weekday, next_sync_at)
SELECT id, true, weekday, false, 'date', 1, 5, 4,
       CASE WHEN seven <= now() THEN seven + interval '7 days' ELSE seven END
FROM (
    SELECT id, extract(isodow FROM joined_on)::int - 1 AS weekday,
           (today + (7 + extract(isodow FROM joined_on)::int - extract(isodow FROM today)::int) % 7
            + time '07:00') AT TIME ZONE 'UTC' AS seven
    FROM accounts_organization, (SELECT (now() AT TIME ZONE 'UTC')::date AS today) t
) o
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_invitation_door"),
    ]

    operations = [
        migrations.CreateModel(
            name="SyncSchedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("weekly", models.BooleanField(default=True)),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "Monday"),
                            (1, "Tuesday"),
                            (2, "Wednesday"),
                            (3, "Thursday"),
                            (4, "Friday"),
                            (5, "Saturday"),
                            (6, "Sunday"),
                        ],
                        default=0,
                        help_text="Monday is 0",
                    ),
                ),
                ("monthly", models.BooleanField(default=False)),
                (
                    "monthly_by",
                    models.CharField(
                        choices=[("date", "On a date"), ("weekday", "On a weekday")],
                        default="date",
                        max_length=7,
                    ),
                ),
                (
                    "month_day",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "1"),
                            (2, "2"),
                            (3, "3"),
                            (4, "4"),
                            (5, "5"),
                            (6, "6"),
                            (7, "7"),
                            (8, "8"),
                            (9, "9"),
                            (10, "10"),
                            (11, "11"),
                            (12, "12"),
                            (13, "13"),
                            (14, "14"),
                            (15, "15"),
                            (16, "16"),
                            (17, "17"),
                            (18, "18"),
                            (19, "19"),
                            (20, "20"),
                            (21, "21"),
                            (22, "22"),
                            (23, "23"),
                            (24, "24"),
                            (25, "25"),
                            (26, "26"),
                            (27, "27"),
                            (28, "28"),
                            (29, "29"),
                            (30, "30"),
                            (31, "31"),
                        ],
                        default=1,
                        help_text="1 to 31; a shorter month uses its last day",
                    ),
                ),
                (
                    "month_nth",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "first"), (2, "second"), (3, "third"), (4, "fourth"), (5, "last")],
                        default=5,
                    ),
                ),
                (
                    "month_weekday",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "Monday"),
                            (1, "Tuesday"),
                            (2, "Wednesday"),
                            (3, "Thursday"),
                            (4, "Friday"),
                            (5, "Saturday"),
                            (6, "Sunday"),
                        ],
                        default=4,
                    ),
                ),
                ("next_sync_at", models.DateTimeField(blank=True, null=True)),
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
                    reconcile.tenancy.constraints.RowPolicy(name="accounts_syncschedule_tenant"),
                    models.UniqueConstraint(fields=("org", "id"), name="accounts_syncschedule_org_id"),
                    models.UniqueConstraint(fields=("org",), name="accounts_syncschedule_one"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("month_day__range", (1, 31)),
                            ("month_nth__range", (1, 5)),
                            ("month_weekday__lte", 6),
                            ("weekday__lte", 6),
                        ),
                        name="accounts_syncschedule_days",
                    ),
                ],
            },
        ),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
    ]
