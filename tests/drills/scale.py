"""How large the drills are: a short subset in `make test`, all of it in `make drills`."""

import os

FULL = os.environ.get("DRILLS") == "full"
