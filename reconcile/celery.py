"""Celery wakes workers and ticks; the database holds the record, so a lost message loses nothing."""

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, before_task_publish, heartbeat_sent
from kombu.exceptions import OperationalError

from reconcile import embedded, heartbeat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reconcile.settings")
log = logging.getLogger(__name__)

# A task is killed at its limit; only after the visibility timeout does Redis hand it to a second worker.
TASK_SECONDS = 15 * 60
VISIBILITY_SECONDS = 60 * 60
# A tick that nobody took is dropped, so that none pile up. Beat writes down until when by its own clock and the
# worker compares with its own: were this shorter than those differ, a slow beat would never be heard.
TICK_SECONDS = 15 * 60
HEARTBEAT = "reconcile.heartbeat"


def tick(task: str, every: int) -> dict[str, Any]:
    """Schedule a task every so many seconds."""
    return {"task": task, "schedule": float(every), "options": {"expires": TICK_SECONDS}}


app = Celery("reconcile")
app.conf.update(
    broker_url=embedded.broker_url(),
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        "socket_connect_timeout": 5,
        "socket_timeout": 30,
    },
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_default_queue="reconcile",
    task_acks_late=True,
    task_time_limit=TASK_SECONDS,
    task_soft_time_limit=TASK_SECONDS - 30,
    # Whoever publishes is often a page: it must not wait for a Redis that is away.
    task_publish_retry=False,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    timezone="UTC",
    beat_schedule_filename=str(embedded.data_folder() / "beat-schedule"),
    beat_schedule={
        "heartbeat": tick(HEARTBEAT, 10),
        "drain pushes": tick("psa.tasks.drain_pushes", 15),
        "drain tickets": tick("psa.tasks.drain_tickets", 30),
        "drain runs": tick("sync.tasks.drain_runs", 15),
        "find days come": tick("dashboard.tasks.find_days_come", 60),
        "drain letters": tick("accounts.tasks.drain_letters", 30),
        "find ending credentials": tick("vendors.tasks.find_ending", 3600),
        "find months come": tick("vendors.tasks.find_months_come", 60),
        "spread addresses": tick("accounts.tasks.spread_addresses", 60),
        "automatic syncs": tick("sync.tasks.start_due_syncs", 30),
    },
)


@app.task(name=HEARTBEAT)
def beat_once() -> None:
    """Show that a task went all the way from beat through Redis to a worker."""
    heartbeat.record("worker")


@heartbeat_sent.connect
def note_worker(**kwargs: Any) -> None:
    """Note the worker's own pulse: it beats also while long tasks keep every process of its pool busy."""
    heartbeat.record("worker")


@beat_init.connect
@before_task_publish.connect(sender=HEARTBEAT)
def note_beat(**kwargs: Any) -> None:
    """Note that beat is sending; nobody else sends this task."""
    heartbeat.record("beat")


def wake(task: str, *args: int) -> bool:
    """Wake a worker for rows that wait; False when Redis is away, and then the next tick finds them."""
    try:
        if heartbeat.answers():
            app.send_task(task, args=args)
            return True
    except OperationalError:
        pass  # it went away in between
    log.warning("Redis is away: %s waits for the next tick", task)
    return False
