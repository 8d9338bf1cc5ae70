"""Which open tasks a person may work on, as SQL: their own, and what is free for them. One place for lists, counts and single instances.

`engine.identity.policy.may_work_on` says the same of one task.
"""

from __future__ import annotations

import sqlalchemy as sa

from engine.model.actors import Actor
from engine.store.task_tables import task_candidate

EVERYBODY = ("any", "")


def lists_of(actor: Actor) -> list[tuple[str, str]]:
    """(kind, name) of `task_candidate` under which free work stands for the actor."""
    return [*(("group", name) for name in sorted(actor.groups)), ("user", actor.id), EVERYBODY]


def admitted(table: sa.Table, actor: Actor) -> sa.ColumnElement[bool]:
    """Not kept from the task by four eyes."""
    excluded = table.c.excluded_users
    return sa.or_(excluded == "[]", sa.not_(excluded.contains(f'"{actor.id}"', autoescape=True)))


def has_work(actor: Actor, instance_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Is open work of this instance the actor's own, or free for them?"""
    whose = sa.tuple_(task_candidate.c.kind, task_candidate.c.name)
    free = sa.and_(whose.in_(lists_of(actor)), admitted(task_candidate, actor))
    held = sa.and_(task_candidate.c.kind == "held", task_candidate.c.name == actor.id)
    return sa.exists().where(task_candidate.c.instance_id == instance_id, sa.or_(free, held))
