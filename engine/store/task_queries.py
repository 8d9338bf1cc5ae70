"""SQL of the worklist, no policy. A list is merged from a few walks along an index, one for each group of the reader (`task_tables`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.errors import InvalidInput
from engine.model.actors import Actor
from engine.model.values import iso
from engine.model.views import COUNTED, Page, TaskFilter, TaskRow, WorklistCounts
from engine.store import rows
from engine.store.offers import admitted, lists_of
from engine.store.paging import decode_cursor, encode_cursor, following, ordered, page_size
from engine.store.task_tables import FAR, task_candidate, user_task

VIEWS = frozenset({"mine", "groups", "all", "due", "overdue", "followup", "every"})
SORTS: dict[str, tuple[str, str, type]] = {  # column of task_candidate, of user_task, kind of its part of a cursor
    "due": ("sort_due", "sort_due", datetime),
    "created": ("created_at", "created_at", datetime),
    "priority": ("priority", "priority", int),
    "name": ("task_name", "name", str),
}


@dataclass(frozen=True, slots=True)
class Walk:
    """Rows of `user_task` or `task_candidate` that `where` chooses: one range of each of the table's indexes."""

    table: sa.Table
    where: tuple[sa.ColumnElement[bool], ...]

    def order(self, field: str) -> tuple[sa.ColumnElement[Any], ...]:
        """What the list is sorted by; the task's id makes it unique."""
        offered, held, _ = SORTS[field]
        column = offered if self.table is task_candidate else held
        return (self.table.c[column].label("sorted_by"), self.table.c.instance_id, self.table.c.key)

    def select(self, *columns: sa.ColumnElement[Any], joined: bool = False) -> sa.Select[Any]:
        """`joined`: conditions ask for columns of `user_task`."""
        query = sa.select(*columns).where(*self.where)
        if joined and self.table is task_candidate:
            same = sa.and_(user_task.c.instance_id == task_candidate.c.instance_id, user_task.c.key == task_candidate.c.key)
            query = query.select_from(task_candidate.join(user_task, same))
        return query


def own(actor: Actor, state: str = "open") -> Walk:
    """Tasks that the actor holds, or held when they ended."""
    if state == "open":
        return Walk(task_candidate, (task_candidate.c.kind == "held", task_candidate.c.name == actor.id))
    return Walk(user_task, (user_task.c.assignee == actor.id, user_task.c.state == state))


def free(actor: Actor, state: str = "open") -> list[Walk]:
    """Tasks that nobody holds and the actor may take. Of ended ones only those that were offered to everybody are still known as such."""
    if state == "open":
        return [
            Walk(task_candidate, (task_candidate.c.kind == kind, task_candidate.c.name == name, admitted(task_candidate, actor)))
            for kind, name in lists_of(actor)
        ]
    anybody = (user_task.c.candidate_groups == "[]", user_task.c.candidate_users == "[]")
    return [Walk(user_task, (user_task.c.state == state, user_task.c.assignee.is_(None), *anybody, admitted(user_task, actor)))]


def walks(actor: Actor, view: str, state: str) -> list[Walk]:
    """Which rows a view shows to an actor. Raises InvalidInput for a view that is none."""
    match view:
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


