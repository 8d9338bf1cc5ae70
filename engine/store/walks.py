"""Whose open tasks a list shows, as ranges of the indexes of `task_candidate` and `user_task`, and the filters of a worklist upon them.

`engine.identity.policy.may_work_on` says the same of one task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.errors import InvalidInput
from engine.model.actors import Actor
from engine.model.views import TaskFilter
from engine.store import rows
from engine.store.search import FEW, Found
from engine.store.task_tables import FAR, task_candidate, user_task

VIEWS = frozenset({"mine", "groups", "all", "due", "overdue", "followup", "every"})
SORTS: dict[str, tuple[str, str, type]] = {  # column of task_candidate, of user_task, kind of its part of a cursor
    "due": ("sort_due", "sort_due", datetime),
    "created": ("created_at", "created_at", datetime),
    "priority": ("priority", "priority", int),
    "name": ("task_name", "name", str),
}

EVERY = 1_000_000  # no limit, but a part of a query that is planned for itself

Where = tuple[sa.ColumnElement[bool], ...]
Condition = Callable[[sa.FromClause], sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Narrow:
    """A filter on one column that an index serves; `order`: that index's, after kind and name."""

    column: str
    test: Callable[[sa.ColumnElement[Any]], sa.ColumnElement[bool]]
    order: tuple[str, ...]

    def where(self, table: sa.FromClause) -> sa.ColumnElement[bool]:
        """The filter."""
        return self.test(table.c[self.column])

    def row_by_row(self, table: sa.FromClause) -> sa.ColumnElement[bool]:
        """The same, told in a way that no index serves: the table is walked in the order of the list, not read by this filter and sorted.

        PostgreSQL takes half of the rows to pass it; of an equality that no column's statistics tell about it would expect hardly any, and sort.
        """
        return sa.case((self.where(table), sa.true()), else_=sa.false())


