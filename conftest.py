"""Gives every test run servers and data of its own, so that it harms neither another run nor a demo."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import django
import pytest

# pytest-django reads the settings right after this file, so all of this must stand before that.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reconcile.settings")
DATA = Path(tempfile.mkdtemp(prefix="reconcile-test-"))
DATA.chmod(0o711)
os.environ["RECONCILE_DATA"] = str(DATA)
# Nobody misses a test database after a power cut.
os.environ["RECONCILE_EMBEDDED_FSYNC"] = "off"
# Waits until we are gone, however we went: a run that is killed leaves nothing behind either.
CODE = """
import shutil, sys
sys.stdin.read()
from reconcile import embedded
embedded.stop()
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""
COMMAND = [sys.executable, "-c", CODE, str(DATA)]
CARETAKER = subprocess.Popen(
    COMMAND, cwd=Path(__file__).parent, stdin=subprocess.PIPE, start_new_session=True
)
# The conftest files below import models when they are loaded.
django.setup()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the servers that the environment does not name; each process that runs tests has its own."""
    from reconcile import embedded

    if session.config.getoption("numprocesses", None) and not hasattr(session.config, "workerinput"):
        # This process only hands out tests. Those that run them read the settings for a folder of their own:
        # pytest-django would read them for ours, before their conftest.py, if it found them named.
        del os.environ["DJANGO_SETTINGS_MODULE"]
        return
    try:
        embedded.ensure_running()
    except embedded.ServerError as error:
        pytest.exit(str(error), returncode=1)


def pytest_unconfigure() -> None:
    """Have them stopped and their data removed."""
    CARETAKER.communicate()
