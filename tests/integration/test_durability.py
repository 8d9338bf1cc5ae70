"""Real servers and workers that are killed, lose their database, or get a wrong clock. Short runs of `make crash-test` and the race.

The full runs are `make crash-test` and `python -m tests.crash.race`; docs/durability.md has their figures.
"""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
import sqlalchemy as sa

from engine.store import tables
from tests.crash import race
from tests.crash.__main__ import arguments, campaign
from tests.crash.clients import Caller
from tests.crash.crash_pack.pack import tally
from tests.crash.diagrams import orders
from tests.crash.node import OFFSET
from tests.crash.nodes import answers, install, web_node, worker_node
from tests.crash.points import ARMED
from tests.crash.sink import running_sink
from tests.support.nodes import kinds, running, scalar, start, timed, until
from tests.support.postgres import postgres_server

DAY = 86_400


@pytest.fixture(scope="module")
def server():
    with postgres_server() as one:
        yield one


# --- the harnesses, short -------------------------------------------------------------------------------------------------
def test_nothing_is_lost_or_doubled_when_processes_are_killed_and_postgresql_stops():
    report = campaign(arguments(["--kills", "6", "--stops", "2", "--lease", "3"]))
    assert report["findings"] == 0, report
    for one in report["databases"]:
        assert one["acknowledged"] > 0, report


def test_two_nodes_and_four_workers_race(server, tmp_path):
    done = race.run(40, 6, server.database(), tmp_path)
    assert done.findings.count == 0, done.findings
    assert done.winners["completion"] > 0


# --- workers ----------------------------------------------------------------------------------------------------------------
def test_the_job_of_a_killed_worker_is_done_within_a_minute_and_a_far_timer_delays_nothing(server, tmp_path):
    with running_sink() as sink:
        installation = install(server.database(), tmp_path, {"orders.bpmn": orders("PT1S"), "far.bpmn": timed("far", "P21D")}, sink.address)
        web, dies, lives = web_node(installation, "web", "--no-jobs"), worker_node(installation, "dies"), worker_node(installation, "lives")
        with running(web):
            caller = Caller(web.port, installation.token)
            start(caller, "far")
            started = caller.send("POST", "/api/v1/instances", {"process_id": "order", "business_key": "K"})[1]
            caller.send("POST", f"/api/v1/tasks/{started['task_ids'][0]}/complete", {"values": {}})
            caller.send("POST", "/api/v1/messages", {"name": "go", "correlation_key": "K"})
            with running(dies, point="after-handler:1"):  # the effect is there, the completion is not committed
                assert dies.wait_dead(60)
            assert sink.asked.total() == 1
            with running(lives):
                caller.close()  # idle for too long: the server closed it
                page = f"/api/v1/tasks?instance_id={started['instance_id']}&element_id=b"
                assert until(lambda: caller.send("GET", page)[1]["rows"], 60) < 60
            assert list(sink.asked.values()) == [2]
            assert kinds(installation.database, "TriggerTimer") == 1


def test_the_job_of_a_killed_server_on_sqlite_is_done_within_a_minute_of_its_restart_and_a_far_timer_delays_nothing(tmp_path):
    with running_sink() as sink:
        database = f"sqlite:///{tmp_path / 'flowledger.sqlite3'}"
        installation = install(database, tmp_path, {"orders.bpmn": orders("PT1S"), "far.bpmn": timed("far", "P21D")}, sink.address)
        web = web_node(installation)
        with running(web, point="after-handler:1"):
            caller = Caller(web.port, installation.token)
            start(caller, "far")
            started = caller.send("POST", "/api/v1/instances", {"process_id": "order", "business_key": "K"})[1]
            caller.send("POST", f"/api/v1/tasks/{started['task_ids'][0]}/complete", {"values": {}})
            caller.send("POST", "/api/v1/messages", {"name": "go", "correlation_key": "K"})
            assert web.wait_dead(60)
        assert sink.asked.total() == 1
        with running(web):
            page = f"/api/v1/tasks?instance_id={started['instance_id']}&element_id=b"
            caller.close()
            assert until(lambda: caller.send("GET", page)[1]["rows"], 60) < 60
        assert list(sink.asked.values()) == [2]
        assert kinds(database, "TriggerTimer") == 1


