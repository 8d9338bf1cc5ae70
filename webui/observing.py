"""Watches each request: gives it an id, binds log lines to it, and tells the engine's watcher how it ended.

Of a request only these are told: method, the route's pattern, status, time, who; never its address as sent, query, headers or body.
"""

from __future__ import annotations

import re
import secrets
import time

from flask import Flask, current_app, g, request
from werkzeug.wrappers import Response

from engine.telemetry import logs

REQUEST_ID = "X-Request-Id"
_ID = re.compile(r"[0-9a-fA-F-]{16,64}")  # of a proxy in front: hexadecimal, so that nobody writes texts into the log
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})  # anything else is somebody's invention
_TRACE = re.compile(r"[0-9a-f-]{55}")


def begin() -> None:
    """Before everything else."""
    g.begun = time.perf_counter()
    sent = request.headers.get(REQUEST_ID, "")
    g.request_id = sent.lower() if _ID.fullmatch(sent) else secrets.token_hex(8)
    route = request.url_rule.rule if request.url_rule is not None else None
    logs.bind(request_id=g.request_id, method=_method(), route=route)
    trace = request.headers.get("traceparent", "")
    name = f"{_method()} {route or 'unknown'}"
    known = {"http.request.method": _method(), "http.route": route, "flowledger.request": g.request_id}
    g.span = current_app.extensions["flowledger"].watcher.tracer.span(name, known, trace if _TRACE.fullmatch(trace) else None)
    g.recorded = g.span.__enter__()


def identified() -> None:
    """After the caller is known."""
    actor = g.get("actor")
    if actor is not None:
        route = request.url_rule.rule if request.url_rule is not None else None
        logs.bind(request_id=g.request_id, method=_method(), route=route, actor=actor.id)
        g.recorded.note({"enduser.id": actor.id})


def end(response: Response) -> Response:
    """After every answer, errors included."""
    begun = g.get("begun")
    if begun is not None:
        response.headers[REQUEST_ID] = g.request_id
        watcher = current_app.extensions["flowledger"].watcher
        watcher.request(request.endpoint, _method(), response.status_code, time.perf_counter() - begun)
        g.recorded.note({"http.response.status_code": response.status_code})
        if response.status_code >= 500:
            g.recorded.failed(str(response.status_code))
    return response


def forget(_error: BaseException | None) -> None:
    """The thread serves somebody else next."""
    span = g.pop("span", None)
    if span is not None:
        span.__exit__(None, None, None)
    logs.bind()


def install(app: Flask) -> None:
    """First of all handlers, so that nothing that a request does is outside."""
    app.before_request(begin)
    app.after_request(end)
    app.teardown_request(forget)


def _method() -> str:
    return request.method if request.method in METHODS else "other"