class TaskQueries:
    """Part of the port Queries: user tasks."""

    connection: Connection

    def task(self, task_id: str) -> TaskRow | None:
        """One user task in whatever state."""
        parts = rows.split_task_id(task_id)
        if parts is None:
            return None
        where = (user_task.c.instance_id == parts[0], user_task.c.key == parts[1])
        row = self.connection.execute(sa.select(*rows.TASK_COLUMNS).select_from(rows.TASK_FROM).where(*where)).first()
        return rows.task(row) if row else None

    def worklist(self, actor: Actor, wanted: TaskFilter, now: datetime) -> Page[TaskRow]:
        """Tasks by key; `due` sorts tasks without a due time last."""
        field, descending = wanted.sort.lstrip("-"), wanted.sort.startswith("-")
        if field not in SORTS:
            raise InvalidInput(f"Sort by one of {', '.join(SORTS)}.")
        after = decode_cursor(wanted.cursor, SORTS[field][2], str, int)
        size = page_size(wanted.size)
        steps = []
        for walk in walks(actor, wanted.view, wanted.state):
            order = walk.order(field)
            query = walk.select(*order, joined=bool(wanted.element_id or wanted.text)).where(*_chosen(walk.table, wanted, now))
            if after is not None:
                query = query.where(following(_plain(order), after, descending=descending))
            steps.append(query.order_by(*ordered(_plain(order), descending=descending)).limit(size + 1))
        found = self.connection.execute(_merged(steps, size + 1, descending=descending)).all()
        tasks = [rows.task(r) for r in found[:size]]
        if len(found) <= size:
            return Page(tasks)
        last = tasks[-1]
        keyed: dict[str, Any] = {"due": iso(last.due or FAR), "created": iso(last.created_at), "priority": last.priority, "name": last.name}
        return Page(tasks, encode_cursor(keyed[field], last.instance_id, last.key))

    def counts(self, actor: Actor, now: datetime, day_end: datetime) -> WorklistCounts:
        """Numbers above the worklist; counting stops one beyond COUNTED."""
        mine, offered = [own(actor)], free(actor)
        return WorklistCounts(
            mine=self._count(mine),
            groups=self._count(offered),
            due_today=self._count([*mine, *offered], now, day_end),
            overdue=self._count([*mine, *offered], None, now),
        )

    def _count(self, counted: Sequence[Walk], since: datetime | None = None, until: datetime | None = None) -> int:
        steps = []
        for walk in counted:
            due = walk.table.c.sort_due
            query = walk.select(walk.table.c.instance_id, walk.table.c.key)
            query = query.where(due >= since) if since is not None else query
            steps.append((query.where(due < until) if until is not None else query).limit(COUNTED + 1))
        together = sa.union(*(sa.select(step.subquery()) for step in steps)).limit(COUNTED + 1).subquery()
        return self.connection.scalar(sa.select(sa.func.count()).select_from(together)) or 0


def _plain(order: Sequence[sa.ColumnElement[Any]]) -> list[sa.ColumnElement[Any]]:
    """Columns without their labels."""
    return [getattr(c, "element", c) for c in order]


def _chosen(table: sa.Table, wanted: TaskFilter, now: datetime) -> list[sa.ColumnElement[bool]]:
    """The filters. Conditions on due times are on `sort_due`, which the indexes hold."""
    where: list[sa.ColumnElement[bool]] = []
    if wanted.instance_id:
        where.append(table.c.instance_id == wanted.instance_id)
    if wanted.process_id:
        where.append(table.c.process_id == wanted.process_id)
    if wanted.element_id:
        where.append(user_task.c.element_id == wanted.element_id)
    if wanted.text:
        where.append(sa.or_(rows.contains(user_task.c.name, wanted.text), rows.contains(user_task.c.business_key, wanted.text)))
    match wanted.view:
        case "due":
            where.append(table.c.sort_due < FAR)
        case "overdue":
            where.append(table.c.sort_due < now)
        case "followup":
            where.append(table.c.follow_up <= now)
        case _:
            pass
    return where


def _merged(steps: Sequence[sa.Select[Any]], limit: int, *, descending: bool) -> sa.Select[Any]:
    """The first `limit` of all walks with everything that a row shows. A task that is offered to several groups comes once."""
    parts = [sa.select(step.subquery()) for step in steps]
    together = (sa.union(*parts) if len(parts) > 1 else parts[0]).subquery()
    order = ordered((together.c.sorted_by, together.c.instance_id, together.c.key), descending=descending)
    first = sa.select(together).order_by(*order).limit(limit).subquery()
    same = sa.and_(user_task.c.instance_id == first.c.instance_id, user_task.c.key == first.c.key)
    order = ordered((first.c.sorted_by, first.c.instance_id, first.c.key), descending=descending)
    return sa.select(*rows.TASK_COLUMNS).select_from(rows.named(first.join(user_task, same))).order_by(*order)
