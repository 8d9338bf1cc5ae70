"""The upgrade that takes records without a request id out of its index: rows, numbers and what others hung on the table stay, or nothing happens."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic import command, op

from engine.errors import ConcurrentChange, FlowledgerError, RequestIdReused
from engine.model.actors import SYSTEM
from engine.model.commands import Start
from engine.projections import ALL
from engine.store import schema
from engine.store.database import Database
from engine.store.tables import record
from engine.store.unit_of_work import unit_of_work
from engine.testing import START, EmbeddedEngine, VirtualClock
from tests.contract.test_records import append
from tests.contract.test_records import record as sealed_record
from tests.support.diagrams import TWO_TASKS


def to(store, revision, move=command.upgrade):
    """As `schema.upgrade` does, to any revision."""
    with store.begin(write=True) as connection:
        schema.revision(connection)
        move(schema._config(connection), revision)


def sql(store, *texts):
    with store.begin(write=True) as connection:
        for text in texts:
            connection.exec_driver_sql(text)


def rows(store):
    """Of the table `record`, on SQLite with their numbers."""
    number = [sa.text("rowid")] if store.is_sqlite else []
    with store.begin(write=False) as connection:
        return connection.execute(sa.select(*number, record).order_by(record.c.instance_id, record.c.seq)).all()


def laid_out(store):
    """Tables, indexes, views and triggers as the database itself tells them, in their order."""
    with store.begin(write=False) as connection:
        if store.is_sqlite:
            found = connection.exec_driver_sql(
                "SELECT tbl_name, name, sql FROM sqlite_master WHERE tbl_name != 'sqlite_sequence' ORDER BY tbl_name, rowid"
            )
            return [(table, name, (text or "").replace('"', "").replace("\n", "").replace("\t", "")) for table, name, text in found]
        found = connection.exec_driver_sql("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1").all()
        return [*found, *connection.exec_driver_sql("SELECT conname, contype::text FROM pg_constraint WHERE conrelid > 0 ORDER BY 1").all()]


@pytest.fixture
def before(url):
    """A database of the version before, with records that have a request id and others, and a gap in SQLite's numbers."""
    store = Database(url)
    schema.upgrade(store)
    with EmbeddedEngine(database=url) as engine:
        engine.deploy({"two.bpmn": TWO_TASKS})
        for number in range(20):
            engine.app.execute(Start("two"), SYSTEM, f"r-{number}" if number % 2 else None)
            engine.complete(engine.user_tasks()[0].id)
    with store.begin(write=True) as connection:
        first = connection.scalar(sa.select(sa.func.min(record.c.instance_id)))
        connection.execute(record.delete().where(record.c.instance_id == first))
    to(store, "0010", command.downgrade)
    yield store
    store.close()


@pytest.fixture
def fresh(request, tmp_path):
    """Gives an empty database of a revision."""
    made = []

    def at(revision, like):
        store = Database(f"sqlite:///{tmp_path / 'fresh.sqlite3'}" if like.is_sqlite else request.getfixturevalue("postgres").database())
        made.append(store)
        to(store, revision)
        return store

    yield at
    for store in made:
        store.close()


def test_it_can_be_taken_back(before, fresh):
    assert laid_out(before) == laid_out(fresh("0010", before))


def test_rows_stay_and_the_schema_is_that_of_a_new_installation(before, fresh):
    held = rows(before)
    schema.upgrade(before)
    schema.check(before)
    assert rows(before) == held and len({one.request_id for one in held}) == 10
    assert laid_out(before) == laid_out(fresh("head", before))


def test_request_ids_and_numbers_of_records_still_clash(before):
    schema.upgrade(before)
    clock = VirtualClock(START)
    with pytest.raises(RequestIdReused), unit_of_work(before, clock, ALL) as uow:
        append(uow, sealed_record("new", request_id="r-3"))
    with unit_of_work(before, clock, ALL) as uow:
        append(uow, sealed_record("one"), sealed_record("two"))
    with pytest.raises(ConcurrentChange), unit_of_work(before, clock, ALL) as uow:
        append(uow, sealed_record("one", text="other"))


