"""Two installations with open work of every kind: 1,000 tasks that the engine made, and the same ones many times over.

The large one is the small one, copied row by row within its database: other ids, keys and moments, all else as the engine's own projections wrote it.
Histories are not copied (a record's body is empty), so it is good for reading lists and for nothing else.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.bootstrap import Flowledger
from engine.model.actors import SYSTEM, Actor
from engine.model.commands import Claim, Complete, Deploy, PutUser, Start
from engine.model.values import iso
from engine.projections.user_tasks import offers
from engine.store import tables, task_tables
from engine.store.database import Database
from engine.store.search import words
from tests.benchmarks.installation import Installation, install
from tests.support.diagrams import END, START, chain, process, user

TASKS = 1_000
SAMPLE = 300  # copies that are compared with what the projections write
AT_ONCE = 20  # copies in one transaction
PASSWORD = "only for the benchmark"
READER = Actor("reader", "Reader", frozenset({"g0", "g1", "g2"}), frozenset({"staff"}))
OWNER = Actor("owner", "Owner", frozenset(), frozenset({"process_owner"}))
WHEN = 'camunda:dueDate="${due}" camunda:followUpDate="${follow_up}" camunda:priority="${priority}"'
OFFERS = {
    "inspect": 'camunda:candidateGroups="${group}"',
    "approve": 'camunda:candidateGroups="${group},g1" camunda:candidateUsers="${person}"',
    "calibrate": 'camunda:candidateGroups="${group}" camunda:candidateUsers="${person}"',
    "notify": "",
}
CHECKED = process(
    START + user("prepare") + user("to_check", f'flowledger:excludes="prepare" camunda:candidateGroups="${{group}}" {WHEN}') + END
    + chain("start", "prepare", "to_check", "end"),
    "check",
)  # fmt: skip
COPIED = (tables.instance, tables.instance_word, task_tables.user_task, task_tables.task_candidate, tables.record)
MOVED = {"started_at", "created_at", "at", "due", "follow_up"}


@dataclass(frozen=True, slots=True)
class Filled:
    """An installation with so many open tasks."""

    installation: Installation
    tasks: int


def small(database: str) -> Filled:
    """1,000 open tasks, made by commands: of 8 groups, for persons, for everybody, held, with and without due and follow-up dates, four eyes."""
    installation = install(database)
    app = installation.open()
    try:
        for actor in (READER, OWNER):
            app.execute(PutUser(actor.id, actor.name, tuple(actor.roles), tuple(actor.groups), PASSWORD), SYSTEM)
        files = {
            f"{name}.bpmn": process(START + user(f"to_{name}", f"{offer} {WHEN}") + END + chain("start", f"to_{name}", "end"), name)
            for name, offer in OFFERS.items()
        }
        app.execute(Deploy(files | {"check.bpmn": CHECKED}, "benchmark"), SYSTEM)
        chance = random.Random(1)  # the same tasks every time
        for number in range(TASKS):
            _one(app, number, chance)
    finally:
        app.close()
    return Filled(installation, TASKS)


def _one(app: Flowledger, number: int, chance: random.Random) -> None:
    kind = "notify" if chance.random() < 0.02 else chance.choice(("inspect", "inspect", "calibrate", "check", "approve"))
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=chance.randrange(-120, 280))
    group = chance.randrange(8)
    values = {
        "group": f"g{group}",
        "person": READER.id if chance.random() < 0.04 else None,
        "due": None if chance.random() < 0.1 else iso(due),
        "follow_up": iso(due - timedelta(days=5)) if chance.random() < 0.05 else None,
        "priority": chance.randrange(30, 80, 10),
    }
    started = app.execute(Start(kind, values, f"PO-2026-{number:05}"), READER if chance.random() < 0.03 else SYSTEM)
    [task] = started.task_ids
    if kind == "check":
        [task] = app.execute(Complete(task, {}), READER if chance.random() < 0.1 else SYSTEM).task_ids
    elif chance.random() < 0.05:
        app.execute(Claim(task), READER if group < 3 or kind == "notify" else SYSTEM)


def large(database: str, tasks: int) -> Filled:
    """A small one, `tasks` / 1,000 times over."""
    filled = small(database)
    store = Database(database)
    try:
        with store.begin(write=True) as connection:
            indexes = _drop_indexes(connection)
            for table in COPIED:
                connection.exec_driver_sql(f"CREATE TABLE base_{table.name} AS SELECT * FROM {table.name}")
        for first in range(1, tasks // TASKS, AT_ONCE):
            with store.begin(write=True) as connection:
                for table in COPIED:
                    connection.execute(_copy(table, connection.dialect.name), {"b_first": first, "b_end": min(first + AT_ONCE, tasks // TASKS)})
                connection.execute(_number_words(), {"b_first": first, "b_end": min(first + AT_ONCE, tasks // TASKS)})
        with store.begin(write=True) as connection:
            for ddl in (*indexes, *(f"DROP TABLE base_{table.name}" for table in COPIED)):
                connection.exec_driver_sql(ddl)
        _settle(store)
        with store.begin(write=False) as connection:
            _check(connection, tasks)
    finally:
        store.close()
    return Filled(filled.installation, tasks)


def _check(connection: Connection, tasks: int) -> None:
    """So many tasks are open, and what was copied stands as the projections would have written it. Raises AssertionError."""
    user_task, candidate, word = task_tables.user_task, task_tables.task_candidate, tables.instance_word
    found = connection.scalar(sa.select(sa.func.count()).select_from(user_task).where(user_task.c.state == "open"))
    if found != tasks:
        raise AssertionError(f"{found} open tasks instead of {tasks}")
    for row in connection.execute(sa.select(user_task).where(user_task.c.instance_id.contains("-")).limit(SAMPLE)).mappings().all():
        of_task = (candidate.c.instance_id == row["instance_id"], candidate.c.key == row["key"])
        written = [dict(one) for one in connection.execute(sa.select(candidate).where(*of_task)).mappings()]
        of_instance = connection.scalars(sa.select(word.c.word).where(word.c.instance_id == row["instance_id"]))
        by_name = itemgetter("kind", "name")
        if sorted(written, key=by_name) != sorted(offers(dict(row)), key=by_name) or sorted(of_instance) != sorted(words(row["business_key"])):
            raise AssertionError(f"{row['instance_id']} does not stand as the engine would have written it")


def _drop_indexes(connection: Connection) -> list[str]:
    """Indexes beside the keys, as the statements that make them again: filling first is several times as fast."""
    names = [table.name for table in COPIED]
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN :names"
    else:
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN :names AND indexdef NOT LIKE 'CREATE UNIQUE%'"
    found = connection.execute(sa.text(query).bindparams(sa.bindparam("names", names, expanding=True))).all()
    for name, _ in found:
        connection.exec_driver_sql(f"DROP INDEX {name}")
    return [ddl for _, ddl in found]


def _numbers() -> sa.CTE:
    numbers = sa.select(sa.bindparam("b_first", type_=sa.Integer).label("n")).cte("numbers", recursive=True)
    return numbers.union_all(sa.select(numbers.c.n + 1).where(numbers.c.n + 1 < sa.bindparam("b_end", type_=sa.Integer)))


def _number_words() -> sa.Insert:
    """The word that the copy's number adds to a business key."""
    numbers, base = _numbers(), sa.table("base_instance", sa.column("id"))
    rows = sa.select(sa.cast(numbers.c.n, sa.Text), _copied_id(base.c.id, numbers.c.n)).select_from(base.join(numbers, sa.true()))
    return tables.instance_word.insert().from_select(["word", "instance_id"], rows)


