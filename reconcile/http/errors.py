"""The three kinds of failure a call to somebody else's system can have, each with a sentence for people."""

from typing import Self


class RemoteError(Exception):
    """A call failed; `sentence` is fit for a screen and says who must act, `detail` is for support.

    `detail` is redacted. `unsent` is True when the request surely never reached the other side, so that a
    write surely had no effect.
    """

    kind = "our bug"
    # The input of the connect form that has to be corrected; "" when it is none, or not known which.
    field = ""

    def __init__(
        self,
        sentence: str,
        *,
        detail: str = "",
        status: int | None = None,
        request_id: str = "",
        unsent: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.detail = detail
        self.status = status
        self.request_id = request_id
        self.unsent = unsent

    def at(self, field: str) -> Self:
        """Name the input of the connect form to correct; the sentence then holds nothing that was received."""
        self.field = field
        return self


class CustomerMustAct(RemoteError):
    """Only the customer can cure it: a wrong address, a refused key, a missing permission."""

    kind = "the customer must act"


class TryLater(RemoteError):
    """It may pass by itself: overload, an outage, a garbled answer. `retry_after` is in seconds, if told."""

    kind = "try later"

    def __init__(
        self,
        sentence: str,
        *,
        retry_after: float | None = None,
        detail: str = "",
        status: int | None = None,
        request_id: str = "",
        unsent: bool = False,
    ) -> None:
        super().__init__(sentence, detail=detail, status=status, request_id=request_id, unsent=unsent)
        self.retry_after = retry_after


class BudgetSpent(TryLater):
    """Our own budget of requests is used up, and waiting for a turn has been tried already."""


class OurBug(RemoteError):
    """Reconcile asked for something that cannot be right; its makers must act."""
