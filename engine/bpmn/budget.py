"""What one command may do, counted: steps, events, size of the values in them; and its time, through the port `Watch`.

The counts are the same on every machine and come first; the time is for what they price too low. Whatever is used up, the command stops
before its next step with an incident on the element whose turn it was. The rest waits in the queue: a retry goes on with a new budget.
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
SENDING = 50
"""A message or signal that leaves counts as so many events: each becomes a job that other instances have to answer."""
PART = 16
"""Bytes for each number, text, list or object, besides the characters of a text."""


class Budget:
    """Counts from one `open` to the next."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.open(None)

    def open(self, watch: Watch | None) -> None:
        """A command begins."""
        self._watch = watch
        self._steps = self._events = self._bytes = 0

    def evaluated(self) -> None:
        """An expression or script is a step, too: it costs as much."""
        self._steps += 1

    def told(self, event: ev.Event) -> None:
        """Something happened."""
        kind = type(event)
        self._events += 1
        values = VALUES.get(kind)
        if values is not None:
            self._bytes += weight(values(event))
            if kind in (ev.MessageSent, ev.SignalSent):
                self._events += SENDING

    def used_up(self) -> str | None:
        """Asked before each step: why it must not be made."""
        limits = self._limits
        self._steps += 1
        if self._steps > limits.steps:
            return f"more than {limits.steps} steps in one command; is this loop meant to end?"
        if self._events > limits.events:
            return f"more than {limits.events} events in one command; is this loop meant to end?"
        if self._bytes > limits.value_bytes:
            return f"the values of one command are larger than {limits.value_bytes} bytes"
        if self._watch is not None and self._watch.exhausted():
            return "the command has used up its time; is this loop meant to end?"
        return None


def weight(value: Any) -> int:
    """About how many bytes a JSON value takes."""
    total, todo = 0, [value]
    while todo:
        one = todo.pop()
        total += PART
        if isinstance(one, str):
            total += len(one)
        elif isinstance(one, Mapping):
            total += sum(map(len, one)) + PART * len(one)
            todo.extend(one.values())
        elif isinstance(one, list | tuple):
            todo.extend(one)
    return total
