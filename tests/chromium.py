"""Finds the Chromium that the browser tests drive; run as a module it installs one where there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def executable() -> str | None:
    """Return a browser that starts: the machine's own, or the one Playwright keeps; None without either."""
    for name in NAMES:
        path = shutil.which(name)
        if path and _starts(path):
            return path
    return _of_playwright()


def main() -> int:
    """Install a Chromium unless there is one; return the exit code."""
    if executable():
        return 0
    for commands in ([[sys.executable, "-m", "playwright", "install", "chromium"]], _with_apt()):
        if all(_run(command) for command in commands) and executable():
            return 0
    sys.stderr.write("The browser tests need Chromium, and it could not be installed. Install it by hand.\n")
    return 1


def _of_playwright() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() and _starts(path) else None


def _starts(path: str) -> bool:
    """Ubuntu ships a `chromium` that only says to install a snap, so seeing the file is not enough."""
    try:
        result = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0 and b"hrom" in result.stdout


def _with_apt() -> list[list[str]]:
    if not shutil.which("apt-get"):
        return []
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    return [[*prefix, "apt-get", "update", "-qq"], [*prefix, "apt-get", "install", "-y", "-qq", "chromium"]]


def _run(command: list[str]) -> bool:
    sys.stdout.write(f"Installing a browser: {' '.join(command)}\n")
    sys.stdout.flush()
    try:
        return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
