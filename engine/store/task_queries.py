"""SQL of the worklist, no policy. A list is merged from a few walks along an index, one for each group of the reader (`walks`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.errors import InvalidInput
from engine.model.actors import Actor
from engine.model.values import iso
from engine.model.views import COUNTED, Page, TaskFilter, TaskRow, WorklistCounts
from engine.store import rows, search
from engine.store.paging import decode_cursor, encode_cursor, following, ordered, page_size
from engine.store.task_tables import FAR, user_task
from engine.store.walks import SORTS, Walk, filtered, free, of_instances, own, searched, walks


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
        sort, descending = wanted.sort.lstrip("-"), wanted.sort.startswith("-")
        if sort not in SORTS:
            raise InvalidInput(f"Sort by one of {', '.join(SORTS)}.")
        after = decode_cursor(wanted.cursor, SORTS[sort][2], str, int)
        size = page_size(wanted.size)
        steps = []
        for walk in self._ways(actor, wanted, now):
            order = walk.order(sort)
            query = walk.select(order[0].label("sorted_by"), *order[1:])
            if after is not None:
                query = query.where(following(order, after, descending=descending))
            steps.append(query.order_by(*ordered(order, descending=descending)).limit(size + 1))
        if not steps:
            return Page(())
        found = self.connection.execute(_merged(steps, size + 1, descending=descending)).all()
        tasks = [rows.task(r) for r in found[:size]]
        if len(found) <= size:
            return Page(tasks)
        last = tasks[-1]
        keyed: dict[str, Any] = {"due": iso(last.due or FAR), "created": iso(last.created_at), "priority": last.priority, "name": last.name}
        return Page(tasks, encode_cursor(keyed[sort], last.instance_id, last.key))

    def _ways(self, actor: Actor, wanted: TaskFilter, now: datetime) -> list[Walk]:
        """The walks that a filter leaves. Few rows that an index finds are fetched and sorted; among many, the walk soon meets enough of them."""
        found, names = None, search.names_of_element(self.connection, wanted.element_id) if wanted.element_id else ()
        if wanted.text and wanted.view != "every" and wanted.state == "open":
            found = search.Found(search.instances(self.connection, wanted.text), search.names(self.connection, wanted.text))
        ways = [filtered(walk, wanted, names, now) for walk in walks(actor, wanted.view, wanted.state)]
        if wanted.text:
            ways = [one for one in (searched(way, wanted.text, found) for way in ways) if one is not None]
        if found is not None and found.instances:
            ways.append(replace(filtered(of_instances(actor, wanted.view, found.instances), wanted, names, now), narrow=None))
        narrow = [(place, way, way.narrow) for place, way in enumerate(ways) if way.narrow is not None]
        counted = search.how_many(self.connection, [way.narrowed(one) for _, way, one in narrow])
        for (place, way, one), count in zip(narrow, counted, strict=True):
            if count <= search.FEW:
                ways[place] = way.of_few(one)
        return ways

    def counts(self, actor: Actor, now: datetime, day_end: datetime) -> WorklistCounts:
        """Numbers above the worklist; counting stops one beyond COUNTED."""
        mine, offered = [own(actor)], free(actor)
        return WorklistCounts(
            mine=self._count(mine),
            groups=self._count(offered),
            due_today=self._count([*offered, *mine], now, day_end),
            overdue=self._count([*offered, *mine], None, now),
        )

    def _count(self, counted: Sequence[Walk], since: datetime | None = None, until: datetime | None = None) -> int:
        """Where there is much, one list is enough to know that."""
        steps = []
        for walk in counted:
            due, *task = walk.order("due")
            query = walk.select(*task).order_by(due, *task)
            query = query.where(due >= since) if since is not None else query
            steps.append(query.where(due < until) if until is not None else query)
        if max(search.how_many(self.connection, steps[:1], COUNTED)) > COUNTED:
            return COUNTED + 1
        together = sa.union(*(sa.select(step.limit(COUNTED + 1).subquery()) for step in steps)).limit(COUNTED + 1).subquery()
        return self.connection.scalar(sa.select(sa.func.count()).select_from(together)) or 0


def _merged(steps: Sequence[sa.Select[Any]], limit: int, *, descending: bool) -> sa.Select[Any]:
    """The first `limit` of all walks with everything that a row shows. A task that is offered to several groups comes once."""
    parts = [sa.select(step.subquery()) for step in steps]
    together = (sa.union(*parts) if len(parts) > 1 else parts[0]).subquery()
    order = ordered((together.c.sorted_by, together.c.instance_id, together.c.key), descending=descending)
    first = sa.select(together).order_by(*order).limit(limit).subquery()
    same = sa.and_(user_task.c.instance_id == first.c.instance_id, user_task.c.key == first.c.key)
    order = ordered((first.c.sorted_by, first.c.instance_id, first.c.key), descending=descending)
    return sa.select(*rows.TASK_COLUMNS).select_from(rows.named(first.join(user_task, same))).order_by(*order)
