"""Several workers on one PostgreSQL: woken in the transaction that makes work; nobody waits for what others are busy with."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from engine.errors import Conflict
from engine.jobs import cluster, lease
from engine.jobs.dispatcher import Dispatcher
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.plugins import ServiceTask
from engine.store import addresses, schema
from engine.store.database import Database
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, document, process

SEND = '<intermediateThrowEvent id="send"><messageEventDefinition messageRef="m"/></intermediateThrowEvent>'
WAIT = '<intermediateCatchEvent id="wait"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>'
BEGIN = '<startEvent id="begin"/>'
TALK = document(
    '<message id="m" name="paid"/>',
    f'<process id="sender" isExecutable="true">{START}{SEND}{END}{chain("start", "send", "end")}</process>',
    f'<process id="receiver" isExecutable="true">{BEGIN}{WAIT}<endEvent id="over"/>{chain("begin", "wait", "over")}</process>',
)
RELAY = document(  # the worker that fires the timer makes work for another one
    '<message id="m" name="paid"/>',
    f'<process id="relay" isExecutable="true">{START}<intermediateCatchEvent id="wait">',
    "<timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition></intermediateCatchEvent>",
    f"{SEND}{END}{chain('start', 'wait', 'send', 'end')}</process>",
)
TIMER = process(
    START
    + '<intermediateCatchEvent id="wait"><timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition></intermediateCatchEvent>'
    + END
    + chain("start", "wait", "end"),
    "timer",
)


@pytest.fixture
def address(postgres):
    """An installation with the tables of Procrastinate."""
    url = postgres.database()
    store = Database(url)
    schema.upgrade(store)
    assert cluster.install(store)
    assert not cluster.install(store)  # once
    store.close()
    return url


def queued(app):
    with app.store.begin(write=False) as connection:
        return connection.scalar(sa.text("SELECT count(*) FROM procrastinate_jobs"))


def test_a_wake_up_is_queued_once_for_a_transaction_that_commits_and_not_at_all_otherwise(address, tried):
    with EmbeddedEngine(database=address) as engine:
        engine.deploy({"talk.bpmn": TALK})
        assert engine.app.cluster is not None
        before = queued(engine.app)
        engine.app.execute(cmd.Start("sender", {}), SYSTEM)
        assert queued(engine.app) == before + 1
        assert tried == [True]

        def refused(uow):
            uow.due_now()
            raise Conflict("no")

        with pytest.raises(Conflict):
            engine.app._transact(refused)
        engine.app.execute(cmd.Start("receiver", {}), SYSTEM)  # nothing is due by that
        assert queued(engine.app) == before + 1


@pytest.mark.parametrize("named", [{}, {"connect_timeout": "60", "keepalives_idle": "99"}])
def test_every_connection_also_the_one_that_listens_gives_a_silent_server_up(address, named):
    seen = []

    async def listen(app):
        async with app.open_async(), app.connector._get_standalone_connection() as connection:
            seen.append(connection.info.get_parameters())

    with EmbeddedEngine(database=str(make_url(address).update_query_dict(named))) as engine:
        asyncio.run(listen(engine.app.cluster._app))
        for use in (engine.app.store.outside(), engine.app.store.begin(write=False), engine.app.store.begin(write=True)):
            with use as connection:
                seen.append(connection.connection.dbapi_connection.info.get_parameters())
    for options in seen:
        assert options.items() >= (addresses.DEFAULTS | named).items()


def test_without_its_tables_or_on_sqlite_nobody_is_told(postgres, tmp_path):
    for url in (postgres.database(), f"sqlite:///{tmp_path / 'x.sqlite3'}"):
        with EmbeddedEngine(database=url) as engine:
            assert engine.app.cluster is None
            engine.deploy({"talk.bpmn": TALK})
            receiver, _ = engine.start("receiver"), engine.start("sender")
            assert engine.instance(receiver).state == "completed"


@contextmanager
def held(engine, statement, **values):
    """Another node's transaction that holds rows."""
    with engine.app.store.begin(write=True) as connection:
        connection.execute(sa.text(statement), values)
        yield


