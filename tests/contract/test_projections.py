"""Read tables: written with their record or not at all; dropped and made anew they are the same."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from engine.errors import InvalidInput
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.model.views import TaskFilter
from engine.projections import ALL
from engine.projections.rebuild import rebuild
from engine.store import tables, task_tables
from tests.support.diagrams import END, LOOP, START, TWO_TASKS, chain, document, user

pytestmark = pytest.mark.parametrize("url", ["memory", "sqlite", "postgresql"], indirect=True)

LI = Actor("li", "李", frozenset({"clerks"}), frozenset({"staff"}))
DERIVED = (
    tables.instance,
    task_tables.user_task,
    task_tables.task_candidate,
    tables.job,
    tables.subscription,
    tables.incident,
    tables.note,
    tables.data_store,
)
REST = (tables.record, tables.snapshot, tables.blob, tables.kept_message, tables.form_draft)

SEVEN = "<transformation>7</transformation>"
EVERYTHING = document(
    '<message id="m" name="paid"/><correlationProperty id="c"><correlationPropertyRetrievalExpression messageRef="m"><messagePath>x</messagePath>',
    "</correlationPropertyRetrievalExpression></correlationProperty>",
    '<process id="p" isExecutable="true">',
    START,
    '<parallelGateway id="fork"/>',
    '<dataStoreReference id="book" name="账本"/>',
    user("a", 'camunda:candidateGroups="clerks"', f"<dataOutputAssociation><targetRef>book</targetRef>{SEVEN}</dataOutputAssociation>"),
    '<boundaryEvent id="late" attachedToRef="a"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>',
    '<intermediateCatchEvent id="wait"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>',
    '<serviceTask id="broken" flowledger:handler="nobody.provides.this"/>',
    END,
    chain("start", "fork", "a", "end") + chain("fork", "wait", "end") + chain("fork", "broken", "end") + chain("late", "end"),
    "</process>",
)


def contents(engine, *names):
    """Rows of tables; what counts rows up and what rolled back may have used up is left out."""
    with engine.app.store.begin(write=False) as connection:
        return {
            t.name: sorted(
                repr(tuple(row)) for row in connection.execute(sa.select(*(c for c in t.c if c.name not in ("number", "stack", "attempts"))))
            )
            for t in names
        }


def busy(engine):
    """Instances in many states."""
    engine.deploy({"p.bpmn": EVERYTHING, "loop.bpmn": LOOP})
    first = engine.start("p", {"x": 1}, business_key="键")
    second = engine.start("p")
    loop = engine.start("loop", {"again": True})
    [task] = engine.user_tasks(first)
    engine.app.execute(cmd.Claim(task.id), LI)
    engine.app.execute(cmd.Comment(first, "请看 ✓", task.id), LI)
    engine.app.execute(cmd.Attach(first, "a.txt", b"x", "text/plain"), LI)
    engine.complete(engine.user_tasks(second)[0].id, actor=LI)
    for again in (True, True, False):
        engine.complete(engine.user_tasks(loop)[0].id, {"again": again})
    [free] = engine.user_tasks(engine.start("p"))
    engine.app.execute(cmd.Claim(free.id), LI)
    engine.app.execute(cmd.Release(free.id), LI)
    return first, second, loop


def test_every_read_table_can_be_dropped_and_made_anew(engine):
    busy(engine)
    before = contents(engine, *DERIVED, *REST)
    assert all(before[t.name] for t in DERIVED)
    rebuild(engine.app.store)
    assert contents(engine, *DERIVED, *REST) == before


def test_rebuilding_does_not_depend_on_clocks_that_went_back(engine):
    first, _, _ = busy(engine)
    engine.clock._now -= timedelta(days=1)  # another node's clock, or one that was set right
    engine.app.execute(cmd.Comment(first, "earlier than the start"), LI)
    [task] = engine.user_tasks(first)
    engine.complete(task.id, actor=LI)
    before = contents(engine, *DERIVED)
    rebuild(engine.app.store)
    assert contents(engine, *DERIVED) == before


def test_a_row_of_an_instance_tells_its_state_and_its_end(engine):
    """Also through records that leave the state as it is, and through remarks on what has ended."""
    first, second, loop = busy(engine)

    def row(instance):
        with engine.app.reading() as read:
            found = read.instance(SYSTEM, instance)
        return found.state, found.ended_at

    then = engine.clock.now()
    assert row(loop) == ("completed", then)
    engine.app.execute(cmd.Suspend(first, "x"), SYSTEM)
    engine.advance(60)
    for one in (first, loop):
        engine.app.execute(cmd.Comment(one, "later"), SYSTEM)
    assert (row(first), row(loop)) == (("suspended", None), ("completed", then))
    engine.app.execute(cmd.Resume(first, "x"), SYSTEM)
    assert row(first) == ("active", None)
    engine.cancel(second, "x")
    assert row(second) == ("cancelled", then + timedelta(seconds=60))
    before = contents(engine, *DERIVED)
    rebuild(engine.app.store)
    assert contents(engine, *DERIVED) == before


def test_the_state_of_an_instance_is_written_only_when_it_changes(engine):
    """Three indexes hold it."""
    engine.deploy({"two.bpmn": TWO_TASKS})
    [task] = engine.user_tasks(engine.start("two"))
    sent = []

    def keep(_connection, _cursor, sql, *_):
        sent.append(re.findall(r"UPDATE instance SET (.*?) WHERE", sql))

    event.listen(engine.app.store.engine, "before_cursor_execute", keep)
    engine.complete(task.id)
    [[going_on]] = [found for found in sent if found]
    sent.clear()
    engine.complete(engine.user_tasks(task.instance_id)[0].id)
    [[ending]] = [found for found in sent if found]
    assert [re.findall(r"\w+(?==)", one) for one in (going_on, ending)] == [["seq", "head_hash"], ["state", "seq", "head_hash", "ended_at"]]


@pytest.mark.parametrize("number", range(len(ALL)))
def test_a_projection_that_raises_leaves_nothing_half_written(engine, monkeypatch, number):
    first, second, _loop = busy(engine)
    before = contents(engine, *DERIVED, *REST)
    [task] = engine.user_tasks(first)
    honest = ALL[number].apply

    def fails(self, connection, record, head):
        honest(connection, record, head)
        raise OSError("disk on fire")

    monkeypatch.setattr(type(ALL[number]), "apply", fails)
    monkeypatch.setattr(type(ALL[number]), "about", None)  # of every record
    for command in (
        cmd.Complete(task.id, {"y": 2}),
        cmd.Start("loop", {"again": True}),
        cmd.PublishMessage("paid", {}, "键"),
        cmd.Cancel(second, "x"),
    ):
        with pytest.raises(OSError, match="disk on fire"):
            engine.app.execute(command, LI if isinstance(command, cmd.Complete) else SYSTEM)
    assert contents(engine, *DERIVED, *REST) == before
    monkeypatch.undo()
    engine.complete(task.id, {"y": 2}, actor=LI)  # the spoilt live execution is not used again
    assert engine.variables(first) == {"x": 1, "y": 2}


def test_what_the_database_cannot_hold_is_refused_and_nothing_stays(engine):
    """PostgreSQL keeps to the length of its columns and holds no NUL in texts; SQLite takes both. Never an error without a name."""
    first, _, _ = busy(engine)
    before = contents(engine, *DERIVED, *REST)
    done = []
    for command in (
        cmd.Comment(first, "a\x00b"),
        cmd.Start("loop", {"again": True}, "K\x00"),
        cmd.PublishMessage("na\x00me", {}, "k"),
        cmd.PublishMessage("name", {}, "k" * 300),
    ):
        try:
            engine.app.execute(command, SYSTEM)
            done.append(command)
        except InvalidInput:
            continue  # any other error fails the test
    if not done:
        assert contents(engine, *DERIVED, *REST) == before
    if not engine.app.store.is_sqlite:
        assert not done


def test_work_is_followed_up_from_its_date_on(engine):
    body = START + user("a", 'camunda:followUpDate="PT1H"') + user("b") + END + chain("start", "a", "b", "end") + chain("start", "b")
    engine.deploy({"p.bpmn": document(f'<process id="p" isExecutable="true">{body}</process>')})
    one = engine.start("p")
    moments = {t.element_id: t.follow_up for t in engine.user_tasks(one)}
    assert moments == {"a": engine.clock.now() + timedelta(hours=1), "b": None}

    def followed():
        with engine.app.reading() as read:
            return [t.element_id for t in read.worklist(LI, TaskFilter(view="followup")).rows]

    engine.advance(3599)
    assert followed() == []
    engine.advance(1)
    assert followed() == ["a"]
    [task] = [t for t in engine.user_tasks(one) if t.element_id == "a"]
    engine.app.execute(cmd.Claim(task.id), Actor("wang", "王", frozenset(), frozenset({"staff"})))
    assert followed() == []
