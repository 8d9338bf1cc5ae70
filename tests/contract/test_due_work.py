"""Due work is found by index, and an installation in which nothing is due asks one cheap question a poll and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from engine.jobs.dispatcher import Dispatcher
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.store import tables, work
from engine.testing import START as NOW
from tests.support.diagrams import END, START, chain, process

FAR = '<intermediateCatchEvent id="wait"><timerEventDefinition><timeDuration>P21D</timeDuration></timerEventDefinition></intermediateCatchEvent>'
MANY = 20_000


def fill(connection, count, **values):
    """Jobs as far ahead as timers of weeks are; not through the engine, because the number is what matters here."""
    rows = [
        {
            "id": f"x{n}-1",
            "instance_id": f"x{n}",
            "key": 1,
            "element_id": "wait",
            "kind": "timer",
            "parameters": "{}",
            "state": "due",
            "due_at": NOW + timedelta(days=21, seconds=n),
            "attempts": 0,
            "retries": 3,
            "backoff": "[]",
            **values,
        }
        for n in range(count)
    ]
    connection.execute(tables.job.insert(), rows)


@pytest.mark.parametrize("query", [work._NEXT, work._SOMETHING])
def test_due_work_is_found_by_index(database, query):
    with database.begin(write=True) as connection:
        fill(connection, MANY)
        if not database.is_sqlite:
            connection.exec_driver_sql("ANALYZE job")
    with database.begin(write=False) as connection:
        plan = explained(connection, query)
    assert "ix_job_state_due_at" in plan
    assert "Seq Scan" not in plan
    assert "SCAN job" not in plan
    assert "Sort" not in plan and "TEMP B-TREE" not in plan, "the order comes from the index, too"


def explained(connection, query):
    """The plan of the query as the driver gets it."""
    sent = []
    event.listen(connection, "before_cursor_execute", lambda _c, _cursor, text, parameters, *_: sent.append((text, parameters)))
    connection.execute(query, work._at(NOW)).all()
    [(text, parameters)] = sent
    how = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    return "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(how + text, parameters))


def test_an_idle_server_asks_one_question_a_poll(engine, monkeypatch):
    engine.deploy({"p.bpmn": process(START + FAR + END + chain("start", "wait", "end"))})
    instances = [engine.app.execute(cmd.Start("p"), SYSTEM).instance_id for _ in range(5)]
    asked = []
    dispatcher = Dispatcher(engine.app.jobs)
    event.listen(engine.app.store.engine, "before_cursor_execute", lambda _c, _cursor, text, *_: asked.append(text))
    honest, begun = engine.app.store.begin, []

    def begin(**values):
        begun.append(values)
        return honest(**values)

    monkeypatch.setattr(engine.app.store, "begin", begin)
    for _ in range(10):
        dispatcher.turn()
    assert begun == [], "no transaction, and no lock of the writer"
    assert len(asked) == 10
    assert all(text.startswith("SELECT job.number") for text in asked)
    engine.clock.set(engine.clock.now() + timedelta(days=22))
    dispatcher.turn()
    assert {engine.instance(i).state for i in instances} == {"completed"}


def test_timers_far_ahead_do_not_delay_what_is_due(engine):
    with engine.app.store.begin(write=True) as connection:
        fill(connection, 2000)
    engine.deploy({"p.bpmn": process(START + FAR.replace("P21D", "PT1S") + END + chain("start", "wait", "end"))})
    instance = engine.app.execute(cmd.Start("p"), SYSTEM).instance_id
    engine.clock.set(engine.clock.now() + timedelta(seconds=2))
    assert engine.app.run_due() == 1
    assert engine.instance(instance).state == "completed"
    with engine.app.store.begin(write=True) as connection:
        connection.execute(sa.delete(tables.job))


def test_jobs_of_suspended_instances_cost_the_poll_nothing(database):
    """They are past due for weeks; the poll must not walk over them."""
    with database.begin(write=True) as connection:
        fill(connection, MANY, state="suspended", due_at=NOW - timedelta(days=1))
        if not database.is_sqlite:
            connection.exec_driver_sql("ANALYZE job")
    with database.begin(write=False) as connection:
        assert not work.something_due(connection, NOW)
        assert "ix_job_state_due_at" in explained(connection, work._SOMETHING)
