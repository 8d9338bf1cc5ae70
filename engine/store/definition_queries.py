"""SQL of process definitions: versions with their instances by state, and what their user tasks took. No policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.model.views import DefinitionRow, ElementStatistic
from engine.store import rows
from engine.store.tables import incident, instance, process_definition
from engine.store.task_tables import user_task


class DefinitionQueries:
    """Part of the port Queries: process definitions."""

    connection: Connection

    def process_names(self) -> dict[str, str]:
        """Of the newest version of each process, by process id; in the order of names."""
        query = sa.select(process_definition.c.process_id, process_definition.c.name).order_by(process_definition.c.version)
        newest = {row.process_id: row.name for row in self.connection.execute(query)}
        return dict(sorted(newest.items(), key=lambda one: (one[1], one[0])))

    def definition_rows(self, process_id: str | None) -> list[DefinitionRow]:
        """All versions of one process (newest first), or the newest version of each process."""
        query = sa.select(*rows.DEFINITION_COLUMNS).select_from(rows.DEFINITION_FROM)
        newest = sa.select(process_definition.c.process_id, sa.func.max(process_definition.c.version).label("version"))
        tops = {r.process_id: r.version for r in self.connection.execute(newest.group_by(process_definition.c.process_id))}
        if process_id is not None:
            query = query.where(process_definition.c.process_id == process_id)
        found = self.connection.execute(
            query.order_by(process_definition.c.name, process_definition.c.process_id, process_definition.c.version.desc())
        ).all()
        if process_id is None:
            found = [r for r in found if r.version == tops[r.process_id]]
        states = self._states([r.id for r in found])
        return [self._definition_row(r, states.get(r.id, {}), latest=r.version == tops[r.process_id]) for r in found]

    def _states(self, ids: Sequence[str]) -> dict[str, dict[str, int]]:
        out: dict[str, dict[str, int]] = {}
        query = sa.select(instance.c.definition_id, instance.c.state, sa.func.count()).where(instance.c.definition_id.in_(ids))
        for definition_id, state, count in self.connection.execute(query.group_by(instance.c.definition_id, instance.c.state)):
            out.setdefault(definition_id, {})[state] = count
        stuck = sa.select(incident.c.definition_id, sa.func.count()).where(incident.c.definition_id.in_(ids), incident.c.resolved_at.is_(None))
        for definition_id, count in self.connection.execute(stuck.group_by(incident.c.definition_id)):
            out.setdefault(definition_id, {})["incidents"] = count
        return out

    @staticmethod
    def _definition_row(row: Any, states: dict[str, int], *, latest: bool) -> DefinitionRow:
        return DefinitionRow(
            id=row.id,
            process_id=row.process_id,
            version=row.version,
            name=row.name,
            deployed_at=row.deployed_at,
            deployed_by=row.deployed_by,
            comment=row.comment,
            content_hash=row.content_hash,
            active=states.get("active", 0),
            completed=states.get("completed", 0),
            failed=states.get("failed", 0),
            cancelled=states.get("cancelled", 0),
            incidents=states.get("incidents", 0),
            latest=latest,
            suspended_instances=states.get("suspended", 0),
            suspended=row.suspended,
        )

    def statistics(self, definition_id: str) -> list[ElementStatistic]:
        """User tasks by element."""
        seconds: sa.ColumnElement[Any]
        if self.connection.dialect.name == "sqlite":
            seconds = (sa.func.julianday(user_task.c.ended_at) - sa.func.julianday(user_task.c.created_at)) * 86400.0
        else:
            seconds = sa.func.extract("epoch", user_task.c.ended_at - user_task.c.created_at)
        done = user_task.c.state == "completed"
        query = sa.select(
            user_task.c.element_id,
            sa.func.sum(sa.case((user_task.c.state == "open", 1), else_=0)).label("open"),
            sa.func.sum(sa.case((done, 1), else_=0)).label("completed"),
            sa.func.avg(sa.case((done, seconds))).label("mean"),
        ).where(user_task.c.definition_id == definition_id)
        found = self.connection.execute(query.group_by(user_task.c.element_id).order_by(user_task.c.element_id))
        return [ElementStatistic(r.element_id, int(r.open or 0), int(r.completed or 0), float(r.mean) if r.mean is not None else None) for r in found]
