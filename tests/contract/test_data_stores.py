"""Data stores are shared by instances: each read is a recorded input, each write part of an outcome, on each database."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.errors import NotAvailable
from engine.model import commands as cmd
from engine.model import events as ev
from engine.model.actors import SYSTEM
from engine.projections.rebuild import rebuild
from engine.store import tables
from engine.store.data_stores import SqlDataStores
from tests.conformance.test_data_stores import COUNTER, DEPOSIT, LOOK, pool, reads
from tests.conformance.test_events import S
from tests.support.bpmn_bench import flows, script


def newest(engine, name="Ledger"):
    with engine.app.store.begin(write=False) as connection:
        rows = connection.execute(sa.select(tables.data_store).where(tables.data_store.c.name == name)).all()
    return [(row.version, row.value) for row in rows]


def test_what_one_instance_writes_another_reads_also_of_another_deployment(engine):
    engine.deploy({"deposit.bpmn": DEPOSIT})
    engine.deploy({"look.bpmn": LOOK})
    assert engine.variables(engine.start("look")) == {"r": None}
    engine.start("deposit", {"n": {"数": [1]}})
    looking = engine.start("look")
    assert engine.variables(looking) == {"r": {"数": [1]}}
    engine.start("deposit", {"n": 2})
    assert newest(engine) == [(2, "2")]
    engine.app.services.live.clear()
    engine.check()  # the read value is in the record: what the store holds now does not matter
    with engine.app.reading() as read:
        assert [call.result for record in read.records(SYSTEM, looking) for call in record.calls] == [{"version": 1, "value": {"数": [1]}}]


def test_a_rebuild_finds_the_newest_version_whatever_the_clocks_said(engine):
    engine.deploy({"deposit.bpmn": DEPOSIT})
    engine.start("deposit", {"n": 1})
    engine.clock._now -= timedelta(days=1)
    engine.start("deposit", {"n": 2})
    rebuild(engine.app.store)
    with engine.app.store.begin(write=True) as connection:
        assert SqlDataStores(connection).read("Ledger") == {"version": 2, "value": 2}


def test_nobody_loses_an_increment(nodes):
    nodes[0].deploy({"counter.bpmn": COUNTER})
    failures = []

    def work(node):
        for _ in range(10):
            try:
                node.app.execute(cmd.Start("counter"), SYSTEM)
            except NotAvailable as exc:  # eight times another was first: the caller tries again
                failures.append(exc)

    threads = [threading.Thread(target=work, args=(node,)) for node in nodes for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    done = 40 - len(failures)
    assert newest(nodes[0]) == [(done, str(done))]
    assert nodes[0].check() == done
    with nodes[0].app.reading() as read:
        written = [
            e.version for i in read.instance_ids(SYSTEM) for r in read.records(SYSTEM, i) for e in r.events if isinstance(e, ev.DataStoreWritten)
        ]
    assert sorted(written) == list(range(1, done + 1))


def test_a_command_that_fails_writes_nothing(engine, monkeypatch):
    engine.deploy({"deposit.bpmn": DEPOSIT})
    engine.start("deposit", {"n": 1})
    monkeypatch.setattr("engine.projections.data_stores.DataStoreProjection.apply", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        engine.start("deposit", {"n": 2})
    monkeypatch.undo()
    assert newest(engine) == [(1, "1")]


def test_a_later_step_of_the_same_instance_sees_what_others_wrote_meanwhile(engine):
    body = (script("a", "r = w", reads("w")), '<userTask id="u"/>', script("b", "r = x", reads("x")))
    engine.deploy({"twice.bpmn": pool(S, *body, flows("s a", "a u", "u b"), id="twice"), "deposit.bpmn": DEPOSIT})
    engine.start("deposit", {"n": 1})
    one = engine.start("twice")
    engine.start("deposit", {"n": 2})
    engine.complete(engine.user_tasks(one)[0].id)
    assert engine.variables(one) == {"r": 2}
