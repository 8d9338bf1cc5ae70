"""One step of an instance: input to outcome. Live work, catching up and re-execution all go through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from engine.errors import BpmnError, ExpressionError, Refusal
from engine.history.watch import LiveWatch, RecordedWatch, Tape
from engine.model import events as ev
from engine.model import inputs as inp
from engine.model.foreign import FOREIGN, code_of, told
from engine.model.records import Call
from engine.model.values import Json, purify
from engine.ports import FIND_CALLED, FIND_PROCESS, READ_STORE, Execution, Stopwatch, Watch

Functions = Mapping[str, Callable[..., Any]]
QUESTIONS = frozenset({READ_STORE, FIND_PROCESS, FIND_CALLED})


class RecordedCalls:
    """Host functions during a step: live it calls and writes down, with `recorded` it answers from what was written down.

    `watch` does the same with the bounds on time; a live step without a stopwatch has none.
    """

    def __init__(self, functions: Functions, recorded: Sequence[Call] | None = None, stopwatch: Stopwatch | None = None) -> None:
        self._functions = functions
        self._stopwatch = stopwatch
        self._tape = None if recorded is None else Tape(recorded)
        self.made: list[Call] = []
        self.watch: Watch | None = None
        if self._tape is not None:
            self.watch = RecordedWatch(self._tape)
        elif stopwatch is not None:
            self.watch = LiveWatch(stopwatch, self.made)

    def __call__(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Json:
        """Raises BpmnError as the function did; any other failure as ExpressionError."""
        if self._tape is not None:
            call = self._tape.call(name)
        else:
            with self._stopwatch.aside() if self._stopwatch is not None else nullcontext():
                call = self._live(name, args, kwargs)
        self.made.append(call)
        if not call.failed:
            return call.result
        if call.error_code is not None or not call.error:
            raise BpmnError(call.error_code)
        raise ExpressionError(source=name, cause=call.error)

    def _live(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call:
        try:
            with FOREIGN:
                return Call(name, purify(self._functions[name](*args, **kwargs)))
        except BpmnError as exc:
            return Call(name, failed=True, error_code=code_of(exc))
        except Exception as exc:
            if name in QUESTIONS and not isinstance(exc, Refusal):
                raise  # the engine's own question: that the database is gone for a moment is nothing that belongs in a record
            # Of foreign code: whatever it raises becomes part of the record.
            return Call(name, failed=True, error=told(exc))


_STILL = (inp.AssignUserTask, inp.RetryJob, inp.AddComment, inp.AddAttachment)


def step(execution: Execution, input: inp.Input, now: datetime, call: RecordedCalls) -> tuple[ev.Event, ...]:
    """The outcome of `input`. Raises what `Execution.apply` raises."""
    if isinstance(input, _STILL) or (isinstance(input, inp.FailJob) and not input.tracked):
        return annotate(input)
    return execution.apply(input, now, call, call.watch)


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