# --- the database goes away -------------------------------------------------------------------------------------------------
def test_while_postgresql_is_gone_requests_get_a_clear_503_and_everything_goes_on_by_itself(server, tmp_path):
    gone = float(os.environ.get("FLOWLEDGER_TEST_GONE_SECONDS", "4"))
    installation = install(server.database(), tmp_path, {"t.bpmn": timed("soon", "PT1S"), "orders.bpmn": orders("PT1S")})
    web, worker = web_node(installation, "web", "--no-jobs"), worker_node(installation, "worker")
    with running(web, worker):
        caller = Caller(web.port, installation.token)
        start(caller, "soon")
        until(lambda: kinds(installation.database, "TriggerTimer") == 1)
        server.stop_at_once()
        caller.close()  # it was idle for as long as that took, and the server may have closed it
        try:
            seen, end = set(), time.monotonic() + gone
            while time.monotonic() < end:
                status, answer = caller.send("POST", "/api/v1/instances", {"process_id": "soon"}, "r-1")
                seen.add((status, answer["type"].rsplit(":", 1)[-1]))
                assert "Try again" in answer["detail"] or "did not take" in answer["detail"], answer
                time.sleep(0.2)
            assert {status for status, _ in seen} == {503}, seen
            assert not answers(web.port)
            assert answers(web.port, "/health/live")
            assert web.alive
            assert worker.alive
        finally:
            server.start()
        until(lambda: answers(web.port), 30)
        caller.close()
        start(caller, "soon", "r-1")
        until(lambda: kinds(installation.database, "TriggerTimer") == 2)
        task = caller.send("POST", "/api/v1/instances", {"process_id": "order", "business_key": "K"})[1]["task_ids"][0]
        assert caller.send("POST", f"/api/v1/tasks/{task}/complete", {"values": {}})[0] == 200
        # Its service task was announced: whoever listens takes the wake-up away.
        until(lambda: scalar(installation.database, sa.text("SELECT count(*) FROM procrastinate_jobs")) == 0, 120)
        until(lambda: kinds(installation.database, "CompleteJob") == 1)
        assert worker.alive


# --- the clock ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_clock_that_jumps_a_day_fires_each_timer_once(tmp_path, jump):
    offset = tmp_path / "offset"
    offset.write_text("0", encoding="ascii")
    database = f"sqlite:///{tmp_path / 'flowledger.sqlite3'}"
    installation = install(database, tmp_path, {"soon.bpmn": timed("soon", "PT2S"), "hours.bpmn": timed("hours", "PT5H")})
    installation = type(installation)(database, installation.token, tmp_path, {**installation.environment, OFFSET: str(offset)})
    web = web_node(installation)
    with running(web):
        caller = Caller(web.port, installation.token)
        for _ in range(3):
            start(caller, "soon")
            start(caller, "hours")
        offset.write_text(str(jump), encoding="ascii")
        if jump > 0:
            until(lambda: kinds(database, "TriggerTimer") == 6)
        else:
            start(caller, "soon")  # what begins after the jump is on time
            until(lambda: kinds(database, "TriggerTimer") >= 1)
            offset.write_text(str(DAY), encoding="ascii")
            until(lambda: kinds(database, "TriggerTimer") == 7)
        time.sleep(2.5)
        expected = 6 if jump > 0 else 7
        assert kinds(database, "TriggerTimer") == expected
        assert scalar(database, sa.select(sa.func.count()).select_from(tables.instance).where(tables.instance.c.state == "completed")) == expected
    assert installation.flowledger("verify").returncode == installation.flowledger("replay").returncode == 0


# --- processes of the server --------------------------------------------------------------------------------------------------
def test_a_server_whose_main_process_is_killed_leaves_the_port_free(tmp_path):
    installation = install(f"sqlite:///{tmp_path / 'flowledger.sqlite3'}", tmp_path, {"t.bpmn": timed("soon", "PT1S")})
    web = web_node(installation)
    with running(web):
        [worker] = psutil.Process(web.process.pid).children()
        os.kill(web.process.pid, signal.SIGKILL)
        web.process.wait()
        until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, 30)
        web.start()
        assert answers(web.port)


def test_a_point_that_is_not_known_is_refused(tmp_path):
    installation = install(f"sqlite:///{tmp_path / 'flowledger.sqlite3'}", tmp_path, {"t.bpmn": timed("soon", "PT1S")})
    wrong = type(installation)(installation.database, installation.token, tmp_path, {**installation.environment, ARMED: "nowhere:1"})
    assert "no crash point" in wrong.flowledger("verify").stderr
    assert scalar(installation.database, sa.select(sa.func.count()).select_from(tally)) == 0
