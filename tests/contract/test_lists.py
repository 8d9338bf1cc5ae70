"""Worklist and instance list: every view, filter and order shows what the policy allows, once, whatever index it walks."""

from __future__ import annotations

import json
from itertools import product

import pytest
import sqlalchemy as sa

from engine.errors import NotAllowed
from engine.identity import policy
from engine.model import commands as cmd
from engine.model import views
from engine.model.actors import SYSTEM, Actor
from engine.model.migration import Migrate
from engine.model.views import InstanceFilter, TaskFilter
from engine.projections.rebuild import rebuild
from engine.store import schema, search, tables
from engine.store.database import Database
from engine.store.task_tables import FAR, task_candidate, user_task
from engine.testing import START as NOW
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, process, user

STAFF = frozenset({"staff"})
LI = Actor("li", "李", frozenset({"clerks", "desk"}), STAFF)
WANG = Actor("wang", "王", frozenset({"desk"}), STAFF)
LONER = Actor("loner", "L", frozenset(), STAFF)
AUDITOR = Actor("audit", "A", frozenset(), frozenset({"auditor"}))
ACTORS = (LI, WANG, LONER)

OFFERS = (
    'camunda:candidateGroups="clerks"',
    'camunda:candidateGroups="clerks,desk" camunda:candidateUsers="li"',
    'camunda:candidateGroups="nobody"',
    'camunda:candidateUsers="wang,100%"',
    "",
    'camunda:assignee="li"',
    'camunda:candidateGroups="desk" camunda:assignee="wang"',
)
PAST = "2026-01-04T00:00:00Z"
TIMES = (
    "",
    'camunda:dueDate="P1D"',
    f'camunda:dueDate="{PAST}" camunda:followUpDate="{PAST}"',
    'camunda:dueDate="PT2H" camunda:priority="80"',
)


def model(number, offer, times):
    """`first` is done by somebody, `second` then not offered to them."""
    ends = START + user("first") + user("second", f'flowledger:excludes="first" {offer} {times}') + user("third", f"{offer} {times}") + END
    return process(ends + chain("start", "first", "second", "end") + chain("start", "third", "end"), f"p{number}")


@pytest.fixture
def filled(engine):
    """Tasks of every kind: free, held, given back, kept from somebody, ended."""
    for number, (offer, times) in enumerate(product(OFFERS, TIMES)):
        engine.deploy({"p.bpmn": model(number, offer, times)})
        for n in range(2):
            one = engine.start(f"p{number}", business_key=f"K-{number}-{n}")
            [first] = [t for t in engine.user_tasks(one) if t.element_id == "first"]
            engine.complete(first.id, actor=ACTORS[(number + n) % 3])
            engine.advance(7 * number + n)
    open_tasks = {t.id: t for t in every_task(engine)}
    for number, (task_id, task) in enumerate(sorted(open_tasks.items())):
        actor = ACTORS[number % 3]
        if number % 4 == 0 and task.assignee is None and policy.may_work_on(actor, task) and actor.id not in task.excluded_users:
            try:
                engine.app.execute(cmd.Claim(task_id), actor)
            except NotAllowed:
                continue
            if number % 8 == 0 and (task.candidate_groups or task.candidate_users):
                engine.app.execute(cmd.Release(task_id), actor)
        elif number % 11 == 5 and policy.may_work_on(actor, task):
            engine.complete(task_id, actor=actor)
    engine.app.execute(cmd.Cancel(engine.instances()[3].id, "x"), SYSTEM)
    return engine


def every_task(engine, state="open"):
    with engine.app.reading() as read:
        return pages(lambda cursor: read.worklist(SYSTEM, TaskFilter(view="every", state=state, size=17, cursor=cursor)))


def pages(page_at):
    rows, cursor = [], None
    while True:
        page = page_at(cursor)
        rows += page.rows
        cursor = page.next
        if cursor is None:
            return rows


def seen(actor, view, task, now):
    """What a view means, task by task."""
    mine = task.assignee == actor.id
    free = task.assignee is None and policy.is_candidate(actor, task) and actor.id not in task.excluded_users
    match view:
        case "mine":
            return mine
        case "groups":
            return free
        case "due":
            return (mine or free) and task.due is not None
        case "overdue":
            return (mine or free) and task.due is not None and task.due < now
        case "followup":
            return (mine or free) and task.follow_up is not None and task.follow_up <= now
        case _:
            return mine or free


KEYS = {"due": lambda t: t.due or FAR, "created": lambda t: t.created_at, "priority": lambda t: t.priority, "name": lambda t: t.name}
SORTS = [sign + field for field in KEYS for sign in ("", "-")]
FILTERS = ({}, {"process_id": "p5"}, {"element_id": "third"}, {"text": "-5-1"}, {"text": "SECOND"})


