"""Statements that are handed to libpq: what the driver's cursors would do, without them. PostgreSQL only; contract/test_statements.py is about both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from threading import Event, Thread

import pytest
import sqlalchemy as sa

from engine.errors import InvalidInput, OutcomeUnknown
from engine.store.database import Database
from engine.store.prepared import AFTER, MOST
from engine.store.schema import create
from engine.store.statements import PREPARED, Statement
from engine.store.tables import blob, record
from tests.support.postgres import postgres_server

ADD = Statement(record.insert())
OF = sa.bindparam("b_instance")
READ = Statement(sa.select(record).where(record.c.instance_id == OF).order_by(record.c.seq))


@pytest.fixture
def store(postgres):
    one = Database(postgres.database())
    create(one)
    yield one
    one.close()


def row(seq=1, instance="i", **changed):
    made = {"instance_id": instance, "seq": seq, "at": datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC), "actor": "李", "kind": "StartInstance"}
    return made | {"request_id": None, "hash": "0" * 64, "body": b"\x00\\'{}\xff"} | changed


def names(connection):
    """Of the statements that the server holds, and that were made by us."""
    found = connection.connection.dbapi_connection.execute("SELECT name FROM pg_prepared_statements WHERE name LIKE 'flowledger%'")
    return {name for (name,) in found}


def test_values_of_every_kind_come_back_as_they_went(store):
    odd = [
        row(1),
        row(2, actor='it\'s \\ $1 %s "quoted"'),
        row(2**31 - 1, at=datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=5, minutes=45)))),
        row(70_000, body=b""),  # a number of another size is another type of parameter
    ]
    with store.outside(writes=True) as connection:
        for _ in range(3):  # before they are prepared and after
            for one in odd:
                ADD.rows(connection, {**one, "instance_id": f"i{_}"})
    with store.outside() as connection:
        for _ in range(3):
            found = READ.rows(connection, {"b_instance": f"i{_}"})
            assert found == [tuple((one | {"instance_id": f"i{_}"}).values()) for one in sorted(odd, key=lambda one: one["seq"])]
            assert [type(value) for value in found[0]] == [str, int, datetime, str, str, type(None), str, bytes]


def test_a_statement_is_prepared_when_it_ran_a_few_times(store):
    with store.outside() as connection:
        for _ in range(AFTER):
            READ.rows(connection, {"b_instance": "i"})
        assert names(connection) == set()
        READ.rows(connection, {"b_instance": "i"})
        [name] = names(connection)
        READ.rows(connection, {"b_instance": "i"})
        assert names(connection) == {name}


def test_a_server_that_forgot_the_statements_is_told_them_again(store):
    """psycopg makes it forget all of them after a ROLLBACK on the same connection."""
    with store.outside(writes=True) as connection:
        for seq in range(1, AFTER + 3):
            ADD.rows(connection, row(seq))
        assert names(connection)
        connection.connection.dbapi_connection.execute("DEALLOCATE ALL")
        for seq in range(101, 103 + AFTER):
            ADD.rows(connection, row(seq))
        assert len(READ.rows(connection, {"b_instance": "i"})) == 2 * (AFTER + 2)
        assert len(names(connection)) == 1


def test_a_column_of_another_type_is_read_as_what_it_is_now(store):
    size = Statement(sa.select(blob.c.size))
    with store.outside(writes=True) as connection:
        connection.execute(blob.insert(), {"sha256": "x", "size": 5, "media_type": "", "created_at": datetime.now(UTC), "data": b""})
        for _ in range(AFTER + 2):
            assert size.rows(connection, {}) == [(5,)]
        with store.begin(write=True) as other:
            other.execute(sa.text("ALTER TABLE blob ALTER COLUMN size TYPE text"))
        for _ in range(AFTER + 2):
            assert size.rows(connection, {}) == [("5",)]
        assert len(names(connection)) == 1


def test_the_eldest_make_room(store):
    """Every one goes on working; the server does not fill up."""
    several = [Statement(sa.select(sa.literal_column(str(number)).label("n"), sa.bindparam("b_value"))) for number in range(MOST + 10)]
    with store.outside() as connection:
        for _ in range(AFTER + 2):
            for number, one in enumerate(several):
                assert one.rows(connection, {"b_value": "x"}) == [(number, "x")]
        assert len(names(connection)) == MOST


def test_a_clash_is_what_it_is_through_sqlalchemy_and_the_connection_goes_on(store):
    with store.outside(writes=True) as connection:
        for _ in range(2):
            ADD.rows(connection, row(1, f"i{_}"))
            for _again in range(AFTER + 2):
                with pytest.raises(sa.exc.IntegrityError, match="pk_record"):
                    ADD.rows(connection, row(1, f"i{_}"))
        assert len(READ.rows(connection, {"b_instance": "i1"})) == 1


def test_a_value_that_the_database_cannot_hold_is_refused_as_one(store):
    for bad in ({"actor": "x" * 65}, {"actor": "a\x00b"}):
        with pytest.raises(InvalidInput), store.outside(writes=True) as connection:
            ADD.rows(connection, row(1, **bad))


def test_a_server_process_that_is_stopped_is_told_as_unknown_and_the_next_use_has_another_connection(store):
    with pytest.raises(OutcomeUnknown), store.outside(writes=True) as connection:  # noqa: PT012 - the loss shows at the next statement
        gone = connection.connection.dbapi_connection.info.backend_pid
        with store.begin(write=True) as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": gone})
        ADD.rows(connection, row(1))
    with store.outside(writes=True) as connection:
        ADD.rows(connection, row(1))
        assert PREPARED in connection.connection.info
        assert connection.connection.dbapi_connection.info.backend_pid != gone


@pytest.mark.parametrize("kill", [False, True], ids=["immediate", "SIGKILL"])
@pytest.mark.parametrize("noticed", [False, True], ids=["not noticed", "noticed"])
def test_a_server_that_is_gone_is_told_as_unknown_whenever_that_shows(kill, noticed):
    """Also where libpq does not know yet that the connection is lost, and where it knew before it sent anything."""
    with postgres_server(durable=False) as server:
        one = Database(server.database())
        create(one)
        lent = [one.outside(writes=True) for _ in range(2)]
        connections = [each.__enter__() for each in lent]
        for _ in range(AFTER + 1):  # prepared on the first, not on the second
            READ.rows(connections[0], {"b_instance": "i"})
        server.stop_at_once(kill=kill)
        for connection, each in zip(connections, lent, strict=True):
            if noticed:
                connection.connection.dbapi_connection.pgconn.exec_(b"SELECT 1")
            with pytest.raises(sa.exc.OperationalError) as caught:
                ADD.rows(connection, row(1))
            assert caught.value.connection_invalidated
            with pytest.raises(OutcomeUnknown):
                each.__exit__(type(caught.value), caught.value, None)
        one.close()


def test_when_libpq_cannot_send_the_connection_is_used_no_more(store):
    """It may have queued a part of the statement, which the next one would carry out."""
    with pytest.raises(OutcomeUnknown), store.outside(writes=True) as connection:  # noqa: PT012 - the next statement is meant
        connection.connection.dbapi_connection.pgconn.enter_pipeline_mode()  # in which libpq refuses to wait for a result
        ADD.rows(connection, row(1))
    with store.outside(writes=True) as connection:
        ADD.rows(connection, row(1))


def test_a_statement_that_the_server_has_already_is_used(store):
    """Behind a pooler other clients have prepared on the same server."""
    with store.outside(writes=True) as first, store.outside(writes=True) as second:
        for seq in range(1, AFTER + 2):
            ADD.rows(first, row(seq))
            ADD.rows(second, row(seq, "j"))
        assert names(first) == names(second)
        first.connection.info[PREPARED]._names.clear()  # it forgot, the server did not
        for seq in range(100, 100 + AFTER + 2):
            ADD.rows(first, row(seq))
        assert names(first) == names(second)


def test_other_threads_go_on_while_one_waits_for_the_server(store):
    """A statement that waits for a lock must not hold Python's own."""
    with store.begin(write=True) as holder:
        holder.execute(sa.text("LOCK TABLE record"))
        begun, done = Event(), Event()

        def wait():
            with store.outside(writes=True) as connection:
                begun.set()
                ADD.rows(connection, row(1))
            done.set()

        thread = Thread(target=wait, daemon=True)
        thread.start()
        assert begun.wait(30)
        waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
        while not holder.scalar(waiting):  # reached only when this thread may run
            pass
        assert not done.is_set()
    assert done.wait(30)
    thread.join()