def test_a_record_is_found_by_its_request_id_through_the_index(before):
    schema.upgrade(before)
    query = sa.select(record.c.body).where(record.c.request_id == "r-3")
    with before.begin(write=False) as connection:
        if not before.is_sqlite:  # there are few rows
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        sent = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if before.is_sqlite else ''}{sent}").all()
        assert "uq_record_request_id" in str(plan)


def test_an_upgrade_that_fails_half_way_changes_nothing(before, monkeypatch):
    laid, held = laid_out(before), rows(before)

    def fails(*_args, **_more):
        raise OSError("killed")

    monkeypatch.setattr(op, "create_index", fails)
    with pytest.raises(OSError, match="killed"):
        schema.upgrade(before)
    assert (laid_out(before), rows(before)) == (laid, held)
    monkeypatch.undo()
    schema.upgrade(before)
    assert rows(before) == held


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)  # does not make the table anew
def test_a_view_of_others_is_not_in_the_way(before):
    sql(before, "CREATE VIEW latest AS SELECT instance_id, max(seq) AS seq FROM record GROUP BY instance_id")
    schema.upgrade(before)
    with before.begin(write=False) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM latest").scalar() == 19


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_others_hung_on_the_table_that_is_made_anew_stays(before):
    sql(
        before,
        "CREATE VIEW latest AS SELECT instance_id, max(seq) AS seq FROM record GROUP BY instance_id",
        "CREATE INDEX ours ON record (kind)",
        "CREATE TABLE seen (instance_id TEXT)",
        'CREATE TRIGGER "never deleted" BEFORE DELETE ON RECORD BEGIN SELECT RAISE(ABORT, "evidence"); END',
        "CREATE TRIGGER see AFTER INSERT ON Record BEGIN INSERT INTO seen VALUES (new.instance_id); END",
        "CREATE TRIGGER other AFTER DELETE ON seen BEGIN UPDATE record SET kind = 'seen' WHERE instance_id = old.instance_id; END",
    )
    schema.upgrade(before)
    with unit_of_work(before, VirtualClock(START), ALL) as uow:
        append(uow, sealed_record("new"))
    with before.begin(write=True) as connection:
        assert connection.exec_driver_sql("SELECT instance_id FROM seen").all() == [("new",)]
        assert connection.exec_driver_sql("SELECT seq FROM latest WHERE instance_id = 'new'").scalar() == 1
        connection.exec_driver_sql("DELETE FROM seen")
        assert connection.scalar(sa.select(record.c.kind).where(record.c.instance_id == "new")) == "seen"
    with pytest.raises(sa.exc.IntegrityError, match="evidence"):
        sql(before, "DELETE FROM record")
    assert "ours" in [name for _, name, _ in laid_out(before)]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # PostgreSQL does not make the table anew
def test_rows_that_refer_to_records_are_not_deleted_with_the_table(before):
    refers = "REFERENCES record (instance_id, seq) ON DELETE CASCADE"
    sql(before, f"CREATE TABLE ours (i TEXT, s INTEGER, FOREIGN KEY (i, s) {refers})", "INSERT INTO ours SELECT instance_id, seq FROM record")
    with pytest.raises(FlowledgerError, match="Foreign keys of ours"):
        schema.upgrade(before)
    with before.begin(write=False) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM ours").scalar() == len(rows(before))


def test_columns_that_others_added_are_not_lost(before):
    kind = "TEXT COLLATE NOCASE" if before.is_sqlite else "TEXT"
    sql(before, f"ALTER TABLE record ADD COLUMN remark {kind}")
    if before.is_sqlite:
        with pytest.raises(FlowledgerError, match="remark"):
            schema.upgrade(before)
        sql(before, "ALTER TABLE record DROP COLUMN remark")
    schema.upgrade(before)
    schema.check(before)
