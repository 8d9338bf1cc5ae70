"""Moving an installation between databases: from each kind to each kind, and back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from click.testing import CliRunner

from engine.cli import main
from engine.errors import IntegrityViolation, InvalidInput
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.operations.copying import SourceChanged, TableUnknown, TargetNotEmpty, all_tables, copy
from engine.operations.evidence import heads
from engine.plugins import Pack
from engine.plugins.loading import Catalogue, catalogue
from engine.store import schema, tables
from engine.store.database import Database
from engine.store.task_tables import task_candidate, user_task
from engine.testing import EmbeddedEngine
from tests.support.installations import fill

NONE = Catalogue()


@pytest.fixture
def target(url, postgres, tmp_path):
    """Address of an empty database of the other kind."""
    return postgres.database() if url.startswith("sqlite") else f"sqlite:///{tmp_path / 'target.sqlite3'}"


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch):
    monkeypatch.setattr("engine.store.login._hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def contents(url):
    """Every row of every table, as values of Python."""
    store = Database(url)
    try:
        with store.begin(write=False) as connection:
            return {t.name: sorted((tuple(row) for row in connection.execute(sa.select(t))), key=repr) for t in tables.metadata.sorted_tables}
    finally:
        store.close()


def copied(source, target, packs=NONE, **kw):
    one, other = Database(source), Database(target)
    try:
        return copy(one, other, packs, lambda _: None, **kw)
    finally:
        one.close()
        other.close()


def test_every_row_arrives_and_the_copy_goes_on_where_the_source_stood(url, target):
    with EmbeddedEngine(database=url) as engine:
        fill(engine)
        before = engine.clock.now()
    done = copied(url, target)
    source = contents(url)
    assert contents(target) == source
    assert {name for name, rows in source.items() if not rows} <= {"snapshot", "subscription", "task_candidate", "request_answer"}
    assert done.records == len(source["record"]) and done.instances == 8
    with EmbeddedEngine(database=target, start=before) as engine:
        engine.app.services.identifiers._last = 1_000_000
        assert engine.check() == done.records
        engine.start("waiting")  # a job's number and a kept message's follow those that were copied
        engine.app.execute(cmd.PublishMessage("early", {}, "nobody"), SYSTEM)
        for task in engine.user_tasks():
            engine.complete(task.id, {"done": True})
        engine.advance(22 * 86400)
        assert {i.state for i in engine.instances() if i.process_id == "waiting"} == {"completed"}


def test_there_and_back_is_the_same(url, target, tmp_path):
    with EmbeddedEngine(database=url) as engine:
        fill(engine)
    back = f"sqlite:///{tmp_path / 'back.sqlite3'}"
    copied(url, target)
    copied(target, back)
    assert contents(back) == contents(url)


def test_batches_do_not_lose_or_double_rows(url, target, monkeypatch):
    monkeypatch.setattr("engine.operations.copying.ROWS", 3)
    monkeypatch.setattr("engine.operations.copying.LARGE", 1)
    with EmbeddedEngine(database=url) as engine:
        fill(engine)
    copied(url, target)
    assert contents(target) == contents(url)


def test_a_target_that_holds_anything_is_refused_and_stays_as_it_is(url, target):
    with EmbeddedEngine(database=url) as engine:
        fill(engine)
    with EmbeddedEngine(database=target) as engine:
        engine.app.execute(cmd.PutUser("li", "李", ("staff",), (), "long enough 1"), SYSTEM)
    before = contents(target)
    with pytest.raises(TargetNotEmpty, match="account"):
        copied(url, target)
    assert contents(target) == before


def test_a_source_whose_history_does_not_verify_is_not_copied(url, target):
    with EmbeddedEngine(database=url) as engine:
        fill(engine)
    store = Database(url)
    with store.begin(write=True) as connection:
        connection.execute(tables.record.update().where(tables.record.c.seq == 2).values(hash="0" * 64))
    store.close()
    with pytest.raises(IntegrityViolation):
        copied(url, target)
    assert contents(target)["record"] == []


def test_a_source_that_somebody_writes_to_is_noticed(url, target):
    with EmbeddedEngine(database=url) as engine:
        fill(engine)

        def meanwhile(text):
            if text.startswith("account"):
                engine.app.execute(cmd.PutUser("late", "晚", ("staff",), (), "long enough 1"), SYSTEM)

        other = Database(target)
        with pytest.raises(SourceChanged):
            copy(engine.app.store, other, NONE, meanwhile)
        other.close()
    assert contents(target)["record"] == []


def test_tables_of_packs_travel_and_unknown_ones_are_named(url, target):
    metadata = sa.MetaData()
    things = sa.Table("shop_thing", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("extra", sa.JSON), sa.Column("on", sa.Boolean))
    shop = Catalogue((Pack("shop", {"en": "Shop"}, "shop", metadata=metadata),))
    with EmbeddedEngine(database=url) as engine, engine.app.store.begin(write=True) as connection:
        metadata.create_all(connection)
        connection.execute(things.insert(), [{"id": 7, "extra": {"a": [None]}, "on": True}, {"id": 8, "extra": None, "on": False}])
    with pytest.raises(TableUnknown, match="shop_thing"):
        copied(url, target)
    copied(url, target, shop)
    store = Database(target)
    with store.begin(write=True) as connection:
        assert [tuple(row) for row in connection.execute(sa.select(things).order_by(things.c.id))] == [(7, {"a": [None]}, True), (8, None, False)]
        assert connection.execute(things.insert().values(extra=1)).inserted_primary_key == (9,)
    store.close()


def test_leaving_a_table_out_is_said_by_name(url, target):
    with EmbeddedEngine(database=url) as engine, engine.app.store.begin(write=True) as connection:
        connection.exec_driver_sql("CREATE TABLE old_pack (id INTEGER)")
    copied(url, target, leave_out=["old_pack"])


def test_all_tables_of_the_installed_packs_are_known():
    assert {"record", "service_report_project"} <= {table.name for table in all_tables(catalogue())}


def test_a_row_that_the_target_cannot_hold_is_named_and_prose_loses_what_is_no_text(url, target):
    """A history from before names had bounds; PostgreSQL never held such."""
    with EmbeddedEngine(database=url) as engine:
        fill(engine)
    if not url.startswith("sqlite"):
        return
    store = Database(url)
    with store.begin(write=True) as connection:
        connection.exec_driver_sql("UPDATE note SET text = 'a' || char(0) || 'b' WHERE kind = 'comment'")
        instance, key = connection.execute(sa.select(task_candidate.c.instance_id, task_candidate.c.key).order_by(task_candidate.c.key)).first()
        this = sa.and_(user_task.c.instance_id == instance, user_task.c.key == key)
        connection.execute(user_task.update().where(this).values(assignee="x" * 256, name="n" * 10_000))
    refusal = rf"Table user_task, instance_id '{instance}', key '{key}': the target cannot hold the value of assignee \(StringDataRightTruncation\)"
    with pytest.raises(InvalidInput, match=refusal):
        copied(url, target)
    with store.begin(write=True) as connection:
        name = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(3_000))
        connection.execute(user_task.update().where(this).values(assignee="x" * 255, name=name))
    with pytest.raises(InvalidInput, match=rf"Table user_task, instance_id '{instance}', key '{key}': .* a value \(ProgramLimitExceeded\)"):
        copied(url, target)
    assert not contents(target)["user_task"]
    with store.begin(write=True) as connection:
        connection.execute(user_task.update().where(this).values(name="n"))
    store.close()
    copied(url, target)
    assert [row.text for row in rows_of(target, tables.note) if row.kind == "comment"] == ["a\ufffdb"]


def rows_of(url, table):
    store = Database(url)
    try:
        with store.begin(write=False) as connection:
            return connection.execute(sa.select(table)).all()
    finally:
        store.close()


def test_the_command(url, target):
    with EmbeddedEngine(database=url) as engine:
        fill(engine)
    done = CliRunner().invoke(main, ["db", "copy", "--from", url, "--to", target])
    assert done.exit_code == 0, done.output
    assert "8 instances" in done.output and "verified" in done.output
    again = CliRunner().invoke(main, ["db", "copy", "--from", url, "--to", target])
    assert again.exit_code == 1
    assert "not empty" in again.output and "Traceback" not in again.output
    checked = CliRunner().invoke(main, ["verify", "--database", target])
    assert checked.exit_code == 0, checked.output


def test_the_command_makes_no_database_out_of_a_wrong_name(tmp_path, target):
    done = CliRunner().invoke(main, ["db", "copy", "--from", f"sqlite:///{tmp_path / 'nothing.sqlite3'}", "--to", target])
    assert done.exit_code == 1
    assert not (tmp_path / "nothing.sqlite3").exists()


def test_an_older_schema_is_told_to_upgrade_first(url, target):
    with EmbeddedEngine(database=url) as engine, engine.app.store.begin(write=True) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(schema.SchemaTooNew):
        copied(url, target)


def test_heads_are_the_same_on_both(url, target):
    with EmbeddedEngine(database=url) as engine:
        fill(engine)
    copied(url, target)
    found = []
    for address in (url, target):
        store = Database(address)
        with store.begin(write=False) as connection:
            found.append(heads(connection))
        store.close()
    assert found[0] == found[1] and len(found[0]) == 8
