"""Where a person is signed in: noting when each session was last used, naming its browser, and ending it."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

# A page must not cost a write each time; so "last seen" is this exact.
EVERY = timedelta(minutes=5)
# The first that is named wins: each later one is also named by the earlier ones.
BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS X": "macOS",
           "CrOS": "ChromeOS", "Linux": "Linux"}  # fmt: skip

Handler = Callable[[HttpRequest], HttpResponse]


def note_activity(get_response: Handler) -> Handler:
    """Note once in a while that a signed-in session is in use."""

    def middleware(request: HttpRequest) -> HttpResponse:
        key = request.session.session_key
        if key and SESSION_KEY in request.session and is_due(key):
            _note(request, key)
        return get_response(request)

    return middleware


def is_due(key: str) -> bool:
    """Say, once every five minutes, that a session's use is to be noted."""
    # Redis learns no session's key.
    mark = hashlib.sha256(f"seen:{key}".encode()).hexdigest()
    return cache.add(f"seen:{mark}", 1, EVERY.total_seconds())


def _note(request: HttpRequest, key: str) -> None:
    noted = UserSession.objects.filter(session_key=key).update(last_seen_at=timezone.now())
    if not noted and request.user.is_authenticated:
        UserSession.objects.create_from_request(request)


def name_browser(user_agent: str) -> str:
    """Say in words what a browser calls itself: "Chrome on Windows"."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), "A browser")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser
