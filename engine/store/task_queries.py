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
from engine.model.work_ids import split_work_id
from engine.store import rows, search
from engine.store.paging import decode_cursor, encode_cursor, following, ordered, page_size
from engine.store.task_tables import FAR, task_candidate, user_task
from engine.store.walks import SORTS, Walk, Where, filtered, free, of_instances, own, searched, walks

_KEY = ("sorted_by", "instance_id", "key")


class TaskQueries:
    """Part of the port Queries: user tasks."""

    connection: Connection

    def task(self, task_id: str) -> TaskRow | None:
        """One user task in whatever state."""
        parts = split_work_id(task_id)
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
            steps.append(query if after is None else query.where(following(order, after, descending=descending)))
        if not steps:
            return Page(())
        merged = (_in_step if self.connection.dialect.name == "sqlite" else _first_of_each)(steps, size + 1, descending=descending)
        found = self.connection.execute(_shown(merged.subquery(), descending=descending)).all()
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
        counted = search.how_many(self.connection, [way.entries(one.where(way.table), order=one.order) for _, way, one in narrow])
        for (place, way, one), count in zip(narrow, counted, strict=True):
            if count <= search.FEW:
                ways[place] = way.of_few(one)
        return ways

    def counts(self, actor: Actor, now: datetime, day_end: datetime) -> WorklistCounts:
        """Numbers above the worklist; counting stops one beyond COUNTED."""
        mine, offered = [own(actor)], free(actor)
        due = task_candidate.c.sort_due
        wanted: list[tuple[list[Walk], Where]] = [
            (mine, ()),
            (offered, ()),
            ([*offered, *mine], (due >= now, due < day_end)),
            ([*offered, *mine], (due < now,)),
        ]
        found = list(self.connection.execute(sa.select(*(_stopping(*one) for one in wanted))).one())
        return WorklistCounts(*found)


def _stopping(walks: Sequence[Walk], when: Where) -> sa.ColumnElement[int]:
    """Tasks of these lists. Where there is much, the first list's index is enough to know that: no row and no other list is read."""
    much = search.counted(walks[0].entries(*when, walks[0].table.c.excluding.is_(False)), COUNTED)
    return sa.case((much > COUNTED, COUNTED + 1), else_=search.counted(_together(walks, when), COUNTED))


def _together(walks: Sequence[Walk], when: Where) -> sa.Select[Any]:
    """Tasks of all these lists; one that is offered to several groups counts once."""
    steps = (walk.select(*walk.order("due")[1:]).where(*when).order_by(walk.order("due")[0]).limit(COUNTED + 1) for walk in walks)
    return sa.select(sa.union(*(sa.select(step.subquery()) for step in steps)).subquery())


def _in_step(steps: Sequence[sa.Select[Any]], limit: int, *, descending: bool) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    """The first `limit` of all walks. SQLite goes along all of them at once and reads of each only what is shown. A task that is offered to several groups comes once."""
    together = sa.union(*steps) if len(steps) > 1 else steps[0]
    return together.order_by(*ordered([together.selected_columns[name] for name in _KEY], descending=descending)).limit(limit)


def _first_of_each(steps: Sequence[sa.Select[Any]], limit: int, *, descending: bool) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    """The same where a union is not read in step: the first `limit` of each walk, sorted."""
    return _in_step([sa.select(_in_step([step], limit, descending=descending).subquery()) for step in steps], limit, descending=descending)


def _shown(first: sa.Subquery, *, descending: bool) -> sa.Select[Any]:
    """With everything that a row shows."""
    same = sa.and_(user_task.c.instance_id == first.c.instance_id, user_task.c.key == first.c.key)
    order = ordered([first.c[name] for name in _KEY], descending=descending)
    return sa.select(*rows.TASK_COLUMNS).select_from(rows.named(first.join(user_task, same))).order_by(*order)
