"""One thing that an instance waits for: a message, a signal, a moment, a condition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.bpmn.diagram import Definition
from engine.model.schedule import Plan

CATCH, BOUNDARY, RACE, START = "catch", "boundary", "race", "start"


@dataclass(slots=True, eq=False)
class Subscription:
    """`spec` is the flow node whose event definition number `index` is awaited; `role` says how that node is reached:

    CATCH: a token (`owner`) waits at it; BOUNDARY: it is attached to the activity of `owner`; RACE: `owner` is a token at an event-based gateway
    before it; START: it is an event subprocess of `workflow` (`start` names its start event).
    """

    key: int
    kind: str
    name: str
    role: str
    spec: Any
    index: int
    workflow: Any
    owner: int | None = None
    start: str | None = None
    schedule: Plan | None = None
    correlation: str | None = None  # message: the key under which it waits, and how the key is read from a payload
    retrieval: tuple[str, ...] = ()
    chain: int = 0  # timer: so many timers before it, each due at once, led to it
    held: bool | None = False  # conditional: was it true when last looked at; None: looking was stopped, nobody looks again before a retry

    @property
    def node(self) -> Any:
        """The diagram's node that carries the event definition."""
        return self.spec.start_node(self.start) if self.role == START else self.spec.node

    @property
    def definition(self) -> Definition:
        return self.node.definitions[self.index]  # type: ignore[no-any-return]
