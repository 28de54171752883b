"""What a connection test may say: it works, it was refused, nobody answers, or something else answers."""

from dataclasses import dataclass
from enum import StrEnum

from reconcile.http.errors import CustomerMustAct, OurBug, RemoteError, TryLater

ADDRESS = "base_url"
# Stands for whichever secret the form asked for: a 401 does not tell a key from a password.
SECRET = "secret"  # noqa: S105 - the name of an input


class Answer(StrEnum):
    """All that a test gives away of whoever is at an address that a tenant typed (RELIABILITY §4)."""

    OK = "ok"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    OTHER = "other"


@dataclass(frozen=True)
class Verdict:
    """The answer, a sentence that says who must act, and the form's input it belongs to ("": to none)."""

    answer: Answer
    sentence: str
    field: str = ""


def judge(error: RemoteError, product: str) -> Verdict:
    """Judge a failed test of a connection to `product`; nothing that a stranger sent is repeated.

    Raises the error itself when Reconcile never called out and nobody but its makers can act.
    """
    if isinstance(error, OurBug) and error.unsent:
        raise error
    if isinstance(error, CustomerMustAct) and _is_ours(error):
        return Verdict(_answer(error), error.sentence, error.field or _field(error))
    if isinstance(error, CustomerMustAct):
        return Verdict(Answer.REFUSED, f"{product} refused this sign-in. Check every field and test again.")
    if isinstance(error, TryLater) and error.status != 200:
        return Verdict(
            Answer.UNREACHABLE,
            f"{product} does not answer there. Check the address, and that your firewall lets our addresses in. "
            "If both are right, test again in a few minutes.",
            ADDRESS,
        )
    return Verdict(
        Answer.OTHER,
        f"Something answers there, but it does not speak like {product}. Check the address.",
        ADDRESS,
    )


def _is_ours(error: CustomerMustAct) -> bool:
    """Tell whether the sentence is made of our own words: those about a bad request quote the other side."""
    return bool(error.field) or error.unsent or error.status != 400


def _answer(error: CustomerMustAct) -> Answer:
    if error.unsent:
        return Answer.UNREACHABLE
    return Answer.OTHER if error.field == ADDRESS else Answer.REFUSED


def _field(error: CustomerMustAct) -> str:
    if error.unsent:
        return ADDRESS
    return SECRET if error.status == 401 else ""
