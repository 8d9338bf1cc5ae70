"""The upgrade that makes columns of names longer: the schema declared is the schema reached, and what stands in its way is said."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from engine.errors import FlowledgerError
from engine.model.actors import SYSTEM
from engine.model.commands import Start
from engine.store import schema
from engine.store.database import Database
from engine.store.tables import metadata
from engine.store.task_tables import user_task
from engine.testing import EmbeddedEngine
from tests.contract.test_upgrade import sql, to
from tests.support.diagrams import END, START, chain, process

LONG = "cn=" + "长" * 200
GROUP = process(START + '<userTask id="a" camunda:candidateGroups="${g}"/>' + END + chain("start", "a", "end"))


@pytest.fixture
def before(url):
    """A database of the version before, with an open task."""
    store = Database(url)
    to(store, "0011")
    with store.begin(write=True) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0012'")
    with EmbeddedEngine(database=url) as engine:
        engine.deploy({"group.bpmn": GROUP})
        engine.start("p", {"g": "staff"})
    with store.begin(write=True) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0011'")
    yield store
    store.close()


def tasks(store):
    with store.begin(write=False) as connection:
        return connection.execute(sa.select(user_task)).all()


def test_the_upgrade_leads_to_the_declared_lengths_and_keeps_the_rows(before, url):
    held = tasks(before)
    schema.upgrade(before)
    schema.check(before)
    assert tasks(before) == held and len(held) == 1
    if not before.is_sqlite:  # which knows no lengths
        with before.begin(write=False) as connection:
            known = MigrationContext.configure(connection, opts={"include_object": lambda _o, name, *_: not str(name).startswith("procrastinate")})
            assert compare_metadata(known, metadata) == []
            assert connection.scalar(sa.text("SELECT count(*) FROM pg_stats WHERE tablename = 'task_candidate' AND attname = 'name'")) == 1
    with EmbeddedEngine(database=url) as engine:
        engine.app.services.identifiers._last = 1_000
        engine.app.execute(Start("p", {"g": LONG}), SYSTEM)
        assert LONG in {group for task in engine.user_tasks() for group in task.candidate_groups}


def test_it_can_be_taken_back_while_no_name_is_too_long_for_that(before):
    schema.upgrade(before)
    to(before, "0011", command.downgrade)
    if not before.is_sqlite:
        with before.begin(write=False) as connection:
            assert {one["name"]: one["type"].length for one in sa.inspect(connection).get_columns("task_candidate") if one["name"] == "name"} == {
                "name": 64
            }


def test_a_view_that_postgresql_would_not_let_it_change_is_named(before):
    sql(before, "CREATE VIEW held AS SELECT assignee FROM user_task", "CREATE VIEW dated AS SELECT due FROM user_task")
    if before.is_sqlite:
        schema.upgrade(before)
        return
    with pytest.raises(FlowledgerError, match="longer: held; drop"):
        schema.upgrade(before)
    sql(before, "DROP VIEW held")
    schema.upgrade(before)
    schema.check(before)
