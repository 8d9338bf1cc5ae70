"""Finding by text without looking at everything: which instances have a business key with a word that begins so, which names open tasks have.

A text is found in a business key where one of its words begins: `0042` and `2026-0042` find `PO-2026-0042`, `042` does not. Every character
that is no Latin letter or digit begins a word, so Chinese is found anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.store import rows
from engine.store.tables import instance, instance_word, process_definition
from engine.store.task_tables import task_candidate, user_task

LENGTH = 64  # characters of a word that are kept, with what follows it
FEW = 500  # so many rows are looked up and sorted; of more, the list itself soon shows enough
KEYS = 2_000  # instances that a text may mean, to be looked up
NAMES = 100  # different names of tasks that a text may mean
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Found:
    """What a text means: `instances` whose business key has it, None when they are more than KEYS; `names` of open tasks, None when too many."""

    instances: tuple[str, ...] | None
    names: tuple[str, ...] | None


def words(business_key: str) -> list[str]:
    """The key from the beginning of each of its words on, as `instance_word` holds it."""
    text = business_key.casefold()
    begins = (n for n, c in enumerate(text) if n == 0 or _begins(text[n - 1], c))
    return list(dict.fromkeys(text[n : n + LENGTH] for n in begins))


def _begins(before: str, here: str) -> bool:
    return here.isalnum() and (here > "\x7f" or not before.isalnum() or before.isdigit() != here.isdigit())


def instances(connection: Connection, text: str) -> tuple[str, ...] | None:
    """Ids of the instances that a text means, at most KEYS; None when there are more."""
    folded = text.casefold()
    beginning = next((folded[n:] for n, c in enumerate(folded) if c.isalnum()), folded)[:LENGTH]
    word = instance_word.c.word
    query = sa.select(instance_word.c.instance_id).where(word >= beginning, word < beginning + _LAST).order_by(word, instance_word.c.instance_id)
    found = connection.scalars(query.limit(KEYS + 1)).all()
    if len(found) > KEYS:
        return None
    query = sa.select(instance.c.id).where(instance.c.id.in_(sorted(set(found))), rows.contains(instance.c.business_key, text))
    return tuple(sorted(connection.scalars(query))) if found else ()


def names(connection: Connection, text: str) -> tuple[str, ...] | None:
    """Names of open tasks that hold the text; None when they are more than NAMES. The index of names is read by leaps from one name to the next."""
    name = task_candidate.c.task_name
    known = sa.select(sa.func.min(name).label("name")).cte("known", recursive=True)
    following = sa.select(sa.func.min(name)).where(name > known.c.name).scalar_subquery()
    known = known.union_all(sa.select(following).where(known.c.name.is_not(None)))
    query = sa.select(known.c.name).where(known.c.name.is_not(None), rows.contains(known.c.name, text))
    found = tuple(connection.scalars(query.order_by(known.c.name).limit(NAMES + 1)))
    return None if len(found) > NAMES else found


def names_of_element(connection: Connection, element_id: str) -> tuple[str, ...]:
    """Names that user tasks of this element have: of one version mostly one, but tasks that ended before a migration keep theirs, when they follow it."""
    first = _next_of_element if connection.dialect.name == "sqlite" else _next_entry
    known = sa.select(process_definition.c.id, first(element_id, process_definition.c.id).label("name")).cte("known", recursive=True)
    leap = sa.select(known.c.id, first(element_id, known.c.id, known.c.name)).where(known.c.name.is_not(None))
    known = known.union_all(leap)
    return tuple(connection.scalars(sa.select(known.c.name).where(known.c.name.is_not(None)).distinct().order_by(known.c.name)))


def _next_of_element(element_id: str, definition_id: sa.ColumnElement[str], after: sa.ColumnElement[str] | None = None) -> sa.ScalarSelect[str]:
    """First name of its tasks in a version, `after` a name; NULL when there is none. SQLite's index serves a comparison of tuples by the first column only."""
    here = (user_task.c.definition_id == definition_id, user_task.c.element_id == element_id, *(() if after is None else (user_task.c.name > after,)))
    return sa.select(user_task.c.name).where(*here).order_by(user_task.c.name).limit(1).scalar_subquery()


def _next_entry(element_id: str, definition_id: sa.ColumnElement[str], after: sa.ColumnElement[str] | None = None) -> sa.ScalarSelect[str]:
    """The same for PostgreSQL."""
    columns = (user_task.c.definition_id, user_task.c.element_id, user_task.c.name)
    wanted = (definition_id, sa.literal(element_id)) if after is None else (definition_id, sa.literal(element_id), after)
    behind = sa.tuple_(*columns[: len(wanted)]) >= sa.tuple_(*wanted) if after is None else sa.tuple_(*columns) > sa.tuple_(*wanted)
    # The next entry of the index, which is of the element or not: asked for the element's own, PostgreSQL may read the whole table for a version without it.
    it = sa.and_(columns[0] == definition_id, columns[1] == element_id)
    return sa.select(sa.case((it, user_task.c.name))).where(behind).order_by(*columns).limit(1).scalar_subquery()


def how_many(connection: Connection, queries: Sequence[sa.Select[Any]], most: int = FEW) -> list[int]:
    """Rows of each query, counted up to one more than `most`, in one statement."""
    if not queries:
        return []
    return list(connection.execute(sa.select(*(counted(query, most) for query in queries))).one())


def counted(query: sa.Select[Any], most: int) -> sa.ScalarSelect[int]:
    """Rows of a query, up to one more than `most`."""
    return sa.select(sa.func.count()).select_from(query.limit(most + 1).subquery()).scalar_subquery()
