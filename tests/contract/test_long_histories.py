"""What is read of an instance without all of its history: it is the same, and costs no more when the history is long."""

from __future__ import annotations

import pytest

from engine.errors import NotAllowed, NotFound
from engine.history.replay import frame_at
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.plugins import service_task
from engine.store import history
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, LOOP, START, chain, process, user

pytestmark = pytest.mark.parametrize("url", ["memory", "sqlite", "postgresql"], indirect=True)

STRANGER = Actor("stranger")


@pytest.fixture
def instance(engine):
    """With 121 records, open."""
    engine.deploy({"loop.bpmn": LOOP})
    started = engine.start("loop", {"again": True})
    for turn in range(60):
        [task] = engine.user_tasks(started)
        engine.complete(task.id, {"again": True, f"turn{turn}": [turn]})
        engine.app.execute(cmd.Comment(started, "on we go"), SYSTEM)
    return started


@pytest.fixture
def decoded(monkeypatch):
    """Numbers of the records that are read."""
    seen, honest = [], history.read

    def read(body, stored):
        record = honest(body, stored)
        seen.append(record.seq)
        return record

    monkeypatch.setattr(history, "read", read)
    return seen


def test_variables_of_an_open_instance_are_those_that_its_records_tell(engine, instance, decoded):
    with engine.app.reading() as read:
        found = read.variables(SYSTEM, instance)
        assert decoded == []  # it is at hand
        assert found == frame_at(read.records(SYSTEM, instance), 121).variables
    assert found == {"again": True} | {f"turn{turn}": [turn] for turn in range(60)}


def test_after_a_restart_they_come_from_the_snapshot_and_the_records_after_it(engine, instance, decoded):
    engine.app.services.live.clear()
    with engine.app.reading() as read:
        found = read.variables(SYSTEM, instance)
    every = engine.app.services.limits.snapshot_every
    assert decoded == list(range(121 // every * every + 1, 122))
    assert found == {"again": True} | {f"turn{turn}": [turn] for turn in range(60)}


def test_what_was_read_does_not_change_when_the_instance_goes_on(engine, instance):
    with engine.app.reading() as read:
        found = read.variables(SYSTEM, instance)
        found["turn0"].append("mine")
        found["more"] = "mine"
        assert read.variables(SYSTEM, instance)["turn0"] == [0]
    engine.app.execute(cmd.ChangeVariables(instance, {"x": 1}, "because"), SYSTEM)
    assert engine.variables(instance) == {"again": True, "x": 1} | {f"turn{turn}": [turn] for turn in range(60)}


def test_of_one_that_has_ended_they_come_from_its_records(engine, instance):
    engine.cancel(instance)
    assert engine.variables(instance) == {"again": True} | {f"turn{turn}": [turn] for turn in range(60)}


def test_a_page_of_records_reads_just_these(engine, instance, decoded):
    with engine.app.reading() as read:
        page = read.record_page(SYSTEM, instance, 40, 30)
        assert decoded == list(range(41, 72))  # one more tells that there are more
        assert ([one.seq for one in page.rows], page.next) == (list(range(41, 71)), "70")
        assert page.rows == read.records(SYSTEM, instance)[40:70]


@pytest.mark.parametrize(
    ("after", "size", "seqs", "more"),
    [
        (0, 1000, (1, 121), None),
        (0, 121, (1, 121), None),
        (0, 120, (1, 120), "120"),
        (120, 1, (121, 121), None),
        (121, 5, (1, 0), None),
        (1 << 40, 5, (1, 0), None),
    ],
)
def test_where_pages_begin_and_end(engine, instance, after, size, seqs, more):
    with engine.app.reading() as read:
        page = read.record_page(SYSTEM, instance, after, size)
    assert ([one.seq for one in page.rows], page.next) == (list(range(seqs[0], seqs[1] + 1)), more)


def test_only_who_sees_the_instance_reads_them(engine, instance):
    engine.cancel(instance)  # its task was offered to everybody
    with engine.app.reading() as read:
        for asked in (read.variables, lambda who, one: read.record_page(who, one, 0, 5), lambda who, one: read.has_work(who, one, ["work"])):
            with pytest.raises(NotAllowed):
                asked(STRANGER, instance)
            with pytest.raises(NotFound):
                asked(SYSTEM, "nothing")


def test_work_on_its_way_is_told_by_its_job(url, decoded):
    diagram = process(
        START
        + '<serviceTask id="work" flowledger:handler="h"/>'
        + user("u")
        + '<boundaryEvent id="late" attachedToRef="u"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>'
        + '<serviceTask id="after" flowledger:handler="h" camunda:asyncBefore="true"/>'
        + END
        + chain("start", "work", "u", "after", "end")
        + chain("late", "end")
    )

    def on_its_way(*elements):
        with engine.app.reading() as read:
            return read.has_work(SYSTEM, started, elements)

    with EmbeddedEngine(database=url, handlers=[service_task("h")(lambda _context: {})]) as engine:
        engine.deploy({"p.bpmn": diagram})
        started = engine.app.execute(cmd.Start("p", {}), SYSTEM).instance_id
        assert on_its_way("work", "after")
        assert not on_its_way("after", "u")
        engine.app.run_due()
        assert not on_its_way("work", "after", "late", "u")
        [task] = engine.user_tasks(started)
        engine.app.execute(cmd.Complete(task.id), SYSTEM)
        assert on_its_way("work", "after")
        decoded.clear()
        on_its_way("after")
        assert decoded == []
        engine.app.run_due()
        assert not on_its_way("work", "after")
