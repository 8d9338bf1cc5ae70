"""The page of a process without pages: figures and health at their addresses, and nothing elsewhere."""

from __future__ import annotations

import json
import socket

import pytest
from prometheus_client import CollectorRegistry, Counter, make_wsgi_app

from engine.errors import FlowledgerError
from engine.telemetry.listening import listen, page
from tests.support.served import ask, eventually, free_port


def asked(path, missing=(), method="GET"):
    """Status, headers and body of the answer."""
    registry, head = CollectorRegistry(), []
    Counter("eggs", "Counted.", registry=registry)
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method}
    body = b"".join(page(make_wsgi_app(registry), lambda: list(missing))(environ, lambda status, headers: head.extend((status, dict(headers)))))
    return head[0], head[1], body.decode()


def test_health_and_figures_have_their_addresses():
    for path in ("/health/live", "/health/ready"):
        status, headers, body = asked(path)
        assert (status, headers["Content-Type"], json.loads(body)) == ("200 OK", "application/json", {"status": "ok"})
    assert "eggs_total 0.0" in asked("/metrics")[2]


def test_who_is_not_ready_says_what_is_missing_and_is_alive():
    status, headers, body = asked("/health/ready", ["database", "sandbox"])
    assert (status, headers["Content-Type"], headers["Retry-After"]) == ("503 Service Unavailable", "application/problem+json", "2")
    assert json.loads(body)["missing"] == ["database", "sandbox"]
    assert asked("/health/live", ["database"])[0] == "200 OK"


@pytest.mark.parametrize("path", ["/", "/healthz", "/health", "/health/ready/", "/metrics/x", ""])
def test_a_wrong_address_is_no_good_health(path):
    status, headers, body = asked(path)
    assert (status, headers["Content-Type"]) == ("404 Not Found", "application/problem+json")
    assert "eggs" not in body


def test_a_question_for_the_head_gets_no_body():
    status, headers, body = asked("/health/live", method="HEAD")
    assert (status, body) == ("200 OK", "") and int(headers["Content-Length"]) > 0


def test_it_is_bound_to_one_address_and_says_when_it_cannot_be():
    port = free_port()
    listen("127.0.0.2", port, CollectorRegistry(), list)
    assert eventually(lambda: ask(f"http://127.0.0.2:{port}/health/ready")[0], lambda status: status == 200)
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    with pytest.raises(FlowledgerError, match=f"127.0.0.2:{port} .*choose another"):
        listen("127.0.0.2", port, CollectorRegistry(), list)
