"""The worklist: user tasks and whom they are offered to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.model import events as ev
from engine.model.records import Record
from engine.model.values import moment
from engine.ports import Head
from engine.store.rows import json_list, texts
from engine.store.statements import Batch, Statement
from engine.store.task_tables import FAR, task_candidate, user_task

_INSERT = Statement(user_task.insert())
_OFFER = Statement(task_candidate.insert())
_OF_TASK = (task_candidate.c.instance_id == sa.bindparam("b_instance"), task_candidate.c.key == sa.bindparam("b_key"))
_WITHDRAW = Statement(task_candidate.delete().where(*_OF_TASK))
_CHANGE = Statement(user_task.update().where(user_task.c.instance_id == sa.bindparam("b_instance"), user_task.c.key == sa.bindparam("b_key")))
_TASK = sa.select(user_task).where(user_task.c.instance_id == sa.bindparam("b_instance"), user_task.c.key == sa.bindparam("b_key"))


class UserTaskProjection:
    """Tables `user_task` and `task_candidate`: the latter holds open work only, and what somebody has taken under their name alone."""

    name = "user_task"
    about = frozenset({ev.UserTaskCreated, ev.UserTaskAssigned, ev.UserTaskCompleted, ev.UserTaskCancelled})

    def apply(self, batch: Batch, record: Record, head: Head) -> None:
        """Tasks that the record creates are written once, in their final state."""
        created: dict[int, dict[str, Any]] = {}
        ended: dict[str, list[int]] = {"completed": [], "cancelled": []}
        for event in record.events:
            match event:
                case ev.UserTaskCreated():
                    created[event.key] = _row(event, record, head)
                case ev.UserTaskCompleted() | ev.UserTaskCancelled():
                    state = "completed" if isinstance(event, ev.UserTaskCompleted) else "cancelled"
                    if event.key in created:
                        created[event.key] |= {"state": state, "ended_at": record.at}
                    else:
                        ended[state].append(event.key)
                case ev.UserTaskAssigned() if event.key in created:
                    created[event.key]["assignee"] = event.assignee
                case ev.UserTaskAssigned():
                    batch.add(_CHANGE, {"b_instance": head.instance_id, "b_key": event.key, "assignee": event.assignee})
                    offer_again(batch, head.instance_id, event.key)
                case _:
                    pass
        for state, keys in ended.items():
            if keys:
                self._end(batch, record, head, state, keys)
        if created:
            self._insert(batch, head, list(created.values()))

    def _end(self, batch: Batch, record: Record, head: Head, state: str, keys: list[int]) -> None:
        values: dict[str, Any] = {"state": state, "ended_at": record.at, "ended_by": record.actor if state == "completed" else None}
        tasks = [{"b_instance": head.instance_id, "b_key": key} for key in keys]
        batch.add(_CHANGE, *({**task, **values} for task in tasks))
        batch.add(_WITHDRAW, *tasks)

    def _insert(self, batch: Batch, head: Head, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["excludes"] != "[]":
                row["excluded_users"] = self._excluded(batch, head.instance_id, json.loads(row["excludes"]))
        batch.add(_INSERT, *rows)
        batch.add(_OFFER, *(offer for row in rows for offer in offers(row)))

    def _excluded(self, batch: Batch, instance_id: str, elements: list[str]) -> str:
        batch.flush()  # this record may have completed one of them
        query = sa.select(user_task.c.ended_by).distinct()
        query = query.where(user_task.c.instance_id == instance_id, user_task.c.element_id.in_(elements), user_task.c.state == "completed")
        return json.dumps(sorted(u for u in batch.connection.scalars(query) if u))

    def clear(self, connection: Connection) -> None:
        """Before a rebuild."""
        connection.execute(task_candidate.delete())
        connection.execute(user_task.delete())


def offer_again(batch: Batch, instance_id: str, key: int) -> None:
    """After a change of a row of `user_task` whose columns `task_candidate` repeats, or of who holds the task."""
    task = {"b_instance": instance_id, "b_key": key}
    batch.add(_WITHDRAW, task)
    batch.flush()
    found = batch.connection.execute(_TASK, task).mappings()
    batch.add(_OFFER, *(offer for row in found for offer in offers(dict(row))))


def _row(event: ev.UserTaskCreated, record: Record, head: Head) -> dict[str, Any]:
    due = moment(event.due) if event.due else None
    return {
        "instance_id": head.instance_id,
        "key": event.key,
        "definition_id": head.definition_id,
        "process_id": head.process_id,
        "business_key": head.business_key,
        "element_id": event.element,
        "name": event.name,
        "state": "open",
        "assignee": event.assignee,
        "candidate_groups": json_list(event.candidate_groups),
        "candidate_users": json_list(event.candidate_users),
        "excludes": json_list(event.excludes),
        "excluded_users": "[]",
        "form_key": event.form_key,
        "priority": event.priority,
        "due": due,
        "follow_up": moment(event.follow_up) if event.follow_up else None,
        "created_at": record.at,
        "ended_at": None,
        "ended_by": None,
        "sort_due": due or FAR,
    }


def offers(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of `task_candidate` for a row of `user_task`; none when it has ended."""
    if row["state"] != "open":
        return []
    repeated = {name: row[name] for name in ("instance_id", "key", "sort_due", "follow_up", "created_at", "priority", "process_id", "excluded_users")}
    repeated |= {"task_name": row["name"], "excluding": row["excluded_users"] != "[]"}
    return [{**repeated, "kind": kind, "name": name} for kind, name in _whom(row)]


def _whom(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    if row["assignee"] is not None:
        return [("held", row["assignee"])]
    columns = (("group", "candidate_groups"), ("user", "candidate_users"))
    return [(kind, name) for kind, column in columns for name in dict.fromkeys(texts(row[column]))] or [("any", "")]
