"""Time, and ids: what comes from outside and is read nowhere else; how long what a command does may take."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeVar


class Clock(Protocol):
    """The only place that reads wall time."""

    def now(self) -> datetime:
        """Current moment, aware, UTC."""


class Identifiers(Protocol):
    """Fresh ids for instances, deployments, requests; random in production, counted in tests."""

    def new(self) -> str:
        """A short unique text, `[a-z0-9]+`."""


class Stopwatch(Protocol):
    """Computing time that the command at work may still take. The only place that measures time; the deterministic core has none."""

    def left(self) -> float:
        """Seconds; 0 or less when it is used up."""

    def sent(self) -> None:
        """An evaluation goes to the sandbox: it has its price, however little it computes."""

    def running(self, worker: int | None = None) -> AbstractContextManager[None]:
        """Code runs in the process `worker` of the sandbox (None: in one that is not known); the thread waits for it."""

    def aside(self) -> AbstractContextManager[None]:
        """What runs here does not count: functions of packs."""


class Allowance(Protocol):
    """How long one expression may run."""

    def seconds(self, limit: float) -> float:
        """Instead of the ordinary `limit`: less when the command has little left, more in re-execution."""

    def running(self, worker: int | None = None) -> AbstractContextManager[None]:
        """Around the work itself, without waiting for a worker; `worker` is the process that does it, where that is known."""


T = TypeVar("T")


class Watch(Allowance, Protocol):
    """Bounds what a command does without letting its outcome depend on time, or on what later versions allow.

    Live it measures; a verdict (stopped here) is written into the record beside the input. Re-execution reads the verdicts back and
    measures nothing, so that it stops at the same places and nowhere else.
    """

    @property
    def recorded(self) -> bool:
        """Is this re-execution?"""

    def used_up(self, counted: str | None) -> str | None:
        """Asked before each step: why the command is to stop here. `counted`: what the counts of the engine as it is now say."""

    def evaluation(self, run: Callable[[], T], source: str = "") -> T:
        """Evaluate something, whose text is `source`. Raises ExpressionStopped; NotAvailable when re-execution cannot finish what once finished."""
