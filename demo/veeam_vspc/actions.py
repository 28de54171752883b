"""Asynchronous answers: any GET may be parked as an action that is asked for later (sheet §4)."""

import re
import threading
import uuid
from dataclasses import dataclass
from typing import Any

from demo.server import Response
from demo.veeam_vspc.options import VeeamOptions


@dataclass
class Action:
    """A parked answer; `polls_left` reads of it still say `running`."""

    id: str
    name: str
    query: str
    user: str
    result: Response
    polls_left: int
    outcome: str
    status: str = "running"

    def shown(self) -> dict[str, Any]:
        """Return the action as the API shows it."""
        return {
            "id": self.id,
            "initiatorUid": str(uuid.uuid5(uuid.NAMESPACE_URL, self.user)),
            "actionName": self.name,
            "status": self.status,
            "queryParameters": self.query or None,
            "requestBody": None,
        }


class ActionDesk:
    """Decides which GETs are answered later, and keeps those answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._actions: dict[str, Action] = {}
        self._owed: float = 0

    def wants(self, path: str, options: VeeamOptions) -> bool:
        """Whether this GET is answered with 202: by its path, or evenly for the share that is set."""
        if options.async_path and re.search(options.async_path, path):
            return True
        with self._lock:
            self._owed += options.async_share
            if self._owed < 1:
                return False
            self._owed -= 1
            return True

    def park(
        self, request_id: str, *, name: str, query: str, user: str, result: Response, options: VeeamOptions
    ) -> None:
        """Keep an answer under the caller's request id, or under an id of our own that nobody knows."""
        action_id = request_id or str(uuid.uuid4())
        action = Action(action_id, name, query, user, result, options.async_polls, options.async_outcome)
        with self._lock:
            self._actions[action_id.lower()] = action

    def listed(self) -> list[dict[str, Any]]:
        """Return all actions as the API shows them."""
        with self._lock:
            return [action.shown() for action in self._actions.values()]

    def asked(self, action_id: str) -> Action | None:
        """Return the action and let it come one poll nearer to its end."""
        with self._lock:
            action = self._actions.get(action_id.lower())
            if action is not None and action.status == "running":
                if action.polls_left <= 0:
                    action.status = action.outcome
                action.polls_left -= 1
            return action

    def find(self, action_id: str) -> Action | None:
        """Return the action without moving it."""
        with self._lock:
            return self._actions.get(action_id.lower())

    def cancel(self, action_id: str) -> bool:
        """Cancel a running action; False when there is none of that id."""
        with self._lock:
            action = self._actions.get(action_id.lower())
            if action is None:
                return False
            if action.status == "running":
                action.status = "canceled"
            return True

    def forget(self, action_id: str) -> bool:
        """Drop a kept result; False when there is none of that id."""
        with self._lock:
            return self._actions.pop(action_id.lower(), None) is not None
