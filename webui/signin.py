"""Who is calling: the session cookie of a browser or the bearer token of a program, as an `Actor` in `flask.g.actor`.

Sessions and tokens live in the engine's accounts; the cookie holds an opaque secret and nothing else.
"""

from __future__ import annotations

import time
from collections import deque
from threading import Lock
from typing import Any

from flask import Request, current_app, g
from werkzeug.exceptions import Unauthorized

from engine.model.actors import Actor
from webui.security import is_api, read_cookie

SESSION_COOKIE = "session"
#: Endpoints that are the same for everybody: who asks is not looked up. Health must be told when the database is silent.
_FOR_ALL = frozenset({None, "static", "health.live", "health.ready"})


def identify(asked: Request, known: Any) -> None:
    """Before every request: set `g.actor` (None: nobody) and `g.session_secret`. A wrong bearer token is Unauthorized. `known`: the request's `g`."""
    known.actor = None
    known.session_secret = None
    if asked.endpoint in _FOR_ALL:
        return
    accounts = current_app.extensions["flowledger"].accounts
    if is_api(asked):
        scheme, _, secret = asked.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if secret:
            actor = accounts.token(secret.strip()) if scheme.lower() == "bearer" else None
            if actor is None:
                raise Unauthorized
            known.actor = actor
        return
    secret = read_cookie(SESSION_COOKIE) or ""
    if secret:
        known.actor = accounts.session(secret)
        if known.actor is not None:
            known.session_secret = secret


def current_actor() -> Actor:
    """The caller, on routes that need one."""
    actor: Actor | None = g.actor
    if actor is None:
        raise Unauthorized
    return actor


class LoginLimit:
    """Slows down guessing: counts failed logins in a sliding window, by account with address, by address, and by account.

    Kept in memory by one process; it slows, argon2id resists. Safe for threads.
    """

    WINDOW = 300.0  # seconds
    LIMITS = (("pair", 5), ("address", 30), ("account", 50))

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str], deque[float]] = {}
        self._lock = Lock()

    def _keys(self, user_id: str, address: str) -> list[tuple[str, str]]:
        return [("pair", f"{address} {user_id}"), ("address", address), ("account", user_id)]

    def wait_seconds(self, user_id: str, address: str) -> int:
        """0: try; else after how many seconds."""
        now = time.monotonic()
        with self._lock:
            waits = [self._wait(key, limit, now) for key, (_, limit) in zip(self._keys(user_id, address), self.LIMITS, strict=True)]
        return max(waits)

    def _wait(self, key: tuple[str, str], limit: int, now: float) -> int:
        failures = self._failures.get(key)
        if failures is None:
            return 0
        while failures and failures[0] <= now - self.WINDOW:
            failures.popleft()
        if not failures:
            del self._failures[key]
            return 0
        return int(failures[-limit] + self.WINDOW - now) + 1 if len(failures) >= limit else 0

    def failed(self, user_id: str, address: str) -> None:
        """Count one failure."""
        now = time.monotonic()
        with self._lock:
            if len(self._failures) > 20_000:  # a flood of invented names must not eat the memory
                self._failures.clear()
            for key in self._keys(user_id, address):
                self._failures.setdefault(key, deque(maxlen=64)).append(now)

    def succeeded(self, user_id: str, address: str) -> None:
        """A right password clears the pair's count."""
        with self._lock:
            self._failures.pop(("pair", f"{address} {user_id}"), None)
