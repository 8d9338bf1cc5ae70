"""What the crash harness looks for is found, also where one thing lost and another doubled leave the totals as they were."""

from __future__ import annotations

import pytest

from engine.testing import EmbeddedEngine
from tests.crash.checks import check
from tests.crash.crash_pack.pack import SINK, call, metadata, note, tally
from tests.crash.diagrams import orders
from tests.crash.sink import running_sink


@pytest.fixture
def sink(monkeypatch):
    with running_sink() as one:
        monkeypatch.setenv(SINK, one.address)
        yield one


@pytest.fixture
def engine(sink):
    """Two orders, K-0 and K-1, carried to their end with their notices."""
    with EmbeddedEngine(handlers=[note, call]) as one:
        metadata.create_all(one.app.store.engine)
        one.deploy({"orders.bpmn": orders("PT1S")})
        for key in ("K-0", "K-1"):
            carried_out(one, key)
        yield one


def carried_out(engine, key):
    order = engine.start("order", business_key=key)
    engine.complete(engine.user_tasks(order)[0].id)
    engine.publish_message("go", {"said": key}, key)
    engine.advance(1)
    engine.complete(engine.user_tasks(order)[0].id)


def test_nothing_is_found_where_nothing_is_lost_or_doubled(engine, sink):
    assert len(engine.instances()) == 4
    assert check(engine.app.store, [], sink).count == 0


def test_one_notice_lost_and_one_doubled(engine, sink):
    lost = engine.start("order", business_key="K-2")
    engine.cancel(lost)
    engine.publish_message("done", {"said": "K-1"})
    found = check(engine.app.store, [], sink)
    assert (found.lost, found.doubled, found.count) == (["no notice of order K-2"], ["2 notices of order K-1"], 2)


def test_one_effect_lost_and_one_of_a_task_that_is_not_completed(engine, sink):
    [lost, *_] = sink.effects
    sink.effects["elsewhere-1"] = sink.effects.pop(lost)
    found = check(engine.app.store, [], sink)
    assert found.lost == [f"task {lost} is completed without its effect", "task elsewhere-1 had its effect and is not completed"]
    assert found.count == 2


def test_a_row_of_the_pack_that_is_doubled(engine, sink):
    with engine.app.store.begin(write=True) as connection:
        row = connection.execute(tally.select().limit(1)).one()
        connection.execute(tally.insert().values(job=row.job, element=row.element))
    assert check(engine.app.store, [], sink).doubled == [f"2 rows of the pack for task {row.job}"]