@pytest.mark.parametrize("few", [-1, 500])
def test_every_view_filter_and_order_shows_what_it_means(filled, monkeypatch, few):
    """Whether few rows are looked up, or the list is walked."""
    monkeypatch.setattr(search, "FEW", few)
    now, tasks = filled.clock.now(), every_task(filled)
    assert {t.assignee is None for t in tasks} == {True, False}
    assert any(t.excluded_users for t in tasks)
    with filled.app.reading() as read:
        for turn, (actor, view) in enumerate(product(ACTORS, ("mine", "groups", "all", "due", "overdue", "followup"))):
            for number, sort in list(enumerate(SORTS))[turn % 2 :: 2]:
                chosen = FILTERS[(number + turn) % len(FILTERS)]
                wanted = [t for t in tasks if seen(actor, view, t, now) and fits(t, chosen)]
                field = KEYS[sort.lstrip("-")]
                wanted.sort(key=lambda t: (field(t), t.instance_id, t.key), reverse=sort.startswith("-"))
                got = pages(lambda cursor: read.worklist(actor, TaskFilter(view=view, sort=sort, size=9, cursor=cursor, **chosen)))  # noqa: B023
                assert [t.id for t in got] == [t.id for t in wanted], (actor.id, view, sort, chosen)
                assert not any(t.excluded_users and actor.id in t.excluded_users and t.assignee is None for t in got)


def fits(task, chosen):
    text = chosen.get("text", "").lower()
    return (
        chosen.get("process_id") in (None, task.process_id)
        and chosen.get("element_id") in (None, task.element_id)
        and (text in task.name.lower() or text in task.business_key.lower())
    )


def test_ended_tasks_are_listed_by_state(filled):
    completed = every_task(filled, "completed")
    assert completed and every_task(filled, "cancelled")
    with filled.app.reading() as read:
        for actor in ACTORS:
            mine = [t.id for t in pages(lambda cursor: read.worklist(actor, TaskFilter(view="mine", state="completed", size=3, cursor=cursor)))]  # noqa: B023
            assert sorted(mine) == sorted(t.id for t in completed if t.assignee == actor.id)


def test_numbers_above_the_worklist_stop(filled, monkeypatch):
    now, tasks = filled.clock.now(), every_task(filled)
    end = NOW.replace(hour=23, day=NOW.day + 3)

    def counted(actor):
        with filled.app.reading() as read:
            return read.worklist_counts(actor, end)

    for actor in ACTORS:
        work = [t for t in tasks if seen(actor, "all", t, now)]
        found = counted(actor)
        assert found.mine == sum(t.assignee == actor.id for t in work)
        assert found.groups == sum(t.assignee is None for t in work)
        assert found.overdue == sum(t.due is not None and t.due < now for t in work)
        assert found.due_today == sum(t.due is not None and now <= t.due < end for t in work)
    for most, actor in product((0, 1, 2, 5), ACTORS):
        monkeypatch.setattr("engine.store.task_queries.COUNTED", most)
        free = [t for t in tasks if seen(actor, "groups", t, now)]
        assert counted(actor).groups == min(len(free), most + 1)
        assert counted(actor).overdue == min(sum(seen(actor, "overdue", t, now) for t in tasks), most + 1)
    assert views.COUNTED == 1_000


@pytest.mark.parametrize("few", [0, 24, 1_000])
def test_the_instance_list_of_a_person_is_the_same_on_every_way(filled, monkeypatch, few):
    """Neither records nor work are few, only records are, both are."""
    monkeypatch.setattr(search, "FEW", few)
    with filled.app.reading() as read:
        everything = pages(lambda cursor: read.instances(AUDITOR, InstanceFilter(size=13, cursor=cursor)))
        assert [(i.started_at, i.id) for i in everything] == sorted(((i.started_at, i.id) for i in everything), reverse=True)
        for actor, chosen in product(
            ACTORS, ({}, {"state": "active"}, {"process_id": "p9"}, {"definition_id": "p9:1", "state": "active"}, {"text": "K-1"})
        ):
            got = pages(lambda cursor: read.instances(actor, InstanceFilter(size=5, cursor=cursor, **chosen)))  # noqa: B023 - used at once
            wanted = [i for i in everything if fits_instance(i, chosen) and may_see(read, actor, i)]
            assert [i.id for i in got] == [i.id for i in wanted], (actor.id, chosen)


def fits_instance(one, chosen):
    same = all(getattr(one, name) == value for name, value in chosen.items() if name != "text")
    return same and chosen.get("text", "").lower() in one.business_key.lower()


def may_see(read, actor, one):
    wrote = any(r.actor == actor.id for r in read.records(SYSTEM, one.id))
    tasks = read.worklist(SYSTEM, TaskFilter(view="every", instance_id=one.id)).rows
    return wrote or any(seen(actor, "all", t, NOW) for t in tasks)


