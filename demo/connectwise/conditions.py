"""The `conditions` grammar: tokenizer and recursive descent into a row predicate.

Fact sheet psa/connectwise.md, section 2.4: `and` binds tighter than `or`, names are matched without case,
references use a slash, datetimes stand in brackets, `*` is the wildcard of like and contains.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

Predicate = Callable[[dict[str, Any]], bool]
Literal = str | int | float | bool | datetime | None

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<datetime>\[[^\]]*\])
      | (?P<number>[-+]?\d{1,18}(?:\.\d{1,18})?(?![\w.]))
      | (?P<operator><=|>=|!=|=|<|>)
      | (?P<mark>[(),])
      | (?P<word>[A-Za-z_][\w/.]*)
    )""",
    re.VERBOSE,
)
_INFO_FIELDS = frozenset(["lastupdated", "updatedby", "dateentered", "enteredby"])
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


class BadConditions(ValueError):
    """The expression does not follow the grammar."""


@lru_cache(maxsize=2048)
def parse_conditions(text: str) -> Predicate:
    """Compile an expression to a predicate over rows; raises BadConditions."""
    try:
        return _Parser(text).parse()
    except RecursionError as error:
        raise BadConditions("The expression is nested too deeply.") from error


def field_path(name: str) -> tuple[str, ...]:
    """The lower-case steps of a field name such as Company/Id."""
    return tuple(name.lower().split("/"))


def read_field(row: Any, path: tuple[str, ...]) -> Any:
    """The value at a path, names matched without case; None when absent, a list where it crosses one."""
    value = row
    for depth, name in enumerate(path):
        if isinstance(value, list):
            return [read_field(item, path[depth:]) for item in value]
        if not isinstance(value, dict):
            return None
        found = _member(value, name)
        # The filter is called lastUpdated although the JSON holds it at _info.lastUpdated.
        if found is None and depth == 0 and name in _INFO_FIELDS:
            found = _member(value.get("_info", {}), name)
        value = found
    return None if value == "" else value


def _member(holder: dict[str, Any], name: str) -> Any:
    if name in holder:
        return holder[name]
    return next((value for key, value in holder.items() if key.lower() == name), None)


class _Parser:
    """One pass over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.position = 0

    def parse(self) -> Predicate:
        if not self.tokens:
            return _everything
        predicate = self._any_of()
        if self.position < len(self.tokens):
            raise BadConditions(f"Unexpected {self.tokens[self.position][1]!r}.")
        return predicate

    def _next(self) -> tuple[str, str]:
        if self.position >= len(self.tokens):
            raise BadConditions("The expression ends too early.")
        self.position += 1
        return self.tokens[self.position - 1]

    def _take(self, *texts: str) -> bool:
        """Step over the next token if it is one of these marks or words."""
        if self.position < len(self.tokens):
            kind, text = self.tokens[self.position]
            if kind != "string" and text.lower() in texts:
                self.position += 1
                return True
        return False

    def _any_of(self) -> Predicate:
        parts = [self._all_of()]
        while self._take("or"):
            parts.append(self._all_of())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _all_of(self) -> Predicate:
        parts = [self._term()]
        while self._take("and"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _term(self) -> Predicate:
        if self._take("not"):
            return _negated(self._term())
        if self._take("("):
            inner = self._any_of()
            if not self._take(")"):
                raise BadConditions("A closing parenthesis is missing.")
            return inner
        return self._comparison()

    def _comparison(self) -> Predicate:
        kind, name = self._next()
        if kind != "word":
            raise BadConditions(f"A field name was expected, not {name!r}.")
        path = field_path(name)
        negative = self._take("not")
        kind, text = self._next()
        operator = text.lower()
        if operator == "in":
            test = _membership(self._list())
        elif operator in ("like", "contains") and kind == "word":
            test = _pattern(self._value(), whole=operator == "like")
        elif kind == "operator" and not negative:
            test = _comparing(operator, self._value())
        else:
            raise BadConditions(f"Unknown operator {text!r}.")
        return _negated(_on_field(path, test)) if negative else _on_field(path, test)

    def _list(self) -> list[Literal]:
        if not self._take("("):
            raise BadConditions("in needs a list in parentheses.")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        if not self._take(")"):
            raise BadConditions("The list is not closed.")
        return values

    def _value(self) -> Literal:
        kind, text = self._next()
        if kind == "string":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "datetime":
            return _bracketed(text)
        words: dict[str, Literal] = {"true": True, "false": False, "null": None}
        if kind != "word" or text.lower() not in words:
            raise BadConditions(f"A value was expected, not {text!r}.")
        return words[text.lower()]


def _tokens(text: str) -> Iterable[tuple[str, str]]:
    position = 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise BadConditions(f"Cannot read {text[position : position + 20]!r}.")
        yield match.lastgroup, match[match.lastgroup]
        position = match.end()


def _bracketed(text: str) -> datetime:
    moment = read_datetime(text[1:-1].strip())
    if moment is None:
        raise BadConditions(f"{text} is not a date.")
    return moment


@lru_cache(maxsize=8192)
def read_datetime(text: str) -> datetime | None:
    """An ISO date or datetime as an aware UTC datetime (no zone means UTC); None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _everything(_row: dict[str, Any]) -> bool:
    return True


def _negated(predicate: Predicate) -> Predicate:
    return lambda row: not predicate(row)


def _on_field(path: tuple[str, ...], test: Callable[[Any], bool]) -> Predicate:
    def predicate(row: dict[str, Any]) -> bool:
        value = read_field(row, path)
        return any(test(item) for item in value) if isinstance(value, list) else test(value)

    return predicate


def _membership(values: list[Literal]) -> Callable[[Any], bool]:
    return lambda actual: any(_equal(actual, value) for value in values)


def _pattern(value: Literal, whole: bool) -> Callable[[Any], bool]:
    if not isinstance(value, str):
        raise BadConditions("like and contains need a string.")
    text = ".*".join(re.escape(part) for part in value.split("*"))
    pattern = re.compile(text, re.IGNORECASE | re.DOTALL)
    search = pattern.fullmatch if whole else pattern.search
    return lambda actual: actual is not None and search(str(actual)) is not None


def _comparing(operator: str, value: Literal) -> Callable[[Any], bool]:
    if operator == "=":
        return lambda actual: _equal(actual, value)
    if operator == "!=":
        return lambda actual: not _equal(actual, value)
    if value is None:
        raise BadConditions("null can only be tested with = and !=.")
    ordering = _ORDERINGS[operator]

    def test(actual: Any) -> bool:
        left, right = _alike(actual, value)
        return left is not None and ordering(left, right)

    return test


def _equal(actual: Any, value: Literal) -> bool:
    if value is None:
        return actual is None
    if isinstance(value, bool):
        # A flag that is not there is a flag that is not set.
        return bool(actual) is value
    left, right = _alike(actual, value)
    return left is not None and bool(left == right)


def _alike(actual: Any, value: Any) -> tuple[Any, Any]:
    """Both sides in comparable types, or (None, None)."""
    if isinstance(value, datetime):
        moment = read_datetime(actual) if isinstance(actual, str) else None
        return (moment, value) if moment else (None, None)
    if isinstance(actual, str):
        return actual.casefold(), str(value).casefold()
    if isinstance(actual, int | float) and isinstance(value, str):
        return str(actual).casefold(), value.casefold()
    return (actual, value) if isinstance(actual, int | float) else (None, None)
