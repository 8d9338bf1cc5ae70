"""Small protocols that the inner layers need and the outer layers provide; `engine.bootstrap` wires them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from engine.errors import FieldError, Problem
from engine.model.definition import ProcessInfo
from engine.model.events import Event
from engine.model.inputs import Movement
from engine.model.values import Json


# --- time and identifiers: inputs, read only outside the interpreter --------------------------------------------------
class Clock(Protocol):
    """The only place that reads wall time."""

    def now(self) -> datetime:
        """Current moment, aware, UTC."""


class Identifiers(Protocol):
    """Fresh ids for instances, deployments, requests; random in production, counted in tests."""

    def new(self) -> str:
        """A short unique text, `[a-z0-9]+`."""


# --- expressions ------------------------------------------------------------------------------------------------------
HostFunction = Callable[..., Json]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Result of an expression with the variables that it read."""

    value: Json
    reads: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Executed:
    """Effect of a script: variables assigned (also by mutation of lists and dicts) and removed (`del`), with what it read."""

    assigned: Mapping[str, Json]
    removed: tuple[str, ...]
    reads: Mapping[str, Json]


class Evaluator(Protocol):
    """Python syntax in a sandbox. Deterministic: the same arguments give the same result; time is `now`; no other inputs.

    Only variables that the source names are passed in. `functions` are host functions in a namespace of their own that data cannot
    shadow; an exception of class BpmnError that one raises comes out unchanged. Everything else that goes wrong (syntax, unknown
    name, time, memory, recursion) is an ExpressionError. Safe for several threads.
    """

    def evaluate(self, source: str, variables: Mapping[str, Any], functions: Mapping[str, HostFunction], now: datetime) -> Evaluated: ...

    def execute(self, source: str, variables: Mapping[str, Any], functions: Mapping[str, HostFunction], now: datetime) -> Executed: ...

    def check(self, source: str, mode: str) -> str | None:
        """Static check at deployment; `mode` is `expression` or `script`. A message when refused, else None."""

    def close(self) -> None: ...


# --- decisions (DMN) ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Decided:
    """`value`: the decision's result (a context for several outputs, a list for collecting policies); `rules`: matched rule ids."""

    value: Json
    rules: tuple[str, ...]
    reads: Mapping[str, Json]


class DecisionModel(Protocol):
    """One compiled DMN file."""

    decision_ids: tuple[str, ...]

    def evaluate(self, decision_id: str, variables: Mapping[str, Any], now: datetime) -> Decided:
        """Raises ExpressionError. Variable name of a single decision's result: `result_name(decision_id)`."""

    def result_name(self, decision_id: str) -> str: ...


class DecisionCompiler(Protocol):
    def compile(self, file: str, xml: bytes) -> DecisionModel:
        """Raises DeploymentRejected with every problem."""


# --- the interpreter ------------------------------------------------------------------------------------------------
CallFunction = Callable[[str, Sequence[Any], Mapping[str, Any]], Json]
"""Calls the host function of that name; live it runs and is recorded, in re-execution the recorded answer comes back."""


class Model(Protocol):
    """Compiled processes of one deployment; immutable, shared by threads."""

    processes: Mapping[str, ProcessInfo]
    warnings: Sequence[Problem]


class Execution(Protocol):
    """One live instance. Not safe for threads: the caller holds the instance's lock.

    When `apply` raises, the object is spoilt and must be thrown away.
    """

    state: str  # active completed failed cancelled
    error: str | None

    def apply(self, movement: Movement, now: datetime, call: CallFunction) -> tuple[Event, ...]:
        """Run to the next wait state. Raises Conflict (unknown or finished key), LimitExceeded."""

    def snapshot(self) -> Json:
        """Everything needed to go on, as plain JSON; size grows with what is open, not with history."""

    def variables(self, scope: int = 0) -> dict[str, Json]:
        """Variables visible in a scope (its own over its parents'). 0: the instance. A key of an open user task or job is taken too."""


class Interpreter(Protocol):
    def compile(self, files: Mapping[str, bytes], called: Callable[[str], Model | None]) -> Model:
        """BPMN and DMN files by name (others are ignored) to a model. Raises DeploymentRejected with every problem.

        `called` finds the model that provides a called process of another deployment.
        """

    def open(self, model: Model, process_id: str, instance_id: str, snapshot: Json = None) -> Execution:
        """A fresh execution, or one restored from a snapshot that this engine version wrote."""


# --- forms ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Decoded:
    """A submission turned into JSON values: declared fields only."""

    values: Mapping[str, Json]
    errors: tuple[FieldError, ...]


class Form(Protocol):
    """One compiled form."""

    key: str

    def fields(self) -> tuple[str, ...]:
        """Names of the declared top-level properties."""

    def check(self, values: Mapping[str, Json]) -> Decoded:
        """Validate JSON values (API). Undeclared fields and read-only fields are errors."""


class FormCompiler(Protocol):
    def compile(self, file: str, data: bytes) -> Form:
        """`*.form.json` bytes. Raises DeploymentRejected with the JSON pointer of each problem in its message."""


# --- persistence --------------------------------------------------------------------------------------------------------
class Store(Protocol):
    """A database. `begin` opens a transaction that rolls back unless committed; reads inside see one state."""

    def begin(self, *, write: bool) -> AbstractContextManager[Any]: ...

    def close(self) -> None: ...


class Projection(Protocol):
    """Derives read tables from records, inside the transaction that appends them."""

    name: str

    def apply(self, connection: Any, record: Any, head: Any) -> None: ...

    def clear(self, connection: Any) -> None: ...


Sources = Mapping[str, bytes]
Problems = Iterable[Problem]
