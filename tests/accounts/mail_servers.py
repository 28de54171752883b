"""Mail servers that fail, each in its way: the other side of the outbox."""

import smtplib
from typing import Any

from django.core.mail.backends.locmem import EmailBackend


class Away(EmailBackend):
    """Nobody answers."""

    def open(self) -> bool:
        raise ConnectionRefusedError("planted")


class Full(EmailBackend):
    """It answers, and takes nothing."""

    def send_messages(self, messages: Any) -> int:
        raise smtplib.SMTPDataError(452, b"planted")


class Breaks(EmailBackend):
    """It takes the letter, and the line breaks before it has said so."""

    def send_messages(self, messages: Any) -> int:
        super().send_messages(messages)
        raise smtplib.SMTPServerDisconnected("planted")