def test_a_job_whose_instance_somebody_works_on_is_left_to_them(postgres):
    with EmbeddedEngine(database=postgres.database()) as engine:
        engine.deploy({"timer.bpmn": TIMER})
        first, second = engine.start("timer"), engine.start("timer")
        engine.clock.set(engine.clock.now().replace(year=2030))
        with held(engine, "SELECT id FROM instance WHERE id = :id FOR UPDATE", id=first):
            assert engine.app.jobs.run_one()  # the second one, at once, though the first is due as long
            assert not engine.app.jobs.run_one()
            assert [engine.instance(one).state for one in (first, second)] == ["active", "completed"]
        assert engine.app.jobs.run_one()
        assert engine.instance(first).state == "completed"


def test_a_message_that_somebody_sends_is_left_to_them(postgres):
    with EmbeddedEngine(database=postgres.database()) as engine:
        engine.deploy({"talk.bpmn": TALK})
        receiver = engine.start("receiver")
        engine.app.execute(cmd.Start("sender", {}), SYSTEM)
        with held(engine, "SELECT id FROM job FOR UPDATE"):
            assert not engine.app.jobs.run_one()
        assert engine.app.jobs.run_one()
        assert engine.instance(receiver).state == "completed"


def test_a_lease_is_renewed_while_the_handler_runs_and_not_after(url, monkeypatch):
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.01)
    renewals = []
    enough = threading.Event()

    def slow(_context):
        assert enough.wait(30)
        return {"done": True}

    handler = ServiceTask("slow", slow, transactional=False)
    service = process(START + '<serviceTask id="work" flowledger:handler="slow"/>' + END + chain("start", "work", "end"), "service")
    with EmbeddedEngine(database=url, handlers=[handler]) as engine:
        engine.deploy({"service.bpmn": service})
        original = lease.keep

        def keep(uow, job_id, owner):
            held = original(uow, job_id, owner)
            renewals.append(uow.now)
            if len(renewals) == 4:
                enough.set()
            return held

        monkeypatch.setattr(lease, "keep", keep)
        one = engine.start("service")
        assert engine.instance(one).state == "completed"
        assert engine.variables(one) == {"done": True}
        count = len(renewals)
        assert count >= 4
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("flowledger-lease")]


def until(true, seconds=60):
    """Look again and again; False when the time is over."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if true():
            return True
        pause.wait(0.05)
    return False


def test_a_worker_elsewhere_does_what_this_process_leaves_to_it_and_stops_gracefully(address, tmp_path):
    log = (tmp_path / "worker.log").open("wb")
    command = [sys.executable, "-m", "engine.cli", "worker", "--database", address, "--name", "w"]
    with log, EmbeddedEngine(database=address) as engine:
        engine.deploy({"talk.bpmn": TALK, "timer.bpmn": TIMER})
        engine.deploy({"relay.bpmn": RELAY})
        names = ("receiver", "sender", "timer", "receiver", "relay")
        ids = [engine.app.execute(cmd.Start(name, {}), SYSTEM).instance_id for name in names]
        worker = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            assert until(lambda: all(engine.instance(one).state == "completed" for one in ids)), (tmp_path / "worker.log").read_text()
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0
        finally:
            worker.kill()


def test_a_node_that_leaves_the_work_to_others_ends_cleanly(url):
    with EmbeddedEngine(database=url) as engine:
        idle = Dispatcher(engine.app.jobs, threads=0)
        idle.start()
        idle.stop()


def test_wake_ups_that_nobody_took_are_removed_after_a_minute(address):
    with EmbeddedEngine(database=address) as engine:
        engine.deploy({"talk.bpmn": TALK})
        engine.app.execute(cmd.Start("sender", {}), SYSTEM)
        before = queued(engine.app)
        assert before
        assert cluster.tidy(engine.app.store) == 0
        with engine.app.store.begin(write=True) as connection:
            connection.execute(sa.text("UPDATE procrastinate_events SET at = at - interval '2 minutes'"))
        assert cluster.tidy(engine.app.store) == before
        assert queued(engine.app) == 0


def test_a_worker_needs_postgresql(tmp_path):
    store = Database(f"sqlite:///{tmp_path / 'flowledger.sqlite3'}")
    schema.upgrade(store)
    store.close()
    done = subprocess.run([sys.executable, "-m", "engine.cli", "worker", "--data", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs PostgreSQL" in done.stderr
