"""Watches each request: gives it an id, binds log lines to it, and tells the engine's watcher how it ended.

Of a request only these are told: method, the route's pattern, status, time, who; never its address as sent, query, headers or body.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

from flask import Request, current_app, g
from werkzeug.wrappers import Response

from engine.telemetry import logs
from engine.telemetry.watching import Watcher

REQUEST_ID = "X-Request-Id"
_ID = re.compile(r"[0-9a-fA-F-]{16,64}")  # of a proxy in front: hexadecimal, so that nobody writes texts into the log
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})  # anything else is somebody's invention
_TRACE = re.compile(r"[0-9a-f-]{55}")


class _Observed:
    """What is known of the request that this thread serves. Kept in one place: each look through `flask.g` or `flask.request` costs."""

    __slots__ = ("begun", "fields", "method", "recorded", "request_id", "span", "watcher")

    def __init__(self, asked: Request, watcher: Watcher) -> None:
        self.begun = time.perf_counter()
        self.watcher = watcher
        self.method = asked.method if asked.method in METHODS else "other"
        sent = asked.environ.get("HTTP_X_REQUEST_ID", "")
        self.request_id = sent.lower() if sent and _ID.fullmatch(sent) else secrets.token_hex(8)
        route = asked.url_rule.rule if asked.url_rule is not None else None
        self.fields: dict[str, Any] = {"request_id": self.request_id, "method": self.method, "route": route}
        logs.bind(**self.fields)
        trace = asked.environ.get("HTTP_TRACEPARENT", "")
        known = {"http.request.method": self.method, "http.route": route, "flowledger.request": self.request_id}
        self.span = watcher.tracer.span(f"{self.method} {route or 'unknown'}", known, trace if trace and _TRACE.fullmatch(trace) else None)
        self.recorded = self.span.__enter__()


def begin(asked: Request, known: Any) -> None:
    """Before everything else, so that nothing that a request does is outside."""
    known.observed = _Observed(asked, current_app.extensions["flowledger"].watcher)


def identified(known: Any) -> None:
    """After the caller is known."""
    actor = known.actor
    if actor is not None:
        seen: _Observed = known.observed
        logs.bind(**seen.fields, actor=actor.id)
        seen.recorded.note({"enduser.id": actor.id})


def end(asked: Request, known: Any, response: Response) -> None:
    """After every answer."""
    seen: _Observed | None = known.get("observed")
    if seen is not None:
        status = response.status_code
        response.headers[REQUEST_ID] = seen.request_id
        seen.watcher.request(asked.endpoint, seen.method, status, time.perf_counter() - seen.begun)
        seen.recorded.note({"http.response.status_code": status})
        if status >= 500:
            seen.recorded.failed(str(status))


def forget(_error: BaseException | None) -> None:
    """The thread serves somebody else next."""
    seen: _Observed | None = g.pop("observed", None)
    if seen is not None:
        seen.span.__exit__(None, None, None)
    logs.bind()
