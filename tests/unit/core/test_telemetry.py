"""Log lines that nobody can forge, spans that are sent when asked for, and a library that is not there unless it is wanted."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from engine.errors import FlowledgerError
from engine.telemetry import logs
from engine.telemetry.tracing import OpenTelemetry

ODD = "a\nb\r\x1b[31m\u2028\x00 中文"


def line(formatter, message="said %s", args=(ODD,), name="flowledger.test", exc_info=None, **extra):
    record = logging.LogRecord(name, logging.WARNING, __file__, 1, message, args, exc_info)
    record.__dict__.update(extra)
    return formatter.format(record)


@pytest.mark.parametrize("formatter", [logs.TextLines(), logs.JsonLines()])
def test_a_line_is_one_line_whatever_is_in_it(formatter):
    told = line(formatter, actor=ODD, instance=ODD)
    assert len(told.splitlines()) == 1 or (isinstance(formatter, logs.JsonLines) and told.count("\n") == 0)
    assert "\x1b" not in told and "\x00" not in told and "中文" in told


def test_only_known_fields_reach_a_line():
    told = json.loads(line(logs.JsonLines(), variables={"a": 1}, password="x", command="Start", status=200))
    assert set(told) == {"time", "level", "logger", "message", "command", "status"}
    assert told["time"].endswith("Z") and told["message"].startswith("said a\nb")


def test_lines_of_other_libraries_lose_their_arguments():
    assert json.loads(line(logs.JsonLines(), name="sqlalchemy.pool"))["message"] == "said %s"


def test_an_exception_is_told_without_its_message():
    try:
        try:
            int("geheim")
        except ValueError as inner:
            raise FlowledgerError("geheim") from inner
    except FlowledgerError:
        told = line(logs.JsonLines(), exc_info=sys.exc_info())
        text = line(logs.TextLines(), exc_info=sys.exc_info())
    assert "geheim" not in told and "geheim" not in text
    assert json.loads(told)["error"] == "FlowledgerError <- ValueError"
    assert "test_an_exception_is_told_without_its_message" in json.loads(told)["stack"][0]
    assert len(text.splitlines()) == 2


def test_a_long_message_is_cut():
    assert len(json.loads(line(logs.JsonLines(), "x" * 10_000, ()))["message"]) == logs.CHARACTERS


def test_fields_are_bound_to_a_thread():
    seen = []
    with logs.bound(request_id="one"):
        other = threading.Thread(target=lambda: seen.append(json.loads(line(logs.JsonLines()))))
        other.start()
        other.join()
        with logs.bound(actor="li"):
            seen.append(json.loads(line(logs.JsonLines())))
    assert "request_id" not in seen[0] and (seen[1]["request_id"], seen[1]["actor"]) == ("one", "li")
    assert "request_id" not in json.loads(line(logs.JsonLines()))


@pytest.mark.parametrize(
    ("log_format", "level", "told"), [("text", None, False), ("json", None, True), ("text", "info", True), ("json", "error", False)]
)
def test_levels(log_format, level, told):
    root, ours = logging.getLogger(), logging.getLogger("flowledger")
    before = root.handlers[:], root.level, ours.level
    stream = io.StringIO()
    try:
        logs.configure(log_format, level, stream)
        logging.getLogger("flowledger.requests").info("request")
        logging.getLogger("elsewhere").info("never")
    finally:
        root.handlers[:], root.level, ours.level = before
        logging.captureWarnings(capture=False)
    assert ("request" in stream.getvalue()) is told
    assert "never" not in stream.getvalue()


# --- traces --------------------------------------------------------------------------------------------------------------
def test_tracing_is_off_and_its_library_not_imported():
    program = (
        "import sys; from engine.bootstrap import Settings, build; import webui.app; app = build(Settings()); "
        "app.close(); print(sorted(m for m in sys.modules if m.startswith('opentelemetry')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    with pytest.raises(FlowledgerError, match=r"flowledger\[tracing\]"):
        OpenTelemetry()


def test_spans_are_sent_to_the_collector_that_the_environment_names(monkeypatch):
    received = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    tracer = OpenTelemetry()
    with tracer.span("outer", {"flowledger.command": "Start", "left.out": None}) as span:
        span.failed("TaskNotOpen")
    tracer.ended("job timer", {"flowledger.kind": "timer"}, 0.5, None)
    tracer.close()
    server.shutdown()
    server.server_close()
    body = b"".join(data for _, data in received)
    assert {path for path, _ in received} == {"/v1/traces"}
    assert b"outer" in body and b"job timer" in body and b"TaskNotOpen" in body and b"left.out" not in body
