"""User tasks that a process has just written need not be read to be completed; what it believes is never the reason of a refusal."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from engine.errors import NotAllowed, NotFound, TaskNotOpen
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.store import foreseen, history, tables, task_tables
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, TWO_TASKS, chain, process, user

LI = Actor("li", "李", frozenset({"clerks"}), frozenset({"staff"}))
WANG = Actor("wang", "王", frozenset({"clerks"}), frozenset({"staff"}))
FULL = (
    'camunda:candidateGroups="clerks,leads" camunda:candidateUsers="wang" camunda:priority="70" '
    'camunda:dueDate="2026-12-01T10:00:00+08:00" camunda:followUpDate="2026-11-30T10:00:00Z"'
)
SEVERAL = process(
    START
    + user("first")
    + '<parallelGateway id="split"/><parallelGateway id="join"/>'
    + user("a", FULL)
    + user("b", 'camunda:assignee="li"')
    + user("c")
    + END
    + chain("start", "first", "split", "a", "join", "end")
    + chain("split", "b", "join")
    + chain("split", "c", "join")
)
OFFERED = process(START + user("a") + user("b", 'camunda:candidateGroups="clerks"') + END + chain("start", "a", "b", "end"))


def second_task(engine, bpmn=OFFERED):
    """The first user task of a new instance is completed; the second one, which this engine has just written."""
    engine.deploy({"p.bpmn": bpmn})
    [first] = engine.user_tasks(engine.start("p"))
    engine.complete(first.id)
    [task] = engine.user_tasks(first.instance_id)
    return task


@pytest.fixture
def kept(monkeypatch):
    """Rows that were foreseen, by instance and key."""
    rows = {}
    original = foreseen._rows

    def collect(writes, opened):
        for key, row in original(writes, opened):
            rows[key] = row
            yield key, row

    monkeypatch.setattr(foreseen, "_rows", collect)
    return rows


def test_what_is_foreseen_is_what_would_be_read(engine, kept):
    engine.deploy({"several.bpmn": SEVERAL})
    instance = engine.start("p", {"x": 1}, business_key="订单 7")
    [first] = engine.user_tasks(instance)
    engine.complete(first.id, {"y": 2})
    assert len(kept) == 4
    for task in engine.user_tasks(instance):
        number = int(task.id.rpartition("-")[2])
        with engine.app.store.outside() as connection:
            read = history._OPEN_TASK.first(connection, {"b_instance": instance, "b_key": number})
        assert kept[instance, number] == read


def test_a_task_that_was_just_written_is_completed_without_reading_it(url):
    with EmbeddedEngine(database=url) as engine:
        engine.deploy({"two.bpmn": TWO_TASKS})
        [task] = engine.user_tasks(engine.start("two", business_key="B-7"))
        seen = []
        event.listen(engine.app.store.engine, "before_cursor_execute", lambda _c, _u, sql, *_: seen.append(sql.split()[0]))
        engine.app.execute(cmd.Complete(task.id, {"by": 1}), SYSTEM)
        assert "SELECT" not in seen


def test_each_row_is_for_one_use_and_for_its_own_record():
    memory = foreseen.Foreseen()
    row = (*["x"] * foreseen._SEQ, 7, "hash", "li")
    memory._rows["i", 1] = memory._rows["i", 2] = row
    assert memory.take("i", 1, 7) == row
    assert memory.take("i", 1, 7) is None
    assert memory.take("i", 2, 8) is None
    assert memory.take("i", 2, 7) is None


def test_the_oldest_rows_are_forgotten(engine, monkeypatch):
    monkeypatch.setattr(foreseen, "KEPT", 3)
    engine.deploy({"two.bpmn": TWO_TASKS})
    tasks = [engine.user_tasks(engine.start("two"))[0] for _ in range(5)]
    assert [instance for instance, _ in engine.app._ahead._foreseen._rows] == [task.instance_id for task in tasks[2:]]


def test_a_task_that_another_node_gave_away_is_not_refused_to_its_new_owner(nodes):
    here, there = nodes
    task = second_task(here)
    there.app.execute(cmd.Claim(task.id), WANG)
    with pytest.raises(NotAllowed):
        here.app.execute(cmd.Complete(task.id), LI)  # whom it was offered to, as far as this node knew
    assert here.app.execute(cmd.Complete(task.id), WANG).state == "completed"


def test_a_task_that_another_node_offers_again_is_not_refused_because_of_what_was(nodes):
    here, there = nodes
    task = second_task(here, process(START + user("a") + user("b", 'camunda:assignee="li"') + END + chain("start", "a", "b", "end")))
    there.app.execute(cmd.PutUser("wang", "王", groups=("clerks",), password="long enough 1"), SYSTEM)
    there.app.execute(cmd.HandOver(task.id, "wang", "holiday"), SYSTEM)
    assert here.app.execute(cmd.Complete(task.id), WANG).state == "completed"


def test_a_task_that_another_node_completed_is_told_as_such(nodes):
    here, there = nodes
    here.deploy({"two.bpmn": TWO_TASKS})
    [task] = here.user_tasks(here.start("two"))
    there.complete(task.id)
    with pytest.raises(TaskNotOpen):
        here.app.execute(cmd.Complete(task.id), SYSTEM)
    [second] = here.user_tasks(task.instance_id)
    assert here.app.execute(cmd.Complete(second.id), SYSTEM).state == "completed"


@pytest.mark.parametrize("whole", [False, True], ids=["the last record", "the instance"])
def test_no_record_follows_one_that_the_database_has_lost(engine, whole):
    engine.deploy({"two.bpmn": TWO_TASKS})
    [first] = engine.user_tasks(engine.start("two"))
    instance = first.instance_id
    with engine.app.store.begin(write=True) as connection:
        before = [connection.execute(one.select().where(_of(one, instance))).mappings().all() for one in HISTORY]
    engine.complete(first.id)
    [second] = engine.user_tasks(instance)
    with engine.app.store.begin(write=True) as connection:  # as after a change to a standby that is behind
        for table, rows in zip(HISTORY, before, strict=True):
            connection.execute(table.delete().where(_of(table, instance)))
            if not whole:
                connection.execute(table.insert(), [dict(row) for row in rows])
    with pytest.raises(NotFound):
        engine.app.execute(cmd.Complete(second.id), SYSTEM)
    with engine.app.store.begin(write=False) as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(tables.record.c.instance_id == instance)) == (0 if whole else 1)
    if not whole:
        assert engine.app.execute(cmd.Complete(first.id), SYSTEM).seq == 2


HISTORY = (tables.record, tables.instance, task_tables.user_task, task_tables.task_candidate)


def _of(table, instance):
    return table.c.id == instance if table is tables.instance else table.c.instance_id == instance


def test_what_this_node_did_to_the_task_meanwhile_counts(engine):
    task = second_task(engine)
    engine.app.execute(cmd.Claim(task.id), WANG)
    with pytest.raises(NotAllowed):
        engine.app.execute(cmd.Complete(task.id), LI)
    engine.app.execute(cmd.Suspend(task.instance_id, "wait"), SYSTEM)
    engine.app.execute(cmd.Resume(task.instance_id, "go on"), SYSTEM)
    assert engine.app.execute(cmd.Complete(task.id), WANG).state == "completed"
