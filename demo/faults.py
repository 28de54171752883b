"""Fault switches of a simulator: what to break, for which calls, how often and in which form."""

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import InitVar, asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any

# Forms that answer without doing what was asked, and forms that do it and then spoil the answer.
FORMS_BEFORE = frozenset(
    [
        "429_seconds",
        "429_date",
        "429_body",
        "429_bare",
        "500",
        "html_502",
        "html_200",
        "drop_before",
        "hang_before",
    ]
)
FORMS_AFTER = frozenset(["500_after", "truncated", "empty", "headers_only", "drop_after", "hang", "drip"])


class BadFault(ValueError):
    """A fault setting that does not exist or has a value of the wrong kind."""


@dataclass
class FailRule:
    """One planned failure of the calls matching "METHOD /path-regex" (method may be *).

    The first `skip` matches pass, then every `every`th one fails, `times` in all.
    `times` None means for ever. `status` alone answers the simulated API's own error of that status.
    `seconds` is the Retry-After of the 429 forms, the pause between bytes of drip, the length of a hang.
    """

    match: str = "* /"
    status: int | None = None
    form: str | None = None
    times: int | None = 1
    skip: int = 0
    every: int = 1
    seconds: float | None = None
    seen: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        method, _, pattern = self.match.partition(" ")
        if self.form is not None and self.form not in FORMS_BEFORE | FORMS_AFTER:
            raise BadFault(f"unknown form {self.form!r}")
        if self.form is None and self.status is None:
            raise BadFault("a rule needs a form or a status")
        if self.every < 1 or not pattern:
            raise BadFault("match is 'METHOD /path-regex' and every is at least 1")
        try:
            self._pattern = re.compile(pattern)
        except re.error as error:
            raise BadFault(f"bad path pattern {pattern!r}: {error}") from error
        if method != "*" and not method.isalpha():
            raise BadFault(f"{method!r} is no method: name one, or * for all")
        self._method = method.upper()

    def strikes(self, method: str, target: str) -> bool:
        """Whether this call fails; counts the call when it matches."""
        if self._method not in ("*", method) or not self._pattern.search(target):
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        self.seen += 1
        due = self.seen > self.skip and (self.seen - self.skip) % self.every == 0
        self.hits += due
        return due


@dataclass
class Faults:
    """The switches in force; a limit of 0 is none, `options` are the open points of a fact sheet.

    `choices` are the values that an option may take, written as text; one without them takes any.
    """

    latency_ms: float = 0
    rate_limit_per_minute: int = 0
    fail_next: list[FailRule] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    choices: InitVar[Mapping[str, tuple[str, ...]]] = MappingProxyType({})

    def __post_init__(self, choices: Mapping[str, tuple[str, ...]]) -> None:
        self._choices = choices
        self._lock = threading.Lock()
        self._window_start = 0.0
        self._window_count = 0

    def change(self, settings: Mapping[str, Any]) -> None:
        """Set the named switches and leave the others; raises BadFault and changes nothing on a bad one."""
        known = {item.name for item in fields(self)}
        if unknown := set(settings) - known:
            raise BadFault(f"unknown switch {sorted(unknown)}")
        checked = {name: self._check(name, value) for name, value in settings.items()}
        with self._lock:
            for name, value in checked.items():
                setattr(self, name, value)

    def _check(self, name: str, value: Any) -> Any:
        if name == "fail_next":
            try:
                return [FailRule(**rule) for rule in value]
            except TypeError as error:
                raise BadFault(f"bad fail_next: {error}") from error
        if name == "options":
            if not isinstance(value, Mapping) or (unknown := set(value) - set(self.options)):
                raise BadFault(f"unknown option {sorted(unknown)}; known: {sorted(self.options)}")
            for option, chosen in value.items():
                allowed = self._choices.get(option)
                if allowed and str(chosen) not in allowed:
                    raise BadFault(f"{option} is one of {', '.join(allowed)}, not {chosen!r}")
            return {**self.options, **value}
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise BadFault(f"{name} is a number, 0 or more")
        return value

    def shown(self) -> dict[str, Any]:
        """The switches as JSON, with how often each rule has struck."""
        return asdict(self)

    def take(self, method: str, target: str) -> FailRule | None:
        """The first rule that strikes this call (target is path and query), counting it as used."""
        if not self.fail_next:
            return None
        with self._lock:
            return next((rule for rule in self.fail_next if rule.strikes(method, target)), None)

    def over_limit(self) -> float | None:
        """Seconds until the minute's allowance is back if this call exceeds it; else None, and it counts."""
        if not self.rate_limit_per_minute:
            return None
        now = time.monotonic()
        with self._lock:
            if now - self._window_start >= 60:
                self._window_start, self._window_count = now, 0
            if self._window_count >= self.rate_limit_per_minute:
                return 60 - (now - self._window_start)
            self._window_count += 1
            return None


def read_fault_arguments(arguments: list[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Turn NAME=VALUE arguments into one settings object; values are JSON where they parse, else text."""
    settings: dict[str, Any] = {}
    for argument in arguments:
        name, separator, text = argument.partition("=")
        if not separator:
            raise BadFault(f"{argument!r} is not NAME=VALUE")
        try:
            value = json.loads(text)
        except ValueError:
            value = {"True": True, "False": False}.get(text, text)
        if name in options:
            settings.setdefault("options", {})[name] = value
        else:
            settings[name] = value
    return settings
