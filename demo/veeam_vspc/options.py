"""The switches of the simulated console: every point where real servers differ or misbehave."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class VeeamOptions:
    """What `POST /_sim/faults {"options": {...}}` may set; the defaults are a healthy 3.6.1 console.

    `async_share` is the share of GETs (0 to 1) answered with 202, `async_path` a regular expression of
    paths always answered so; `async_polls` says how often an action is still running when asked,
    `async_outcome` how it ends. `errors_path` names paths answered 200 with `errors`, with `data` empty
    unless `errors_keep_data`. `shift` is `insert` or `remove`: a list's front changes after its first page,
    `shift_path` says of which lists.
    """

    mfa: bool = False
    mfa_code: str = "000000"
    token_seconds: int = 3600
    async_share: float = 0
    async_path: str = ""
    async_polls: int = 1
    async_outcome: str = "succeed"
    api_version: str = "3.6.1"
    errors_path: str = ""
    errors_type: str = "logical"
    errors_keep_data: bool = False
    shift: str = ""
    shift_path: str = ""
    unknown_counters: bool = False

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> "VeeamOptions":
        """Build the options from the switches in force."""
        return cls(**options)


DEFAULT_OPTIONS = asdict(VeeamOptions())
