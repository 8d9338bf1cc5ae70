"""What is seen from outside: logs without anything of a form, figures for those who may, health, traces."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from engine.errors import NotAvailable
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.store import schema
from engine.telemetry import logs
from engine.telemetry.listening import page
from engine.telemetry.tracing import OpenTelemetry
from tests.support.diagrams import END, START, chain, process
from webui.i18n import LANGUAGE_COOKIE

MARK = 'Geheim‽\n{"level": "error"}\'; DROP'
WORD = "Geheim"


@pytest.fixture(params=["json", "text"])
def log(request):
    """Everything that this process logs, from the lowest level up."""
    stream = io.StringIO()
    root, ours = logging.getLogger(), logging.getLogger("flowledger")
    before = root.handlers[:], root.level, ours.level
    logs.configure(request.param, "debug", stream)
    stream.format = request.param
    yield stream
    root.handlers[:], root.level, ours.level = before[0], before[1], before[2]
    logging.captureWarnings(capture=False)


@pytest.fixture
def lines(log):
    def read():
        return [json.loads(line) for line in log.getvalue().splitlines()] if log.format == "json" else []

    return read


# --- logs ----------------------------------------------------------------------------------------------------------------
def attack(app, signed_in, api, purchase, flowledger, monkeypatch):
    """Put the mark into everything that somebody can send."""
    staff, admin = signed_in("staff"), signed_in("administrator")
    instance, task = purchase()
    odd = {
        "User-Agent": MARK.replace("\n", ""),
        "Origin": f"http://{WORD}",
        "Referer": WORD,
        "X-Request-Id": WORD * 4,
        "traceparent": WORD,
        "Cookie": WORD,
    }
    staff.get(f"/tasks/{task}?note={WORD}", headers=odd)
    staff.get(f"/instances/{WORD}%0a{WORD}?search={WORD}")
    staff.get(f"/{WORD}")
    staff.post(f"/tasks/{task}", {"decision": MARK, WORD: MARK, "comment": MARK})
    staff.client.post(f"/tasks/{task}", data={"decision": MARK}, headers={"Origin": f"http://{WORD}.example"})
    staff.post("/login", {"user": MARK, "password": MARK})
    admin.post("/administration/users", {"id": MARK, "name": MARK, "password": MARK})
    program = api("administrator")
    program.post("/instances", {"process_id": "purchase", "variables": {"item": MARK, WORD: MARK, "amount": MARK}, "business_key": MARK})
    program.post(f"/instances/{instance}/variables", {"variables": {"amount": [MARK]}, "reason": MARK}, headers={"Idempotency-Key": WORD})
    program.post(f"/tasks/{WORD}-1/complete", {"values": {"x": MARK}})
    program.call("POST", "/instances", data='{"' + WORD, content_type="application/json")
    program.call(WORD.upper(), "/instances")
    api("staff").post(f"/instances/{instance}/cancel", {"reason": MARK})

    def defect(**_):
        secret = MARK
        raise RuntimeError(f"cannot handle {secret}") from ValueError(secret)

    monkeypatch.setitem(app.view_functions, "history.mine", defect)
    staff.get("/history")

    def gone(**_):
        raise NotAvailable(f"The database did not take the change: {MARK}") from ValueError(MARK)

    monkeypatch.setitem(app.view_functions, "worklist.show", gone)
    staff.get("/worklist")
    # a script, a condition and a service task that fail with a value in their message
    failing = process(START + f'<scriptTask id="bad"><script>x = int("{WORD}")</script></scriptTask>' + END + chain("start", "bad", "end"), "failing")
    flowledger.execute(cmd.Deploy({"failing.bpmn": failing}, MARK), SYSTEM)
    flowledger.execute(cmd.Start("failing", {"x": MARK}), SYSTEM)
    flowledger.run_due()
    # other libraries
    logging.getLogger("sqlalchemy.engine").warning("parameters %s", MARK)
    logging.getLogger("some.library").error("failed", exc_info=ValueError(MARK))


def test_nothing_that_somebody_sent_is_in_the_log(log, app, signed_in, api, purchase, flowledger, monkeypatch):
    attack(app, signed_in, api, purchase, flowledger, monkeypatch)
    text = log.getvalue()
    assert text.count("\n") > 20
    assert WORD.lower() not in text.lower()
    assert "csrf" in text and "RuntimeError <- ValueError" in text and "NotAvailable" in text  # what happened is told all the same


def test_a_request_and_its_command_are_told_with_the_same_id(log, lines, api, purchase):
    instance, task = purchase()
    answer = api("staff").post(f"/tasks/{task}/claim", headers={"X-Request-Id": "0123456789ABCDEF"})
    assert answer.headers["X-Request-Id"] == "0123456789abcdef"
    if log.format == "text":
        assert f"command=Claim outcome=done instance={instance}" in log.getvalue()
        return
    request = next(line for line in lines() if line["message"] == "request" and line.get("route") == "/api/v1/tasks/<task_id>/claim")
    command = next(line for line in lines() if line.get("command") == "Claim")
    assert {"method": "POST", "status": 200, "actor": "staff", "level": "info"}.items() <= request.items()
    assert {"outcome": "done", "instance": instance, "actor": "staff", "route": request["route"]}.items() <= command.items()
    assert request["request_id"] == command["request_id"] == "0123456789abcdef"
    assert request["duration_ms"] >= command["duration_ms"] > 0
    assert not {"path", "query", "headers", "values"} & request.keys()


def test_a_line_belongs_to_its_request_only(log, lines, browser, flowledger):
    browser.get("/login")
    logging.getLogger("flowledger.web").warning("outside")
    if log.format == "json":
        assert "request_id" not in lines()[-1] and "route" not in lines()[-1]
    else:
        assert "request_id" not in log.getvalue().splitlines()[-1]


def test_a_forged_id_is_replaced(browser):
    assert browser.get("/login", headers={"X-Request-Id": "x\u0085" + "a" * 30}).headers["X-Request-Id"].isalnum()
    assert browser.get("/login").headers["X-Request-Id"] != browser.get("/login").headers["X-Request-Id"]


def test_jobs_are_told_with_their_instance(log, lines, engine):
    timer = (
        '<intermediateCatchEvent id="wait"><timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition></intermediateCatchEvent>'
    )
    engine.deploy({"t.bpmn": process(START + timer + END + chain("start", "wait", "end"), "timed")})
    instance = engine.start("timed")
    engine.advance(2)
    if log.format == "json":
        [told] = [line for line in lines() if line.get("job")]
        assert {"kind": "timer", "instance": instance, "element": "wait", "outcome": "done", "attempt": 1}.items() <= told.items()
    else:
        assert f"instance={instance}" in log.getvalue()


# --- figures -------------------------------------------------------------------------------------------------------------
def figures(api, role="monitor"):
    answer = api(role).client.get("/metrics", headers=api(role).headers)
    assert answer.status_code == 200
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in answer.get_data(as_text=True).splitlines() if not line.startswith("#"))
    }


def test_commands_requests_and_jobs_are_counted_with_their_times(api, purchase, engine):
    before = figures(api)
    _, task = purchase()
    program = api("staff")
    program.post(f"/tasks/{task}/claim")
    program.post("/tasks/nothing-1/claim")
    program.get("/nothing/at/all")
    after = figures(api)

    def grown(name):
        return after.get(name, 0) - before.get(name, 0)

    assert grown('flowledger_commands_total{command="Claim",outcome="done"}') == 1
    assert grown('flowledger_commands_total{command="Claim",outcome="NotFound"}') == 1
    assert grown('flowledger_command_seconds_count{command="Claim"}') == 2
    assert grown('flowledger_http_requests_total{endpoint="api_tasks.claim",method="POST",status="200"}') == 1
    assert grown('flowledger_http_requests_total{endpoint="none",method="GET",status="404"}') == 1
    assert grown('flowledger_http_request_seconds_count{endpoint="api_tasks.claim"}') == 2


def test_what_the_installation_does(api, engine, flowledger):
    before = figures(api)
    failing = process(START + '<scriptTask id="bad"><script>x = 1 / 0</script></scriptTask>' + END + chain("start", "bad", "end"), "broken")
    waiting = (
        '<intermediateCatchEvent id="wait"><timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition></intermediateCatchEvent>'
    )
    engine.deploy({"f.bpmn": failing, "w.bpmn": process(START + waiting + END + chain("start", "wait", "end"), "late")})
    engine.start("broken")
    flowledger.execute(cmd.Start("late"), SYSTEM)
    engine.clock.set(engine.clock.now() + timedelta(seconds=91))
    after = figures(api)
    assert after["flowledger_incidents_open"] - before["flowledger_incidents_open"] == 1
    assert after['flowledger_jobs{state="due"}'] == 1 and 89 <= after["flowledger_jobs_late_seconds"] <= 91
    assert after["flowledger_database_up"] == 1
    engine.advance(0)
    done = figures(api)
    assert (
        done['flowledger_jobs_run_total{kind="timer",outcome="done"}'] - after.get('flowledger_jobs_run_total{kind="timer",outcome="done"}', 0) == 1
    )
    assert done["flowledger_jobs_late_seconds"] == 0
    kinds = {name.partition("{")[0] for name in done}
    assert {"flowledger_cache_hits_total", "flowledger_cache_misses_total", "flowledger_cache_size", "flowledger_sandbox_processes"} <= kinds
    assert "process_resident_memory_bytes" in kinds


def test_a_database_that_is_gone_is_a_figure_and_no_error(api, flowledger, monkeypatch):
    def gone(*_):
        raise NotAvailable

    program = api("monitor")
    monkeypatch.setattr("engine.bootstrap.job_figures", gone)
    text = program.client.get("/metrics", headers=program.headers).get_data(as_text=True)
    assert "flowledger_database_up 0.0" in text and "flowledger_jobs{" not in text


@pytest.mark.parametrize(
    ("role", "status"), [(None, 401), ("staff", 403), ("auditor", 403), ("monitor", 200), ("operator", 200), ("administrator", 200)]
)
def test_who_may_read_figures(api, app, signed_in, role, status):
    headers = api(role).headers if role else {}
    assert app.test_client().get("/metrics", headers=headers).status_code == status
    if role == "monitor":
        assert signed_in(role).get("/metrics").status_code == 401  # a cookie is not looked at
        assert signed_in(role).get("/").location == "/settings/tokens"
        assert api(role).get("/instances").status_code == 403


def test_an_invented_method_makes_no_new_series(api, app):
    app.test_client().open("/login", method="GEHEIM")
    assert not any("GEHEIM" in name for name in figures(api))


# --- health --------------------------------------------------------------------------------------------------------------
@pytest.fixture
def ready(flowledger, monkeypatch):
    monkeypatch.setattr(type(flowledger.dispatcher), "alive", True)


def test_alive_and_ready(browser, ready):
    assert browser.get("/health/live").json == {"status": "ok"}
    answer = browser.get("/health/ready")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_each_missing_part_is_503(browser, ready, flowledger, monkeypatch):
    def refused(word):
        answer = browser.get("/health/ready")
        assert answer.status_code == 503 and answer.mimetype == "application/problem+json" and answer.headers["Retry-After"]
        assert set(answer.json) == {"type", "title", "status", "detail", "instance", "missing"}  # no version, no address, no cause
        assert answer.json["missing"] == [word]
        assert browser.get("/health/live").status_code == 200

    with monkeypatch.context() as patch:
        patch.setattr(type(flowledger.dispatcher), "alive", False)
        refused("dispatcher")
    with monkeypatch.context() as patch:
        patch.setattr(type(flowledger.dispatcher), "stopping", True)
        refused("stopping")
    with monkeypatch.context() as patch:
        patch.setenv("MONTY_BIN", "/nowhere/monty")
        refused("sandbox")

    def gone(_):
        raise NotAvailable("postgresql://user:password@host")

    with monkeypatch.context() as patch:
        patch.setattr(schema, "revision", gone)
        refused("database")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "revision", lambda _: "9999")
        refused("schema")


def test_who_asks_whether_the_process_lives_is_not_looked_up_in_the_database(signed_in, ready, flowledger, monkeypatch):
    def silent(*_, **__):
        raise AssertionError("asked the database")

    reader = signed_in("operator")
    for way in ("begin", "outside"):
        monkeypatch.setattr(flowledger.store, way, silent)
    assert reader.get("/health/live").json == {"status": "ok"}


def test_a_worker_tells_its_health_in_the_same_words(app, ready, flowledger, monkeypatch):
    def of_worker(path):
        head = []
        body = b"".join(page(None, flowledger.unready)({"PATH_INFO": path}, lambda *told: head.extend(told)))
        return head[0].split()[0], dict(head[1]).get("Retry-After"), dict(head[1])["Content-Type"], json.loads(body)

    def of_server(path):
        client = app.test_client()
        client.set_cookie(LANGUAGE_COOKIE, "en")
        answer = client.get(path)
        return str(answer.status_code), answer.headers.get("Retry-After"), answer.mimetype, answer.json

    for path in ("/health/live", "/health/ready"):
        assert of_worker(path) == of_server(path)
    monkeypatch.setattr(type(flowledger.dispatcher), "stopping", True)
    assert of_worker("/health/ready") == of_server("/health/ready")


def test_the_dispatcher_must_have_been_started(browser):
    assert browser.get("/health/ready").json["missing"] == ["dispatcher"]


# --- traces --------------------------------------------------------------------------------------------------------------
@pytest.fixture
def spans(flowledger, monkeypatch):
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(flowledger.watcher, "tracer", OpenTelemetry(provider))
    return exporter.get_finished_spans


def test_a_command_is_a_child_of_its_request(spans, api, purchase):
    instance, task = purchase()
    answer = api("staff").post(f"/tasks/{task}/claim", headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    request = next(s for s in spans() if s.name == "POST /api/v1/tasks/<task_id>/claim")
    command = next(s for s in spans() if s.name == "command Claim")
    assert command.parent.span_id == request.context.span_id
    assert request.context.trace_id == 0x0AF7651916CD43DD8448EB211C80319C
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["flowledger.request"] == answer.headers["X-Request-Id"]
    assert command.attributes == {"flowledger.command": "Claim", "enduser.id": "staff", "flowledger.outcome": "done", "flowledger.instance": instance}
    assert request.kind == SpanKind.INTERNAL


def test_jobs_and_failures_are_spans_and_hold_nothing_of_a_form(spans, app, signed_in, api, purchase, flowledger, monkeypatch, engine):
    attack(app, signed_in, api, purchase, flowledger, monkeypatch)
    timer = (
        '<intermediateCatchEvent id="wait"><timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition></intermediateCatchEvent>'
    )
    engine.deploy({"t.bpmn": process(START + timer + END + chain("start", "wait", "end"), "traced")})
    instance = engine.start("traced")
    engine.advance(2)
    told = {s.name: s for s in spans()}
    assert told["job timer"].attributes["flowledger.instance"] == instance
    assert told["job timer"].end_time > told["job timer"].start_time
    assert not told["GET /history"].status.is_ok
    assert not any(s.events for s in spans())
    assert WORD.lower() not in "".join(s.to_json() for s in spans()).lower()
    assert {s.parent is None for s in spans() if s.name.startswith("GET")} == {True}  # no span leaks into the next request
