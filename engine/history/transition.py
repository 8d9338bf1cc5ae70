"""One step of an instance: input to outcome. Live work, catching up and re-execution all go through here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.errors import BpmnError, Conflict, ExpressionError
from engine.model import events as ev
from engine.model import inputs as inp
from engine.model.records import Call
from engine.model.values import Json, purify
from engine.ports import Execution

Functions = Mapping[str, Callable[..., Any]]


class RecordedCalls:
    """Host functions during a step: `live` calls and writes down, `again` answers from what was written down."""

    def __init__(self, functions: Functions, recorded: Sequence[Call] | None = None) -> None:
        self._functions = functions
        self._again: Iterator[Call] | None = None if recorded is None else iter(recorded)
        self.made: list[Call] = []

    def __call__(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Json:
        """Raises BpmnError as the function did; any other failure as ExpressionError."""
        call = self._live(name, args, kwargs) if self._again is None else self._recorded(name)
        self.made.append(call)
        if not call.failed:
            return call.result
        if call.error_code is not None or not call.error:
            raise BpmnError(call.error_code)
        raise ExpressionError(source=name, cause=call.error)

    def _live(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call:
        try:
            return Call(name, purify(self._functions[name](*args, **kwargs)))
        except BpmnError as exc:
            return Call(name, failed=True, error_code=exc.code)
        except Exception as exc:  # noqa: BLE001 - foreign code: whatever it raises becomes part of the record
            return Call(name, failed=True, error=f"{type(exc).__name__}: {exc}")

    def _recorded(self, name: str) -> Call:
        assert self._again is not None
        call = next(self._again, None)
        if call is None or call.name != name:
            raise Conflict(f"re-execution calls {name}, the record holds {call.name if call else 'no further call'}")
        return call


def step(execution: Execution, input: inp.Input, now: datetime, call: RecordedCalls) -> tuple[ev.Event, ...]:
    """The outcome of `input`. Raises what `Execution.apply` raises."""
    if isinstance(input, inp.AssignUserTask | inp.RetryJob | inp.AddComment | inp.AddAttachment) or (
        isinstance(input, inp.FailJob) and not input.tracked
    ):
        return annotate(input)
    return execution.apply(input, now, call)


def annotate(input: inp.Annotation) -> tuple[ev.Event, ...]:
    """Outcome of inputs that move no token."""
    match input:
        case inp.AssignUserTask():
            return (ev.UserTaskAssigned(input.key, input.assignee),)
        case inp.FailJob():
            return (ev.IncidentRaised(input.key, input.element, input.cause),)
        case inp.RetryJob():
            return (ev.IncidentResolved(input.key),)
        case inp.AddComment():
            return (ev.CommentAdded(input.text, input.key),)
        case inp.AddAttachment():
            return (ev.AttachmentAdded(input.name, input.sha256, input.size, input.media_type, input.key),)
