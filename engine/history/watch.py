"""Bounds that do not make an outcome depend on time, nor on the version of the engine: verdicts are part of the record.

Whether an expression finished within its second, and whether a command did, depends on the machine; how many steps a command may do, on the
version. So the live side writes each stop down as a `Call` named `$stopped` (no function can have that name) with the number of the place:
the steps and evaluations of a command are counted. Re-execution stops exactly there, with the same words, and gives everything else ample time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NoReturn, TypeVar

from engine.errors import Conflict, ExpressionStopped, InstanceNotAvailable
from engine.model.records import Call
from engine.ports import Stopwatch

T = TypeVar("T")

STOPPED = "$stopped"
OUT_OF_TIME = "the command has used up its time; is this loop meant to end?"
QUOTED = 200  # characters of a source that is not begun any more
PATIENCE = 10.0
"""So many times the ordinary limit re-execution gives an expression that once finished."""


class LiveWatch:
    """The port `Watch` over a stopwatch. `made`: the record's calls, to which verdicts are added in order."""

    recorded = False

    def __init__(self, stopwatch: Stopwatch, made: list[Call]) -> None:
        self._stopwatch = stopwatch
        self._made = made
        self._number = 0
        self._short = False  # the running expression got less than the ordinary time

    def used_up(self, counted: str | None) -> str | None:
        self._number += 1
        if counted is None and self._stopwatch.left() > 0:
            return None
        self._stop(counted or "")
        return counted or OUT_OF_TIME

    def evaluation(self, run: Callable[[], T], source: str = "") -> T:
        """A single step may evaluate thousands of texts, so the time is looked at here, too."""
        self._number += 1
        self._short = self._stopwatch.left() <= 0
        try:
            return self._not_begun(source) if self._short else run()
        except ExpressionStopped as exc:
            if self._short:
                exc = ExpressionStopped(source=exc.data.get("source"), cause="the command has used up its time")
            self._stop(str(exc))
            raise exc from None

    def seconds(self, limit: float) -> float:
        self._stopwatch.sent()
        left = self._stopwatch.left()
        self._short = left < limit
        return min(limit, left)

    def running(self, worker: int | None = None) -> AbstractContextManager[None]:
        return self._stopwatch.running(worker)

    def _not_begun(self, source: str) -> NoReturn:
        raise ExpressionStopped(source=source[:QUOTED])

    def _stop(self, words: str) -> None:
        self._made.append(Call(STOPPED, self._number, failed=True, error=words))


class Tape:
    """The calls and verdicts of a record, read again in their order."""

    def __init__(self, recorded: Sequence[Call]) -> None:
        self._calls = tuple(recorded)
        self._position = 0
        self._stops = {call.result: place for place, call in enumerate(self._calls) if call.name == STOPPED}

    def call(self, name: str) -> Call:
        """The next call. Raises Conflict when the record holds another one, or none."""
        call = self._calls[self._position] if self._position < len(self._calls) else None
        if call is None or call.name != name:
            raise Conflict(f"re-execution calls {name}, the record holds {call.name if call else 'no further call'}")
        self._position += 1
        return call

    def verdict(self, number: int) -> Call | None:
        """Was the command or expression stopped at this place? Calls that the stopped expression had made are passed over."""
        place = self._stops.get(number)
        if place is None:
            return None
        self._position = place + 1
        return self._calls[place]


class RecordedWatch:
    """The port `Watch` over a record. `counted` is what no version has allowed: records without a verdict on counts stop there."""

    recorded = True

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._number = 0

    def used_up(self, counted: str | None) -> str | None:
        self._number += 1
        verdict = self._tape.verdict(self._number)
        return counted if verdict is None else verdict.error or OUT_OF_TIME

    def evaluation(self, run: Callable[[], T], source: str = "") -> T:  # noqa: ARG002 - the record has the words
        self._number += 1
        verdict = self._tape.verdict(self._number)
        if verdict is not None:
            raise ExpressionStopped(verdict.error)
        try:
            return run()
        except ExpressionStopped as exc:
            raise InstanceNotAvailable(
                f"An expression that once finished does not finish now; try again when the machine has less to do. {exc}"
            ) from exc

    def seconds(self, limit: float) -> float:
        return limit * PATIENCE

    def running(self, worker: int | None = None) -> AbstractContextManager[None]:  # noqa: ARG002 - nothing is measured
        return nullcontext()
