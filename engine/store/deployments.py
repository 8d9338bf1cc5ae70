"""Adapter of the port Definitions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from engine.errors import ConcurrentChange
from engine.model.definition import Deployment, ProcessDefinition, ProcessInfo
from engine.model.values import sha256
from engine.store import rows
from engine.store.ahead_connection import AheadConnection
from engine.store.history import stored_bytes
from engine.store.operation_tables import definition_act
from engine.store.statements import Statement
from engine.store.tables import deployment, deployment_file, process_definition, start_trigger

_SELECT = sa.select(*rows.DEFINITION_COLUMNS).select_from(rows.DEFINITION_FROM)
_OF_PROCESS = _SELECT.where(process_definition.c.process_id == sa.bindparam("b_process"))
_LATEST_ID = Statement(
    sa.select(process_definition.c.id, process_definition.c.suspended)
    .where(process_definition.c.process_id == sa.bindparam("b_process"))
    .order_by(process_definition.c.version.desc())
    .limit(1)
)
_BY_CONTENT = _OF_PROCESS.where(process_definition.c.content_hash == sa.bindparam("b_content")).order_by(process_definition.c.version).limit(1)
_SUSPENDED = Statement(sa.select(process_definition.c.suspended).where(process_definition.c.id == sa.bindparam("b_id")))
_BY_ID = _SELECT.where(process_definition.c.id == sa.bindparam("b_id"))
_STARTS = (
    sa.select(start_trigger.c.definition_id, start_trigger.c.element_id)
    .join(process_definition, process_definition.c.id == start_trigger.c.definition_id)
    .where(
        start_trigger.c.kind == sa.bindparam("b_kind"),
        start_trigger.c.name == sa.bindparam("b_name"),
        process_definition.c.suspended == sa.bindparam("b_suspended"),
    )
    .order_by(start_trigger.c.process_id, start_trigger.c.element_id)
)


class SqlDefinitions:
    """Port Definitions."""

    def __init__(self, connection: Connection | AheadConnection) -> None:
        self._connection: Any = connection
        # What a version is never changes once it is there.
        self._settled: Callable[..., Any] = connection.settled if isinstance(connection, AheadConnection) else connection.execute

    def add(self, item: Deployment, files: Mapping[str, bytes], models: Mapping[str, ProcessInfo]) -> None:
        """Write a deployment with its files, its definitions and the start triggers of these now newest versions."""
        first = item.definitions[0]
        run = self._connection.execute
        run(
            deployment.insert().values(
                id=item.id, content_hash=first.content_hash, deployed_at=first.deployed_at, deployed_by=first.deployed_by, comment=first.comment
            )
        )
        run(deployment_file.insert(), [{"deployment_id": item.id, "name": n, "sha256": sha256(d), "data": d} for n, d in sorted(files.items())])
        for one in item.definitions:
            try:
                run(
                    process_definition.insert().values(
                        id=one.id,
                        process_id=one.process_id,
                        version=one.version,
                        name=one.name,
                        deployment_id=one.deployment_id,
                        content_hash=one.content_hash,
                        file=one.file,
                        called=json.dumps(dict(one.called)),
                    )
                )
            except IntegrityError as exc:
                raise ConcurrentChange from exc
            run(start_trigger.delete().where(start_trigger.c.process_id == one.process_id))
            starts = models[one.process_id].starts
            if starts:
                run(
                    start_trigger.insert(),
                    [
                        {
                            "definition_id": one.id,
                            "element_id": s.element,
                            "number": number,
                            "process_id": one.process_id,
                            "kind": s.kind,
                            "name": s.name,
                            "schedule": s.schedule,
                        }
                        for number, s in enumerate(starts)
                    ],
                )

    def latest_id(self, process_id: str) -> tuple[str, bool] | None:
        """Id of the newest version, and whether it is suspended."""
        row = _LATEST_ID.first(self._connection, {"b_process": process_id})
        return (row[0], bool(row[1])) if row else None

    def is_suspended(self, definition_id: str) -> bool:
        """Of any version."""
        found = _SUSPENDED.first(self._connection, {"b_id": definition_id})
        return found is not None and bool(found[0])

    def set_suspended(self, definition_id: str, suspended: bool, actor: str, reason: str, at: datetime) -> bool:
        """False: it was so already."""
        turn = process_definition.update().where(process_definition.c.id == definition_id, process_definition.c.suspended.is_not(suspended))
        if not self._connection.execute(turn.values(suspended=suspended)).rowcount:
            return False
        act = "suspend" if suspended else "resume"
        self._connection.execute(definition_act.insert().values(definition_id=definition_id, act=act, at=at, actor=actor, reason=reason))
        return True

    def latest(self, process_id: str) -> ProcessDefinition | None:
        """The newest version."""
        found = self.latest_id(process_id)
        return self.get(found[0]) if found is not None else None

    def get(self, definition_id: str) -> ProcessDefinition | None:
        """One version."""
        row = self._settled(_BY_ID, {"b_id": definition_id}).first()
        return rows.definition(row) if row else None

    def of_deployment(self, deployment_id: str) -> dict[str, str]:
        """Definition ids by process."""
        query = sa.select(process_definition.c.process_id, process_definition.c.id).where(process_definition.c.deployment_id == deployment_id)
        return {row.process_id: row.id for row in self._settled(query.order_by(process_definition.c.process_id))}

    def by_content(self, process_id: str, content_hash: str) -> ProcessDefinition | None:
        """The version with that content, as a record names it."""
        row = self._settled(_BY_CONTENT, {"b_process": process_id, "b_content": content_hash}).first()
        return rows.definition(row) if row else None

    def files(self, deployment_id: str) -> dict[str, bytes]:
        """All files of a deployment by name."""
        query = sa.select(deployment_file.c.name, deployment_file.c.data).where(deployment_file.c.deployment_id == deployment_id)
        return {name: stored_bytes(data) for name, data in self._settled(query.order_by(deployment_file.c.name))}

    def starts(self, kind: str, name: str, *, suspended: bool = False) -> list[tuple[str, str]]:
        """(definition id, element id), in order of process id."""
        return [(d, e) for d, e in self._connection.execute(_STARTS, {"b_kind": kind, "b_name": name, "b_suspended": suspended})]
