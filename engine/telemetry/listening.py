"""The page of a process that has no others: figures at /metrics, and health for whoever supervises it, as the web server tells both.

No login: which addresses reach it is decided by the one that it is bound to. It tells no more than `webui/pages/health.py`, in English.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from prometheus_client import CollectorRegistry, make_wsgi_app, start_http_server

from engine.errors import FlowledgerError

log = logging.getLogger("flowledger.health")

FINE = "application/json"
PROBLEM = "application/problem+json"
Answer = tuple[HTTPStatus, str, dict[str, Any]]  # status, media type, body
Wsgi = Callable[..., Iterable[bytes]]


def listen(host: str, port: int, registry: CollectorRegistry, unready: Callable[[], list[str]]) -> None:
    """Answer there from now on, in threads of its own. `unready`: what is missing, in a word each. Raises FlowledgerError for a port in use."""
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as exc:
        raise FlowledgerError(f"Cannot listen on {host}:{port} ({exc.strerror}); choose another port or address.") from exc
    server.set_app(page(make_wsgi_app(registry), unready))


def page(figures: Wsgi, unready: Callable[[], list[str]]) -> Wsgi:
    """The WSGI application: `figures` answers /metrics, everything but health is 404."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path == "/metrics":
            return figures(environ, start_response)
        status, kind, body = _health(path, unready)
        text = (json.dumps(body, ensure_ascii=False) + "\n").encode()
        headers = [("Content-Type", kind), ("Content-Length", str(len(text)))]
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append(("Retry-After", "2"))
        start_response(f"{status.value} {status.phrase}", headers)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [text]

    return answer


def _health(path: str, unready: Callable[[], list[str]]) -> Answer:
    if path == "/health/live":
        return HTTPStatus.OK, FINE, {"status": "ok"}
    if path != "/health/ready":
        return _problem(HTTPStatus.NOT_FOUND, "about:blank", "Not found", "There are /metrics, /health/live and /health/ready.", path)
    missing = unready()
    if not missing:
        return HTTPStatus.OK, FINE, {"status": "ok"}
    log.warning("not ready: %s", ", ".join(missing))
    kind = "urn:flowledger:problem:NotReady"
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, kind, "Just now not available", "Try again in a moment.", path, missing=missing)


def _problem(status: HTTPStatus, kind: str, title: str, detail: str, path: str, **extra: Any) -> Answer:
    """A problem document (RFC 9457)."""
    return status, PROBLEM, {"type": kind, "title": title, "status": status.value, "detail": detail, "instance": path, **extra}