@dataclass(frozen=True, slots=True)
class Walk:
    """Rows of a table: `range` is one range of each of its indexes, `also` what is looked at row by row.

    `whose`: kind and name of a list in `task_candidate` (empty: of all); None: the table is `user_task`. `joined`: `also` asks for columns of `user_task`.
    `repeated`: a task may come several times. `narrow`: another way to the same rows.
    """

    table: sa.FromClause
    range: Where
    also: tuple[Condition, ...] = ()
    whose: tuple[str, str] | None = None
    joined: bool = False
    repeated: bool = False
    narrow: Narrow | None = None

    @property
    def offered(self) -> bool:
        """Has the table the columns of `task_candidate`?"""
        return self.whose is not None

    def order(self, sort: str) -> tuple[sa.ColumnElement[Any], ...]:
        """What the list is sorted by; the task's id makes it unique."""
        offered, held, _ = SORTS[sort]
        return (self.table.c[offered if self.offered else held], self.table.c.instance_id, self.table.c.key)

    def select(self, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        """The rows."""
        query = sa.select(*columns).where(*self.range, *(condition(self.table) for condition in self.also))
        if self.joined and self.offered:
            same = sa.and_(user_task.c.instance_id == self.table.c.instance_id, user_task.c.key == self.table.c.key)
            query = query.select_from(self.table.join(user_task, same))
        return query.distinct() if self.repeated else query

    def entries(self, *where: sa.ColumnElement[bool], order: tuple[str, ...] = ("sort_due", "instance_id", "key")) -> sa.Select[Any]:
        """What an index has of the range, to be counted: no row is read. `also` is left aside."""
        return sa.select(sa.literal_column("1")).where(*self.range, *where).order_by(*(self.table.c[name] for name in order))

    def narrowed(self, narrow: Narrow) -> sa.Select[Any]:
        """What `narrow` leaves, by its index."""
        return self.entries(narrow.where(self.table), order=narrow.order).with_only_columns(*self.table.c)

    def of_few(self, narrow: Narrow) -> Walk:
        """The same rows, of a part of the table that is known to be small; it is fetched as a whole."""
        return replace(self, table=self.narrowed(narrow).limit(FEW).subquery(), range=(), narrow=None)


def lists_of(actor: Actor) -> list[tuple[str, str]]:
    """(kind, name) of `task_candidate` under which free work stands for the actor."""
    return [*(("group", name) for name in sorted(actor.groups)), ("user", actor.id), ("any", "")]


def admitted(actor: Actor) -> Condition:
    """Not kept from the task by four eyes."""

    def condition(table: sa.FromClause) -> sa.ColumnElement[bool]:
        excluded = table.c.excluded_users
        return sa.or_(excluded == "[]", sa.not_(excluded.contains(f'"{actor.id}"', autoescape=True)))

    return condition


def has_work(actor: Actor, instance_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Is open work of this instance the actor's own, or free for them?

    Not EXISTS: asked of each instance of a list, PostgreSQL would rather read all work of the actor at once, where a page asks of a few.
    """
    free = sa.and_(sa.tuple_(task_candidate.c.kind, task_candidate.c.name).in_(lists_of(actor)), admitted(actor)(task_candidate))
    held = sa.and_(task_candidate.c.kind == "held", task_candidate.c.name == actor.id)
    found = sa.select(task_candidate.c.key).where(task_candidate.c.instance_id == instance_id, sa.or_(free, held)).limit(1)
    return found.scalar_subquery().is_not(None)


def own(actor: Actor, state: str = "open") -> Walk:
    """Tasks that the actor holds, or held when they ended."""
    if state == "open":
        return _list("held", actor.id)
    return Walk(user_task, (user_task.c.assignee == actor.id, user_task.c.state == state))


def free(actor: Actor, state: str = "open") -> list[Walk]:
    """Tasks that nobody holds and the actor may take. Of ended ones only those that were offered to everybody are still known as such."""
    if state == "open":
        return [_list(kind, name, admitted(actor)) for kind, name in lists_of(actor)]
    anybody = (user_task.c.candidate_groups == "[]", user_task.c.candidate_users == "[]")
    return [Walk(user_task, (user_task.c.state == state, user_task.c.assignee.is_(None), *anybody), (admitted(actor),))]


def _list(kind: str, name: str, *also: Condition) -> Walk:
    return Walk(task_candidate, (task_candidate.c.kind == kind, task_candidate.c.name == name), also, (kind, name))


def walks(actor: Actor, view: str, state: str) -> list[Walk]:
    """Which rows a view shows to an actor. Raises InvalidInput for a view that is none."""
    match view:
        case "every" if state == "open":
            return [Walk(task_candidate, (), whose=("", ""), repeated=True)]
        case "every":
            return [Walk(user_task, (user_task.c.state == state,))]
        case "mine":
            return [own(actor, state)]
        case "groups":
            return free(actor, state)
        case _ if view in VIEWS:
            return [own(actor, state), *free(actor, state)]
        case _:
            raise InvalidInput("View is one of mine, groups, all, due, overdue, followup, every.")


def of_instances(actor: Actor, view: str, ids: tuple[str, ...]) -> Walk:
    """What a view shows of these instances, all lists together."""
    lists = [*([("held", actor.id)] if view != "groups" else []), *(lists_of(actor) if view != "mine" else [])]
    # Whose they are is asked in a way that no index serves: the ids are looked up, not the whole lists read.
    whose = (task_candidate.c.kind + "/" + task_candidate.c.name).in_(["/".join(one) for one in lists])
    few = sa.select(task_candidate).where(task_candidate.c.instance_id.in_(ids), whose).limit(EVERY).subquery()
    return Walk(few, (), (lambda table: sa.or_(table.c.kind == "held", admitted(actor)(table)),), lists[0], repeated=True)


# --- filters --------------------------------------------------------------------------------------------------------------
def filtered(walk: Walk, wanted: TaskFilter, names: tuple[str, ...], now: datetime) -> Walk:
    """The rows of a walk that a filter leaves, its text left aside. `names`: of tasks of `wanted.element_id`."""
    walk = replace(walk, also=(*walk.also, *_conditions(wanted, now)), narrow=_narrow(wanted, now) if _is_list(walk) else None)
    if not wanted.element_id:
        return walk
    walk = replace(walk, joined=True, also=(*walk.also, lambda _: user_task.c.element_id == wanted.element_id))
    return replace(walk, also=(_named(names).row_by_row, *walk.also), narrow=_named(names)) if _is_list(walk) else walk


def _is_list(walk: Walk) -> bool:
    """Is it one list of `task_candidate`, a range of its indexes?"""
    return walk.offered and bool(walk.range)


def searched(walk: Walk, text: str, found: Found | None) -> Walk | None:
    """The rows of a walk that a text leaves; but where its business keys mean few instances, only what has it in its name (else `of_instances`)."""
    if not walk.offered or found is None:
        either = (user_task.c.name, user_task.c.business_key)
        return replace(walk, joined=True, also=(*walk.also, lambda _: sa.or_(*(rows.contains(column, text) for column in either))))
    named = _named(found.names) if found.names is not None else Narrow("task_name", lambda column: rows.contains(column, text), ())
    if found.instances is not None:
        narrow = named if named.order else None
        return replace(walk, also=(*walk.also, named.row_by_row), narrow=narrow) if found.names != () else None

    def common(table: sa.FromClause) -> sa.ColumnElement[bool]:
        return sa.or_(named.row_by_row(table), rows.contains(user_task.c.business_key, text))

    return replace(walk, joined=True, also=(*walk.also, common), narrow=None)


def _conditions(wanted: TaskFilter, now: datetime) -> list[Condition]:
    """In the order of due times an index serves them all: conditions on due times are on `sort_due`, tasks to follow up have their own index."""
    by_due = wanted.sort in ("due", "-due")
    where: list[Condition] = [lambda table: table.c.instance_id == wanted.instance_id] if wanted.instance_id else []
    found = [one for one in (_of_process(wanted), _dated(wanted.view, now)) if one is not None]
    return [*where, *(one.where if by_due else one.row_by_row for one in found)]


def _of_process(wanted: TaskFilter) -> Narrow | None:
    return Narrow("process_id", lambda column: column == wanted.process_id, ("process_id", "sort_due")) if wanted.process_id else None


def _dated(view: str, now: datetime) -> Narrow | None:
    match view:
        case "due":
            return Narrow("sort_due", lambda column: column < FAR, ("sort_due",))
        case "overdue":
            return Narrow("sort_due", lambda column: column < now, ("sort_due",))
        case "followup":
            return Narrow("follow_up", lambda column: column <= now, ("sort_due", "instance_id", "key"))
        case _:
            return None


def _narrow(wanted: TaskFilter, now: datetime) -> Narrow | None:
    """The index that serves a filter, unless it is the one that the list is walked by."""
    if wanted.instance_id:
        return Narrow("instance_id", lambda column: column == wanted.instance_id, ("instance_id", "key"))
    if wanted.sort in ("due", "-due"):
        return None
    return _of_process(wanted) or _dated(wanted.view, now)


def _named(names: tuple[str, ...]) -> Narrow:
    return Narrow("task_name", lambda column: column.in_(names), ("task_name",))
