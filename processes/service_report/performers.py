"""Who completed which user task of an instance, read from its records: the evidence behind four eyes and signatures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.plugins import CompleteUserTask, Json, Record, UserTaskCreated


@dataclass(frozen=True, slots=True)
class Completion:
    """One completed user task: element, who, on whose behalf, when, what was submitted; `seq` of the record."""

    element: str
    actor: str
    on_behalf_of: str | None
    at: datetime
    values: Mapping[str, Json]
    seq: int


def completions(records: Sequence[Record], elements: Iterable[str] = ()) -> list[Completion]:
    """Completed user tasks in order; only those of `elements` where any are named."""
    wanted = set(elements)
    names: dict[int, str] = {}
    out: list[Completion] = []
    for record in records:
        if isinstance(record.input, CompleteUserTask):
            element = names.get(record.input.key, "")
            if not wanted or element in wanted:
                out.append(Completion(element, record.actor, record.on_behalf_of, record.at, record.input.variables, record.seq))
        names.update((event.key, event.element) for event in record.events if isinstance(event, UserTaskCreated))
    return out


def last(records: Sequence[Record], element: str) -> Completion | None:
    """The latest completion of the element."""
    found = completions(records, (element,))
    return found[-1] if found else None
