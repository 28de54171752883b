#!/usr/bin/env python
"""Django's command line for Reconcile; it starts the embedded servers for the commands that need them."""

import os
import sys

WITHOUT_SERVERS = {
    "check",
    "collectstatic",
    "compilemessages",
    "demo",
    "diffsettings",
    "help",
    "makemessages",
    "makemigrations",
    "servers",
    "simulate",
    "startapp",
    "version",
}


def needs_servers(arguments: list[str]) -> bool:
    """Tell whether the command talks to the database or to Redis."""
    asks_only = not arguments or arguments[0].startswith("-") or {"--help", "-h"} & set(arguments)
    return not asks_only and arguments[0] not in WITHOUT_SERVERS


def main() -> None:
    """Run one management command with the project's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reconcile.settings")
    if needs_servers(sys.argv[1:]):
        from reconcile import embedded

        try:
            embedded.ensure_running()
        except embedded.ServerError as error:
            sys.exit(str(error))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
