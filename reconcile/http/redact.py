"""Secrets taken out of whatever may reach a log, an error message or a screen."""

import json
import re
from typing import Any

HIDDEN = "[hidden]"
# Compared without case, dashes and underscores, so that "X-Api-Key", "apiKey" and "api_key" are one name.
_SECRET_NAME = re.compile(
    r"authorization|cookie|passw|pwd|secret|token|credential|apikey|privatekey|publickey|accesskey|signature"
    r"|mfacode|clientassertion"
)
_WORD = (
    r"[\w-]*(?:authorization|cookie|passw|pwd|secret|token|credential|api[_-]?key|private[_-]?key|public[_-]?key"
    r"|access[_-]?key|signature|mfa[_-]?code)[\w-]*"
)
_QUOTED = re.compile(
    rf'(["\']{_WORD}["\']\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|\{{[^}}]*\}}?|[^,}}\s]+)', re.IGNORECASE
)
_PAIR = re.compile(
    rf"(\b{_WORD}\s*[=:]\s*)(?!\[hidden\])(?:(?:bearer|basic)\s+)?[^\s&,;\"'<>{{]+", re.IGNORECASE
)
_SCHEME = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_USERINFO = re.compile(r"(://)[^/\s@]+@")


def is_secret_name(name: str) -> bool:
    """Tell whether a header, field or parameter of this name may hold a secret."""
    return _SECRET_NAME.search(re.sub(r"[-_\s]", "", name.lower())) is not None


def redact_json(value: Any) -> Any:
    """Copy a JSON value with everything under a secret name hidden, whole objects included."""
    if isinstance(value, dict):
        return {k: HIDDEN if is_secret_name(str(k)) else redact_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [redact_json(item) for item in value]
    return redact_text(value) if isinstance(value, str) else value


def redact_text(text: str, limit: int = 600) -> str:
    """Hide secrets in free text (JSON, even cut short; forms; URLs; headers) and cut it to `limit` signs."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    if isinstance(parsed, dict | list):
        text = json.dumps(redact_json(parsed), ensure_ascii=False)
    text = _QUOTED.sub(rf"\g<1>{HIDDEN}", text)
    text = _PAIR.sub(rf"\g<1>{HIDDEN}", text)
    text = _SCHEME.sub(rf"\g<1> {HIDDEN}", text)
    text = _USERINFO.sub(rf"\g<1>{HIDDEN}@", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