def test_a_database_of_the_version_before_gets_the_same_rows(url):
    """Migration 0006 fills from the tables what a rebuild derives from the records."""
    store = Database(url)
    schema.upgrade(store)
    store.close()
    with EmbeddedEngine(database=url) as engine:
        engine.deploy({"p.bpmn": model(0, OFFERS[1], TIMES[1]), "q.bpmn": model(1, "", ""), "r.bpmn": model(2, OFFERS[5], TIMES[2])})
        for one in (engine.start("p0"), engine.start("p1"), engine.start("p2"), engine.start("p0", business_key="PO2026-键7")):
            [first] = [t for t in engine.user_tasks(one) if t.element_id == "first"]
            engine.complete(first.id, actor=LI)
        [third] = [t for t in engine.user_tasks(one) if t.element_id == "third"]
        engine.app.execute(cmd.Claim(third.id), WANG)
        before = candidates(engine.app.store)
        assert [word for word, _ in before[1]] == ["2026-键7", "7", "po2026-键7", "键7"]
        assert {kind for _, _, kind, *_ in before[0]} == {"held", "group", "user", "any"}
        with engine.app.store.begin(write=True) as connection:
            back(connection)
        schema.upgrade(engine.app.store)
        assert candidates(engine.app.store) == before
        rebuild(engine.app.store)
        assert candidates(engine.app.store) == before


def candidates(store):
    """What the migration fills."""
    due = sa.select(user_task.c.instance_id, user_task.c.key, user_task.c.sort_due)
    with store.begin(write=False) as connection:
        return [sorted(map(tuple, connection.execute(one)), key=repr) for one in (sa.select(task_candidate), sa.select(tables.instance_word), due)]


def back(connection):
    """The schema of version 0005, with the rows that it would have had: offers stay while somebody holds the task."""
    tasks = connection.execute(sa.select(user_task).where(user_task.c.state == "open")).all()
    metadata = sa.MetaData()
    old = sa.Table(
        "task_candidate",
        metadata,
        sa.Column("instance_id", sa.String(64), primary_key=True),
        sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(5), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.PrimaryKeyConstraint("instance_id", "key", "kind", "name", name="pk_task_candidate"),
        sa.Index("ix_task_candidate_kind_name", "kind", "name"),
    )
    indexes = ("ix_user_task_assignee", "ix_instance_process_id_started_at", "ix_instance_process_id_state_started_at")
    indexes += ("ix_instance_definition_id_started_at", "ix_instance_definition_id_state_started_at", "ix_record_actor_instance_id")
    statements = [
        "DROP TABLE job_act",  # of a later version
        "DROP TABLE task_candidate",
        "DROP TABLE instance_word",
        *(f"DROP INDEX {name}" for name in indexes),
        "DROP INDEX ix_user_task_definition_id_element_id",
    ]
    statements += [f"ALTER TABLE account DROP COLUMN {name}" for name in ("email", "notify")]  # of a later version
    statements += ["DROP INDEX uq_record_request_id"]
    if connection.dialect.name == "postgresql":  # on SQLite the constraint that the first schema had makes no difference to what is upgraded
        statements += ["ALTER TABLE record ADD CONSTRAINT uq_record_request_id UNIQUE (request_id)"]
    statements += ["ALTER TABLE user_task DROP COLUMN sort_due", "UPDATE alembic_version SET version_num = '0005'"]
    statements += [
        "CREATE INDEX ix_user_task_assignee_state ON user_task (assignee, state, due)",
        "CREATE INDEX ix_user_task_state_due ON user_task (state, due)",
        "CREATE INDEX ix_user_task_definition_id_element_id ON user_task (definition_id, element_id, state)",
        "CREATE INDEX ix_instance_definition_id ON instance (definition_id)",
        "CREATE INDEX ix_instance_process_id_state ON instance (process_id, state)",
        "CREATE INDEX ix_record_actor ON record (actor)",
    ]
    for statement in statements:
        connection.exec_driver_sql(statement)
    metadata.create_all(connection)
    for task in tasks:
        for kind, names in (("group", task.candidate_groups), ("user", task.candidate_users)):
            for name in json.loads(names):
                connection.execute(old.insert().values(instance_id=task.instance_id, key=task.key, kind=kind, name=name))


# --- an element that got another name -------------------------------------------------------------------------------------
def test_tasks_of_an_element_are_found_under_all_its_names_also_where_finished_ones_came_from_another_version(engine):
    """Finished tasks keep the name under which they were done when their instance is migrated; open ones have that of their version."""

    def named(first):
        steps = START + user("first", 'camunda:candidateGroups="desk"').replace("First", first) + user("second") + END
        return {"p.bpmn": process(steps + chain("start", "first", "second", "end"), "p")}

    engine.deploy(named("Check"))
    done, still = engine.start("p"), engine.start("p")
    engine.complete(engine.user_tasks(done)[0].id, actor=WANG)
    engine.deploy(named("Inspect"))
    for instance in (done, still):
        engine.app.execute(Migrate(instance, "p:2", "renamed"), SYSTEM)
    fresh = engine.start("p")

    def of(view, state="open", actor=WANG):
        with engine.app.reading() as read:
            return {(t.instance_id, t.name) for t in read.worklist(actor, TaskFilter(view=view, state=state, element_id="first")).rows}

    for view, actor in (("groups", WANG), ("all", WANG), ("every", SYSTEM)):
        assert of(view, actor=actor) == {(still, "Inspect"), (fresh, "Inspect")}
    assert of("every", "completed", SYSTEM) == {(done, "Check")}
