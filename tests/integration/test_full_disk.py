"""A real server whose database has no room left: a clear error, reading goes on, and when there is room again everything goes on by itself.

On a small file system that is really full, where the machine lets tests mount one. Else, and in any case once more, SQLite's files may not grow beyond
a limit, and PostgreSQL answers as it does then (SQLSTATE 53100).
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from engine.store import tables
from tests.crash.clients import Caller
from tests.crash.nodes import answers, install, web_node
from tests.support.diagrams import END, START, chain, process, user
from tests.support.disk import small_disk
from tests.support.nodes import kinds, running, scalar, start, timed, until
from tests.support.postgres import postgres_server

TWO = process(START + user("a", 'camunda:candidateGroups="clerks"') + END + chain("start", "a", "end"), "two")
ATTEMPTS = 2000
LATE = timedelta(seconds=1)


@pytest.fixture(scope="module")
def server():
    with postgres_server() as one:
        yield one


@dataclass
class Room:
    """`database`: its address; `take` all room from a running node, `give` it back."""

    database: str
    take: Callable[[Any], None]
    give: Callable[[Any], None]


@contextmanager
def sqlite_file(tmp_path, _server):
    """A real full disk, else files that may not grow."""
    with small_disk(tmp_path / "disk") as disk:
        database = f"sqlite:///{tmp_path / 'disk' / 'flowledger.sqlite3'}"
        yield Room(database, lambda _: disk.fill(), lambda _: disk.free()) if disk is not None else limited(database)


@contextmanager
def sqlite_limit(tmp_path, _server):
    yield limited(f"sqlite:///{tmp_path / 'flowledger.sqlite3'}")


def limited(database):
    def limit(node, size):
        main = psutil.Process(node.process.pid)
        for one in (main, *main.children(recursive=True)):
            resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    return Room(database, lambda node: limit(node, 100_000), lambda node: limit(node, resource.RLIM_INFINITY))


@contextmanager
def postgresql_space(tmp_path, server):
    """The database in a tablespace of its own on a real full disk; PostgreSQL's log stays where there is room."""
    with TemporaryDirectory() as outside, small_disk(Path(outside) / "disk") as disk, ExitStack() as stack:
        if disk is None:
            yield stack.enter_context(postgresql_answer(tmp_path, server))
            return
        folder, name = disk.path / "space", f"full_{os.getpid()}"
        folder.mkdir()
        owner = server.process.uids().real
        os.chown(folder, owner, -1)
        # Not in `tmp_path`: another pytest that starts on this machine closes that to the user who PostgreSQL runs as.
        for path in (disk.path, disk.path.parent):
            path.chmod(0o711)
        url = make_url(server.database())
        with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE {name} LOCATION '{folder}'")  # type: ignore[call-overload]
            connection.execute(f"CREATE DATABASE {name} TABLESPACE {name}")  # type: ignore[call-overload]
        try:
            yield Room(url.set(database=name).render_as_string(hide_password=False), lambda _: disk.fill(), lambda _: disk.free())
        finally:
            with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]
                connection.execute(f"DROP TABLESPACE {name}")  # type: ignore[call-overload]


@contextmanager
def postgresql_answer(_tmp_path, server):
    """What it says when a file cannot be extended, to every record."""
    database = server.database()

    def change(*statements):
        with psycopg.connect(make_url(database).set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True) as connection:
            for one in statements:
                connection.execute(one)

    function = (
        "CREATE FUNCTION no_room() RETURNS trigger AS $$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END$$ LANGUAGE plpgsql"
    )
    take = (function, "CREATE TRIGGER no_room BEFORE INSERT ON record EXECUTE FUNCTION no_room()")
    yield Room(database, lambda _: change(*take), lambda _: change("DROP FUNCTION no_room CASCADE"))


@pytest.mark.parametrize("room", [sqlite_file, sqlite_limit, postgresql_space, postgresql_answer], ids=lambda one: one.__name__)
def test_without_room_the_error_is_clear_and_reading_goes_on_and_with_room_everything(room, server, tmp_path):
    with room(tmp_path, server) as place:
        installation = install(place.database, tmp_path, {"two.bpmn": TWO, "soon.bpmn": timed("soon", "PT3S")})
        web = web_node(installation)
        with running(web):
            caller = Caller(web.port, installation.token)
            first = start(caller, "two")
            start(caller, "soon")
            place.take(web)
            refused, acknowledged = until_refused(caller)
            assert refused["type"].endswith((":StorageFull", ":NotAvailable", ":OutcomeUnknown")), refused
            if room is not sqlite_limit:  # SQLite calls a file that may not grow a fault of the disk
                assert refused["type"].endswith(":StorageFull"), refused
            assert caller.send("GET", f"/api/v1/instances/{first}")[0] == 200
            assert caller.send("GET", "/api/v1/instances")[0] == 200
            assert answers(web.port)
            until(lambda: overdue(place.database))  # the timer cannot fire
            assert web.alive
            place.give(web)
            caller.close()
            start(caller, "two", "again")
            until(lambda: kinds(place.database, "TriggerTimer") == 1)
            # An answer that was cut off at COMMIT may have been saved or not; each other one was told.
            assert scalar(place.database, sa.select(sa.func.count()).select_from(tables.instance)) in range(3 + acknowledged, 3 + acknowledged + 2)
        if place.database.startswith("sqlite"):
            assert scalar(place.database, sa.text("PRAGMA integrity_check")) == "ok"
        assert installation.flowledger("verify").returncode == installation.flowledger("replay").returncode == 0


def overdue(database):
    return scalar(database, sa.select(tables.job.c.id).where(tables.job.c.kind == "timer", tables.job.c.due_at < datetime.now(UTC) - LATE))


def until_refused(caller):
    """What the first command was told that found no room, and how many were carried out before it."""
    for count in range(ATTEMPTS):
        status, answer = caller.send("POST", "/api/v1/instances", {"process_id": "two", "variables": {"text": "x" * 20_000}})
        if status != 201:
            assert status == 503, answer
            return answer, count
    raise AssertionError("there was room for everything")
