"""The schema and logging in, on a real SQLite file."""

from __future__ import annotations

from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import String

from engine.bpmn.validation import Validation
from engine.errors import DeploymentRejected, FlowledgerError, NotAllowed, Problem
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.store import schema
from engine.store.database import Database
from engine.store.login import IDLE_HOURS, SESSION_HOURS, AccountAccess
from engine.store.tables import metadata
from engine.testing import EmbeddedEngine
from tests.support.diagrams import TWO_TASKS


def changed(_context, _inspected, _column, was, now):
    """SQLite knows no lengths, so no migration touches them there; on PostgreSQL they are compared (`test_longer_names`)."""
    return False if isinstance(was, String) and isinstance(now, String) else None


def test_migrations_lead_to_the_declared_schema(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    schema.upgrade(database)
    schema.check(database)
    with database.begin(write=False) as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": changed}), metadata) == []
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    database.close()


def test_what_is_asked_without_alembic_is_what_alembic_says(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    with database.begin(write=True) as connection:
        scripts = ScriptDirectory.from_config(schema._config(connection))
        assert schema.revision(connection) is None
    schema.upgrade(database)
    with database.begin(write=False) as connection:
        assert schema.revision(connection) == MigrationContext.configure(connection).get_current_revision() == scripts.get_current_head()
    assert schema._revisions() == (scripts.get_current_head(), {one.revision for one in scripts.walk_revisions()})
    database.close()


def test_a_database_that_names_two_schemas_is_neither_used_nor_upgraded(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    schema.upgrade(database)
    with database.begin(write=True) as connection:
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('0001')")
    for use in (schema.check, schema.upgrade):
        with pytest.raises(FlowledgerError, match="names 2 schemas"):
            use(database)
    database.close()


@pytest.mark.parametrize("lost", ["DELETE FROM alembic_version", "DROP TABLE alembic_version"])
def test_a_database_that_does_not_name_the_schema_of_its_records_is_neither_used_nor_upgraded(tmp_path, lost):
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    schema.upgrade(database)
    with database.begin(write=True) as connection:
        connection.exec_driver_sql(lost)
    for use in (schema.check, schema.upgrade, schema.create):
        with pytest.raises(FlowledgerError, match="names 0 schemas"):
            use(database)
    database.close()


@pytest.fixture
def engine():
    with EmbeddedEngine() as one:
        one.app.execute(cmd.PutUser("li", "李", ("staff",), ("rd",), "correct horse"), SYSTEM)
        yield one


def test_a_session_lives_as_long_as_it_is_used_up_to_its_end(engine):
    accounts = engine.app.accounts
    secret = accounts.login("li", "correct horse")
    for _ in range(SESSION_HOURS - 1):
        engine.clock.set(engine.clock.now() + timedelta(hours=1))
        actor = accounts.session(secret)
        assert actor is not None and actor.groups == {"rd"}
    engine.clock.set(engine.clock.now() + timedelta(hours=1))
    assert accounts.session(secret) is None


def test_an_idle_session_ends(engine):
    secret = engine.app.accounts.login("li", "correct horse")
    engine.clock.set(engine.clock.now() + timedelta(hours=IDLE_HOURS))
    assert engine.app.accounts.session(secret) is None


@pytest.mark.parametrize(("user", "password"), [("li", "wrong"), ("nobody", "correct horse"), ("li", ""), ("", "")])
def test_a_wrong_name_and_a_wrong_password_sound_alike(engine, user, password):
    with pytest.raises(NotAllowed, match="User name or password is not right"):
        engine.app.accounts.login(user, password)


def test_disabling_an_account_ends_its_sessions_and_tokens(engine):
    accounts: AccountAccess = engine.app.accounts
    secret = accounts.login("li", "correct horse")
    token = engine.app.execute(cmd.IssueToken("script"), accounts.session(secret))
    assert accounts.token(token) is not None
    engine.app.execute(cmd.PutUser("li", "李", active=False), SYSTEM)
    assert accounts.session(secret) is None
    assert accounts.token(token) is None
    with pytest.raises(NotAllowed):
        accounts.login("li", "correct horse")


def test_changing_the_password_needs_the_old_one_and_logs_out(engine):
    secret = engine.app.accounts.login("li", "correct horse")
    me = engine.app.accounts.session(secret)
    with pytest.raises(NotAllowed):
        engine.app.execute(cmd.ChangePassword("wrong", "new password"), me)
    engine.app.execute(cmd.ChangePassword("correct horse", "new password"), me)
    assert engine.app.accounts.session(secret) is None
    assert engine.app.accounts.login("li", "new password")


def test_a_deployment_that_was_accepted_runs_on_when_rules_become_stricter(tmp_path, monkeypatch):
    """Models are compiled again from the stored files; a rule that came later must not strand running instances."""
    database = f"sqlite:///{tmp_path / 'rules.sqlite3'}"
    with EmbeddedEngine(database=database) as engine:
        engine.deploy({"two.bpmn": TWO_TASKS})
        one = engine.start("two")

    original = Validation.process

    def stricter(self, container):
        original(self, container)
        self.problems.append(Problem("two.bpmn", "bpmn.new", "user tasks are out of fashion", "a"))

    monkeypatch.setattr(Validation, "process", stricter)
    with EmbeddedEngine(database=database) as engine:
        with pytest.raises(DeploymentRejected):
            engine.deploy({"other.bpmn": TWO_TASKS})
        engine.complete(engine.user_tasks(one)[0].id, {"x": 1})
        engine.complete(engine.user_tasks(one)[0].id)
        assert engine.instance(one).state == "completed"
        engine.check()
