"""Production settings: clean under Django's deploy check, and refusing to invent what must be given."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
# Never used as a key: only its length and variety count here.
PLACEHOLDER = "".join(chr(33 + n) for n in range(80))


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value for name, value in os.environ.items() if name not in {"SECRET_KEY", "SECRET_BOX_KEYS"}
    }
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_deploy_check_is_clean():
    given = {"RECONCILE_ENV": "production", "SECRET_KEY": PLACEHOLDER}
    result = manage("check", "--deploy", "--fail-level", "WARNING", **given)
    assert result.returncode == 0, result.stderr
    assert "no issues (0 silenced)" in result.stdout


def test_production_never_invents_its_key():
    result = manage("check", RECONCILE_ENV="production")
    assert result.returncode != 0
    assert "Set SECRET_KEY" in result.stderr


def test_a_database_that_cannot_isolate_tenants_is_refused():
    result = manage("check", DATABASE_URL="sqlite:////tmp/reconcile.sqlite3")
    assert result.returncode != 0
    assert "DATABASE_URL must be a postgresql:// address" in result.stderr
