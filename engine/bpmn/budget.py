"""What one command may do, counted: steps, events, size of the values in them; and its time, through the port `Watch`.

The counts are the same on every machine and come first; the time is for what they price too low. Whatever is used up, the command stops
before its next step with an incident on the element whose turn it was. The rest waits in the queue: a retry goes on with a new budget.
Re-execution stops where the record says (`engine.history.watch`), so prices and limits may change from version to version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from engine.bpmn.limits import Limits
from engine.model import events as ev
from engine.ports import Watch

VALUES: Mapping[type[Any], Callable[[Any], Any]] = {
    ev.VariableSet: attrgetter("value"),
    ev.VariableExtended: attrgetter("items"),
    ev.DecisionTaken: attrgetter("reads", "result"),
    ev.JobCreated: attrgetter("parameters"),
    ev.MessageSent: attrgetter("payload"),
    ev.SignalSent: attrgetter("payload"),
}
"""The events that carry values of any size."""
LOOK = 3
"""A look at the condition of an event is so many steps more than any other evaluation: each change of a variable is followed by one at every event."""
CROWD = 4
"""So many tokens that an element makes at once cost a step, before any of them goes on."""
SENDING = 50
"""A message or signal that leaves counts as so many events: each becomes a job that other instances have to answer."""
EVER = Limits(steps=20_000, events=80_000)
"""The most that a version has allowed which wrote no verdict on counts; it charged nothing for `LOOK` and `CROWD`."""
PART = 16
"""Bytes for each number, text, list or object, besides the characters of a text."""
OBJECT = 48
"""More for an object: it is what costs most to read and write."""


class Budget:
    """Counts from one `open` to the next."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.open(None)

    def open(self, watch: Watch | None) -> None:
        """A command begins."""
        self._watch = watch
        self._allowed = EVER if watch is not None and watch.recorded else self._limits
        self._steps = self._events = self._bytes = 0
        self._extra = 0  # what looks and crowds cost beyond steps and evaluations

    def evaluated(self) -> None:
        """An expression or script is a step, too: it costs as much."""
        self._steps += 1

    def looked(self) -> None:
        """At the condition of an event."""
        self._extra += LOOK

    def admitted(self, tokens: int) -> None:
        """An element makes tokens."""
        self._extra += tokens // CROWD

    def told(self, event: ev.Event) -> None:
        """Something happened."""
        self._events += 1
        values = VALUES.get(type(event))
        if values is not None:
            self._bytes += weight(values(event))
            if isinstance(event, ev.MessageSent | ev.SignalSent):
                self._events += SENDING

    def used_up(self) -> str | None:
        """Asked before each step: why it must not be made."""
        self._steps += 1
        counted = self._counted()
        return counted if self._watch is None else self._watch.used_up(counted)

    def _counted(self) -> str | None:
        allowed = self._allowed
        if self._steps + (0 if allowed is EVER else self._extra) > allowed.steps:
            return f"more than {allowed.steps} steps in one command; is this loop meant to end?"
        if self._events > allowed.events:
            return f"more than {allowed.events} events in one command; is this loop meant to end?"
        if self._bytes > allowed.value_bytes:
            return f"the values of one command are larger than {allowed.value_bytes} bytes"
        return None


def weight(value: Any) -> int:
    """About how many bytes a JSON value takes."""
    total, todo = 0, [value]
    while todo:
        one = todo.pop()
        total += PART
        kind = type(one)
        if kind is int or kind is float or kind is bool or one is None:
            continue
        if isinstance(one, str):
            total += len(one)
        elif kind is dict or isinstance(one, Mapping):
            total += OBJECT + sum(map(len, one)) + PART * len(one)
            todo.extend(one.values())
        elif isinstance(one, list | tuple):
            todo.extend(one)
    return total
