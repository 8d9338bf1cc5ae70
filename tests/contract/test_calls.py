"""Calls by expression of processes of other deployments: which version, and that replay finds it again."""

from __future__ import annotations

from engine.model.actors import SYSTEM
from engine.store.history import SqlInstances
from tests.conformance.test_events import S
from tests.support.bpmn_bench import definitions, flows, process, script

CALLER = process(S, '<callActivity id="c" calledElement="${target}"/>', flows("s c"))


def called(version: int) -> bytes:
    return process('<startEvent id="qs"/>', '<userTask id="u"/>', script("t", f"version = {version}"), flows("qs u", "u t"), id="q")


def test_the_version_that_is_newest_when_the_call_begins(engine):
    engine.deploy({"p.bpmn": CALLER})
    early = engine.start("p", {"target": "q"})
    assert "not deployed" in engine.instance(early).error
    engine.deploy({"q.bpmn": called(1)})
    one = engine.start("p", {"target": "q"})
    engine.deploy({"q.bpmn": called(2)})
    two = engine.start("p", {"target": "q"})
    for instance in (one, two):
        engine.app.services.live.clear()
        engine.app.services.library._models._held.clear()
        engine.complete(engine.user_tasks(instance)[0].id)
    assert [engine.variables(i)["version"] for i in (one, two)] == [1, 2]
    with engine.app.reading() as read:
        [call] = [call for record in read.records(SYSTEM, one) for call in record.calls]
        assert call.result == {"definition": "q:1", "hash": read.definition(SYSTEM, "q:1").content_hash}
    engine.app.services.library._models._held.clear()
    engine.check()


def test_a_snapshot_is_restored_with_the_version_that_was_called(engine):
    engine.deploy({"p.bpmn": CALLER, "q0.bpmn": definitions('<process id="own"><startEvent id="os"/></process>')})
    assert engine.instance(engine.start("p", {"target": "own"})).state == "completed"
    engine.deploy({"q.bpmn": called(1)})
    one = engine.start("p", {"target": "q"})
    engine.deploy({"q.bpmn": called(2)})
    services = engine.app.services
    seq, execution = services.live.take(one)
    with engine.app.store.begin(write=True) as connection:
        SqlInstances(connection).keep_snapshot(one, seq, services.engine_version, execution.snapshot())
    services.library._models._held.clear()
    engine.complete(engine.user_tasks(one)[0].id)
    assert engine.variables(one)["version"] == 1
    engine.check()
