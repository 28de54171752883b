"""Tasks of the dashboard."""

from celery import shared_task

from dashboard import statistics


@shared_task
def renew_statistics() -> None:
    """Tell the planner of organizations that have grown; a lost call is made good by the next autovacuum."""
    statistics.renew()
