"""What a failed run says to people: cause, cure, who must act, and a short reference for support."""

from dataclasses import dataclass

from reconcile.http.errors import CustomerMustAct, RemoteError, TryLater

ADMIN, CLOCK, US = "admin", "clock", "us"


class IncompleteRead(TryLater):
    """A list was not read to its proven end, or repeated itself: nothing of it may be published."""


@dataclass(frozen=True)
class Failure:
    """The words for one failure."""

    cause: str
    cure: str
    who: str


def incomplete(what: str, detail: str = "") -> IncompleteRead:
    """Say which list fell short, and that nothing was changed by it."""
    return IncompleteRead(f"{what} Nothing of it was used.", detail=detail)


def explain(error: RemoteError) -> Failure:
    """Split an adapter's sentence into cause and cure, and say who must act."""
    cause, cure = _split(error.sentence)
    if isinstance(error, CustomerMustAct):
        return Failure(cause, cure or "An admin must check the connection.", ADMIN)
    if isinstance(error, TryLater):
        cure = "Start the sync again when the other system answers as usual."
        return Failure(_without_promise(error.sentence), cure, CLOCK)
    return Failure(cause, "Our fault, not yours. Write to support and give the reference.", US)


def explain_wait(error: TryLater) -> Failure:
    """Say why a run waits for its next try."""
    return Failure(_without_promise(error.sentence), "Reconcile tries again by itself.", CLOCK)


def _split(sentence: str) -> tuple[str, str]:
    cause, dot, cure = sentence.partition(". ")
    return (cause + dot.strip(), cure) if dot else (sentence, "")


def _without_promise(sentence: str) -> str:
    """Drop "Reconcile tries again": the run itself says when, or that it has given up."""
    parts = [part for part in sentence.rstrip(".").split(". ") if not part.startswith("Reconcile ")]
    return ". ".join(parts or [sentence.rstrip(".")]) + "."
