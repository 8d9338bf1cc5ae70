"""Real servers and workers that are told to stop while a handler talks to the world: its job is finished, or free for another node at once."""

from __future__ import annotations

import json
import signal
import threading
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from engine.jobs.lease import LEASE_SECONDS
from engine.store import tables
from engine.store.database import Database
from tests.crash.clients import Caller
from tests.crash.nodes import answers, install, web_node, worker_node
from tests.crash.sink import running_sink
from tests.support.diagrams import END, START, TWO_TASKS, chain, process
from tests.support.nodes import kinds, running, scalar, start, until
from tests.support.postgres import postgres_server
from tests.support.racing import somebody_waits_to_write
from tests.support.served import ask, eventually, free_port

CALLING = process(START + '<serviceTask id="call" flowledger:handler="crash.call"/>' + END + chain("start", "call", "end"), "calling")
LONG = 60.0
SOON = LEASE_SECONDS / 2  # seconds; who waits for the lease to end takes longer
BY_ITSELF = 25.0  # seconds; the server kills after 30


@pytest.fixture(scope="module")
def server():
    with postgres_server(durable=False) as one:
        yield one


class Slow:
    """What `running_sink` gives, but its first answer waits for `go`."""

    def __init__(self, sink):
        self.sink, self.inside, self.go = sink, threading.Event(), threading.Event()
        self._take, sink.take = sink.take, self.take

    def take(self, key, what):
        self._take(key, what)
        if self.sink.asked.total() == 1:
            self.inside.set()
            self.go.wait(LONG)


@contextmanager
def installed(url, folder, **more):
    """An installation, and the sink that its process `calling` asks. `more`: other processes, by their file."""
    with running_sink() as sink:
        slow = Slow(sink)
        try:
            yield install(url, folder, {"calling.bpmn": CALLING, **more}, sink.address), slow
        finally:
            slow.go.set()


def begin(web, installation, slow):
    """`calling` is started, and its handler has asked."""
    caller = Caller(web.port, installation.token)
    start(caller, "calling")
    assert slow.inside.wait(LONG)
    return caller


def end_in_time(node, url, slow):
    """The node was told to stop and waits for its job, which ends now, once, and the node after it."""
    assert kinds(url, "CompleteJob") == 0
    slow.go.set()
    told_to_stop(node)
    assert kinds(url, "CompleteJob") == 1
    assert list(slow.sink.asked.values()) == [1]


def told_to_stop(node):
    """It ends by itself and cleanly, before the server would kill it.

    Its log does not tell: granian also says "Killing" of a process that has just ended, when two of its threads wait for that at once.
    """
    node.process.send_signal(signal.SIGTERM)
    assert node.process.wait(BY_ITSELF) == 0, node.path.read_text(errors="replace")


def holders(url):
    """How many jobs somebody holds."""
    return scalar(url, sa.select(sa.func.count()).select_from(tables.job).where(tables.job.c.lease_until.is_not(None)))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_server_gives_back_what_does_not_end_in_time_and_runs_it_when_it_is_back(kind, tmp_path, request):
    url = f"sqlite:///{tmp_path / 'flowledger.sqlite3'}" if kind == "sqlite" else request.getfixturevalue("server").database()
    with installed(url, tmp_path) as (installation, slow):
        web = web_node(installation, "web", "--grace", "1")
        with running(web):
            begin(web, installation, slow)
            assert holders(url) == 1
            told_to_stop(web)
        assert holders(url) == 0
        with running(web):
            assert until(lambda: kinds(url, "CompleteJob"), LONG) < SOON
        assert list(slow.sink.asked.values()) == [2], "under the same idempotency key"


def test_what_a_worker_gives_back_another_one_runs_at_once(server, tmp_path):
    url = server.database()
    with installed(url, tmp_path) as (installation, slow):
        web, stops, lives = web_node(installation, "web", "--no-jobs"), worker_node(installation, "stops"), worker_node(installation, "lives")
        stops.arguments += ("--grace", "1")
        with running(web, stops):
            begin(web, installation, slow)
            with running(lives):
                told_to_stop(stops)
                assert until(lambda: kinds(url, "CompleteJob"), LONG) < SOON
        assert list(slow.sink.asked.values()) == [2]


def test_a_server_finishes_the_job_that_ends_in_time(tmp_path):
    url = f"sqlite:///{tmp_path / 'flowledger.sqlite3'}"
    with installed(url, tmp_path) as (installation, slow):
        web = web_node(installation)
        with running(web):
            begin(web, installation, slow)
            web.process.send_signal(signal.SIGTERM)
            until(lambda: not answers(web.port, "/health/live"))
            end_in_time(web, url, slow)


def test_a_worker_finishes_the_job_that_ends_in_time_and_says_meanwhile_that_it_stops(server, tmp_path):
    url, page = server.database(), f"http://127.0.0.2:{free_port()}"
    with installed(url, tmp_path) as (installation, slow):
        web, worker = web_node(installation, "web", "--no-jobs"), worker_node(installation, "worker")
        worker.arguments += ("--metrics-host", "127.0.0.2", "--metrics-port", page.rpartition(":")[2])
        with running(web, worker):
            eventually(lambda: ask(f"{page}/health/ready")[0], lambda status: status == 200)
            begin(web, installation, slow)
            worker.process.send_signal(signal.SIGTERM)
            _, told = eventually(lambda: ask(f"{page}/health/ready"), lambda told: told[0] == 503)
            assert json.loads(told)["missing"] == ["stopping"]
            assert ask(f"{page}/health/live")[0] == 200
            assert ask(f"{page}/metrics")[0] == 200
            end_in_time(worker, url, slow)


def test_the_time_for_jobs_runs_while_requests_are_still_answered(server, tmp_path):
    url = server.database()
    with installed(url, tmp_path, **{"two.bpmn": TWO_TASKS}) as (installation, slow):
        web = web_node(installation, "web", "--grace", "1")
        database, answered = Database(url), []
        with running(web):
            caller = begin(web, installation, slow)
            started = caller.send("POST", "/api/v1/instances", {"process_id": "two"})[1]
            path = f"/api/v1/tasks/{started['task_ids'][0]}/complete"
            request = threading.Thread(target=lambda: answered.append(caller.send("POST", path, {"values": {}})), daemon=True)
            with database.begin(write=True) as connection:
                connection.execute(sa.select(tables.instance.c.id).where(tables.instance.c.id == started["instance_id"]).with_for_update())
                request.start()
                until(lambda: somebody_waits_to_write(database))
                web.process.send_signal(signal.SIGTERM)
                until(lambda: holders(url) == 0)
                assert not answered
            web.process.wait(LONG)
        database.close()
