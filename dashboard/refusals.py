"""Answers a decision that was not taken, wherever it was refused, with the sentence that says why."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from dashboard.decisions import Refused


class RefusalAnswers:
    """A refusal that no view has answered leaves the transaction, so that nothing of it is kept, and is said here."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Say why nothing was done; any other exception is left to Django."""
        if not isinstance(exception, Refused):
            return None
        response = render(request, "dashboard/refused.html", {"refused": exception}, status=409)
        add_never_cache_headers(response)
        return response
