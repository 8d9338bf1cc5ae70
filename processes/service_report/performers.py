"""Who completed which user task of an instance, read from its records: the evidence behind four eyes and signatures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.plugins import CompleteUserTask, ElementEntered, Json, Record, UserTaskCreated


@dataclass(frozen=True, slots=True)
class Completion:
    """One completed user task: element, who, on whose behalf, when, what was submitted; `seq` of the record, `scope` of the variables."""

    element: str
    actor: str
    on_behalf_of: str | None
    at: datetime
    values: Mapping[str, Json]
    seq: int
    scope: int = 0


def completions(records: Sequence[Record], elements: Iterable[str] = ()) -> list[Completion]:
    """Completed user tasks in order; only those of `elements` where any are named."""
    wanted = set(elements)
    names: dict[int, str] = {}
    scopes: dict[int, int] = {}
    out: list[Completion] = []
    for record in records:
        if isinstance(record.input, CompleteUserTask):
            key = record.input.key
            element = names.get(key, "")
            if not wanted or element in wanted:
                found = Completion(element, record.actor, record.on_behalf_of, record.at, record.input.variables, record.seq, scopes.get(key, 0))
                out.append(found)
        names.update((event.key, event.element) for event in record.events if isinstance(event, UserTaskCreated))
        scopes.update((event.key, event.scope) for event in record.events if isinstance(event, ElementEntered))
    return out


def last(records: Sequence[Record], element: str) -> Completion | None:
    """The latest completion of the element."""
    found = completions(records, (element,))
    return found[-1] if found else None


def in_same_scope(records: Sequence[Record], element: str, job_id: str) -> Completion | None:
    """The latest completion of the element in the scope of a job: in a multi-instance subprocess, the same iteration."""
    key = int(job_id.rpartition("-")[2])
    scope = next((e.scope for r in reversed(records) for e in r.events if isinstance(e, ElementEntered) and e.key == key), None)
    found = [c for c in completions(records, (element,)) if c.scope == scope]
    return found[-1] if found else None
