"""A deliberately naive push, for the drills: the task is the record, and it writes without looking.

What one would write in an afternoon: a Celery task per line, late acknowledgement and a short visibility
timeout "so that nothing gets lost". The drills show that it loses pushes and doubles lines.
"""

import os
from typing import Any

import requests
from celery import Celery

VISIBILITY_SECONDS = 2

app = Celery("naive", broker=os.environ["NAIVE_BROKER_URL"])
app.conf.update(
    broker_transport_options={"visibility_timeout": VISIBILITY_SECONDS},
    task_acks_late=True,
    task_ignore_result=True,
    task_default_queue="naive",
    worker_prefetch_multiplier=1,
)


@app.task(name="naive.push")
def push(psa: dict[str, str], agreement: str, line: str, wanted: str, day: str, *, split: bool) -> None:
    """Write the wanted quantity: in place, or as a new line from `day` on."""
    path = f"{psa['url']}/v4_6_release/apis/3.0/finance/agreements/{agreement}/additions"
    calls = requests.Session()
    calls.auth = (f"{psa['company']}+{psa['public_key']}", psa["private_key"])
    calls.headers["clientId"] = psa["client_id"]
    if not split:
        change(calls, f"{path}/{line}", "quantity", float(wanted))
        return
    old = calls.get(f"{path}/{line}", timeout=60).json()
    copied = ("product", "unitPrice", "unitCost", "billCustomer")
    new = {name: old[name] for name in copied} | {
        "quantity": float(wanted),
        "effectiveDate": f"{day}T00:00:00Z",
    }
    calls.post(path, json=new, timeout=60).raise_for_status()
    change(calls, f"{path}/{line}", "cancelledDate", f"{day}T00:00:00Z")


@app.task(name="naive.add")
def add(psa: dict[str, str], agreement: str, service: str, wanted: str, day: str) -> None:
    """Add a line, without looking whether it is there."""
    path = f"{psa['url']}/v4_6_release/apis/3.0/finance/agreements/{agreement}/additions"
    calls = requests.Session()
    calls.auth = (f"{psa['company']}+{psa['public_key']}", psa["private_key"])
    calls.headers["clientId"] = psa["client_id"]
    new = {
        "product": {"id": int(service)},
        "quantity": float(wanted),
        "billCustomer": "Billable",
        "effectiveDate": f"{day}T00:00:00Z",
    }
    calls.post(path, json=new, timeout=60).raise_for_status()


def change(calls: requests.Session, path: str, name: str, value: Any) -> None:
    """Replace one field of a line."""
    patch = [{"op": "replace", "path": name, "value": value}]
    calls.patch(path, json=patch, timeout=60).raise_for_status()