def _copied_id(here: sa.ColumnElement[object], number: sa.ColumnElement[int]) -> sa.ColumnElement[object]:
    return sa.cast(number * 7919 % 100_003, sa.Text).concat("-").concat(here)


def _copy(table: sa.Table, dialect: str) -> sa.Insert:
    """The rows of the small installation once for each number from `b_first` to before `b_end`."""
    numbers = _numbers()
    base = sa.table(f"base_{table.name}", *(sa.column(c.name, c.type) for c in table.c))
    columns = [_copied(column, base, numbers.c.n, dialect).label(column.name) for column in table.c]
    rows = sa.select(*columns).select_from(base.join(numbers, sa.true()))
    return table.insert().from_select([c.name for c in table.c], rows)


def _copied(column: sa.Column[object], base: sa.FromClause, number: sa.ColumnElement[int], dialect: str) -> sa.ColumnElement[object]:
    here: sa.ColumnElement[object] = base.c[column.name]
    if column.name in ("id", "instance_id"):
        return _copied_id(here, number)
    if column.name in ("business_key", "word"):
        return here.concat("-").concat(sa.cast(number, sa.Text))
    if column.name == "request_id":
        return sa.null()
    if column.name == "body":
        return sa.literal(b"", column.type)
    if column.name in MOVED:
        return _moved(here, number, dialect)
    if column.name == "sort_due":
        return sa.case((here < task_tables.FAR, _moved(here, number, dialect)), else_=here)
    return here


def _moved(moment: sa.ColumnElement[object], number: sa.ColumnElement[int], dialect: str) -> sa.ColumnElement[object]:
    """Up to six days earlier or later, written as the engine writes it."""
    seconds = number * 37_199 % 1_036_801 - 518_400
    if dialect == "sqlite":
        return sa.type_coerce(sa.func.strftime("%Y-%m-%d %H:%M:%f", moment, sa.cast(seconds, sa.Text).concat(" seconds")).concat("000"), sa.Text)
    return moment + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def _settle(store: Database) -> None:
    """What PostgreSQL does by itself after a while: it knows its tables and what everybody sees of them."""
    if store.is_sqlite:
        return
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in COPIED:
            connection.exec_driver_sql(f"VACUUM ANALYZE {table.name}")
