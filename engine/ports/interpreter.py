"""The interpreter of diagrams: what it compiles, runs, compares and explores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from engine.errors import MigrationProblem, Problem
from engine.model.definition import ProcessInfo
from engine.model.events import Event
from engine.model.inputs import FailJob, MigrateInstance, Movement
from engine.model.migration import MigrationPlan
from engine.model.soundness import Soundness
from engine.model.values import Json
from engine.model.waits import OpenToken
from engine.ports.clock import Watch

CallFunction = Callable[[str, Sequence[Any], Mapping[str, Any]], Json]
"""Calls the host function of that name; live it runs and is recorded, in re-execution the recorded answer comes back."""

FIND_PROCESS = "process"
"""As READ_STORE, for a process that is called by an expression: (its id) to {"definition", "hash"} of the version that is newest now, or None."""

FIND_CALLED = "called process"
"""As FIND_PROCESS, for a migration: (the definition that is left, a process that it has called) to {"definition"} of the version that was called, or None."""

READ_STORE = "data store"
"""The name under which the interpreter asks `CallFunction` for a data store: (its name) to {"version", "value"}, or None. No function can have it."""


class Model(Protocol):
    """Compiled processes of one deployment; immutable, shared by threads."""

    @property
    def processes(self) -> Mapping[str, ProcessInfo]: ...

    @property
    def warnings(self) -> Sequence[Problem]: ...


class Execution(Protocol):
    """One live instance. Not safe for threads: the caller holds the instance's lock.

    When `apply` raises, the object is spoilt and must be thrown away.
    """

    @property
    def state(self) -> str:
        """Active suspended completed failed cancelled"""

    @property
    def error(self) -> str | None:
        """Why it failed, or the cause of an open incident."""

    @property
    def chain(self) -> int:
        """Length of the chain of cause for what the last movement sent (`engine.model.chains`)."""

    def apply(self, movement: Movement | FailJob, now: datetime, call: CallFunction, watch: Watch | None = None) -> tuple[Event, ...]:
        """Run to the next wait state. Without a watch time is not bounded. Raises Conflict (unknown or finished key), LimitExceeded."""

    def snapshot(self) -> Json:
        """Everything needed to go on, as plain JSON; size grows with what is open, not with history."""

    def migration_problems(self, movement: MigrateInstance, now: datetime, call: CallFunction) -> tuple[MigrationProblem, ...]:
        """What `apply` would refuse; nothing is changed."""

    def open_elements(self) -> Mapping[int, str]:
        """Keys and element ids of the open element instances, oldest first."""

    def open_tokens(self) -> Sequence[OpenToken]:
        """The same with what each waits for; also event subprocesses that wait for their start, and loops that stand with an incident."""

    def targets(self, key: int) -> Sequence[str]:
        """Elements to which the open element `key` can be moved; none where it has to stay."""

    def timer_due(self, key: int) -> datetime | None:
        """The moment that the diagram gives the open timer `key`; None for everything else, transaction boundaries too."""

    def variables(self, scope: int = 0) -> dict[str, Json]:
        """Variables visible in a scope (its own over its parents'). 0: the instance. A key of an open user task or job is taken too."""


class Interpreter(Protocol):
    def compile(
        self,
        files: Mapping[str, bytes],
        called: Callable[[str], Model | None],
        lookup: Callable[[str], Model] | None = None,
        *,
        accepted: bool = False,
    ) -> Model:
        """BPMN and DMN files by name (others are ignored) to a model. Raises DeploymentRejected with every problem, unless it was `accepted` before.

        `called` finds the model that provides a called process of another deployment; `lookup`, while an instance runs, that of a definition id.
        """

    def open(self, model: Model, process_id: str, instance_id: str, snapshot: Json = None) -> Execution:
        """A fresh execution, or one restored from a snapshot that this engine version wrote."""

    def migration(self, old: tuple[Model, str], new: tuple[Model, str]) -> MigrationPlan:
        """The proposed plan between two processes, each a model with a definition id. Raises NotFound."""

    def soundness(self, model: Model, budget: int) -> tuple[Soundness, ...]:
        """Explore every process of the model, at most `budget` states of each; in order of their ids. Raises InvalidInput."""
