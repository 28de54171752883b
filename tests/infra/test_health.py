"""The health page and the queue: each part's state is told, and a part that is away does not take pages along."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconcile import heartbeat
from reconcile.health import LATE_AFTER_SECONDS, describe_queue

PROJECT = Path(__file__).resolve().parent.parent.parent
NOBODY = "127.0.0.1:1"
ASK = "import django; django.setup(); from django.test import Client; reply = Client().get('/healthz'); "
WAKE = (
    "import django; django.setup(); from reconcile.celery import wake; print(wake('psa.tasks.drain_pushes'))"
)


def run(code: str, **environment: str) -> str:
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "reconcile.settings"} | environment
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.django_db
def test_health_names_each_part(client):
    for part in ("worker", "beat"):
        heartbeat.record(part)
    reply = client.get("/healthz")
    assert reply.status_code == 200
    state = reply.json()
    assert state["status"] == "ok"
    assert (state["database"], state["redis"]) == ("ok", "ok")
    assert state["worker"]["state"] == state["beat"]["state"] == "ok"
    assert "no-store" in reply["Cache-Control"]


@pytest.mark.django_db
def test_health_answers_while_redis_is_away(client, monkeypatch):
    monkeypatch.setenv("REDIS_URL", f"redis://{NOBODY}")
    reply = client.get("/healthz")
    assert reply.status_code == 200
    state = reply.json()
    assert (state["status"], state["database"], state["redis"]) == ("degraded", "ok", "down")
    assert state["worker"] == {"state": "unknown", "seconds": None}


def test_health_is_503_without_the_database():
    code = f"{ASK} print(reply.status_code, reply.content.decode())"
    status, _, body = run(code, DATABASE_URL=f"postgres://nobody@{NOBODY}/none").partition(" ")
    assert status == "503"
    assert json.loads(body)["database"] == "down"
    assert NOBODY not in body


@pytest.mark.parametrize(
    ("seconds", "state"),
    [(0, "ok"), (LATE_AFTER_SECONDS, "ok"), (LATE_AFTER_SECONDS + 1, "late"), (None, "never seen")],
)
def test_a_silent_worker_is_late(seconds, state):
    ages = {} if seconds is None else {"worker": seconds}
    assert describe_queue(ages)["worker"] == {"state": state, "seconds": seconds}


def test_waking_a_worker_without_redis_fails_softly():
    assert run(WAKE, REDIS_URL=f"redis://{NOBODY}") == "False"
    assert run(WAKE) == "True"


def test_only_json_travels_and_tasks_end_before_a_second_worker_gets_them():
    from reconcile.celery import app

    assert app.conf.accept_content == ["json"]
    assert app.conf.task_acks_late
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.task_time_limit < app.conf.broker_transport_options["visibility_timeout"]
