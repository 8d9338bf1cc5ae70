"""Database rows to views."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from engine.model.definition import ProcessDefinition
from engine.model.views import BulkRow, InstanceRow, TaskRow, UserRow
from engine.ports import Due
from engine.store.tables import account, deployment, instance, process_definition
from engine.store.task_tables import user_task


@lru_cache(1000)
def texts(column: str) -> tuple[str, ...]:
    """A JSON list of texts."""
    return () if column == "[]" else tuple(json.loads(column))


TASK_COLUMNS = (
    *user_task.c,
    process_definition.c.name.label("process_name"),
    account.c.name.label("assignee_name"),
)


def named(tasks: sa.FromClause) -> sa.Join:
    """User tasks (or a join that holds them) with the names of their process and of who holds them."""
    process = tasks.outerjoin(process_definition, process_definition.c.id == user_task.c.definition_id)
    return process.outerjoin(account, account.c.id == user_task.c.assignee)


TASK_FROM = named(user_task)


def task(row: Any) -> TaskRow:
    """From a row of TASK_COLUMNS."""
    return TaskRow(
        id=f"{row.instance_id}-{row.key}",
        instance_id=row.instance_id,
        key=row.key,
        element_id=row.element_id,
        name=row.name,
        state=row.state,
        process_id=row.process_id,
        definition_id=row.definition_id,
        process_name=row.process_name or row.process_id,
        business_key=row.business_key,
        assignee=row.assignee,
        assignee_name=row.assignee_name,
        candidate_groups=texts(row.candidate_groups),
        candidate_users=texts(row.candidate_users),
        excludes=texts(row.excludes),
        excluded_users=texts(row.excluded_users),
        form_key=row.form_key,
        priority=row.priority,
        due=row.due,
        created_at=row.created_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        follow_up=row.follow_up,
    )


INSTANCE_COLUMNS = (*instance.c, process_definition.c.version, process_definition.c.name.label("process_name"))
INSTANCE_FROM = instance.outerjoin(process_definition, process_definition.c.id == instance.c.definition_id)


def instance_row(row: Any) -> InstanceRow:
    """From a row of INSTANCE_COLUMNS."""
    return InstanceRow(
        id=row.id,
        process_id=row.process_id,
        definition_id=row.definition_id,
        version=row.version or 0,
        process_name=row.process_name or row.process_id,
        business_key=row.business_key,
        state=row.state,
        error=row.error,
        seq=row.seq,
        head_hash=row.head_hash,
        started_at=row.started_at,
        started_by=row.started_by,
        ended_at=row.ended_at,
    )


DEFINITION_COLUMNS = (*process_definition.c, deployment.c.deployed_at, deployment.c.deployed_by, deployment.c.comment)
DEFINITION_FROM = process_definition.join(deployment)


def definition(row: Any) -> ProcessDefinition:
    """From a row of DEFINITION_COLUMNS."""
    return ProcessDefinition(
        id=row.id,
        process_id=row.process_id,
        version=row.version,
        name=row.name,
        deployment_id=row.deployment_id,
        content_hash=row.content_hash,
        file=row.file,
        deployed_at=row.deployed_at,
        deployed_by=row.deployed_by,
        comment=row.comment,
        called=json.loads(row.called),
    )


def due(row: Any) -> Due:
    """From a row of `job`."""
    return Due(
        row.id,
        row.kind,
        row.instance_id,
        row.key,
        row.element_id,
        row.handler,
        json.loads(row.parameters),
        row.due_at,
        row.attempts,
        row.retries,
        texts(row.backoff),
        row.state,
        row.lease_until,
    )


def bulk_row(row: Any) -> BulkRow:
    """From a row of `bulk`."""
    return BulkRow(
        row.id,
        row.act,
        row.reason,
        json.loads(row.parameters),
        row.created_by,
        row.created_at,
        row.state,
        row.total,
        row.done,
        row.refused,
        row.ended_at,
    )


USER_COLUMNS = (
    account.c.id,
    account.c.name,
    account.c.roles,
    account.c.groups,
    account.c.active,
    account.c.language,
    account.c.time_zone,
    account.c.email,
    account.c.notify,
)


def user(row: Any) -> UserRow:
    """From a row of USER_COLUMNS."""
    user_id, name, roles, groups, active, language, time_zone, email, notify = row
    return UserRow(user_id, name, texts(roles), texts(groups), active, language, time_zone, email, notify)


def json_list(values: Any) -> str:
    """Inverse of `texts`."""
    return _listed(tuple(values)) if values else "[]"


@lru_cache(1000)
def _listed(values: tuple[str, ...]) -> str:
    return json.dumps(values, ensure_ascii=False)


def contains(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Case-insensitive substring match with the text taken literally."""
    return column.icontains(text, autoescape=True)
