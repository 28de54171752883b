"""`python -m bench`: every measurement, each in a process of its own."""

import subprocess
import sys

MEASUREMENTS = ("bench.account_names", "bench.dashboard_page", "bench.sync_lines")

for name in MEASUREMENTS:
    print(f"--- {name}", flush=True)
    subprocess.run([sys.executable, "-m", name], check=True)
