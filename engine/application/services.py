"""What every command needs beside its unit of work: the interpreter, compiled definitions, live executions, limits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Any, Generic, TypeVar

from engine.application.executions import LiveExecutions
from engine.errors import NotFound
from engine.model.definition import ProcessDefinition
from engine.ports import Definitions, Evaluator, Form, FormCompiler, Identifiers, Interpreter, Model, Notices

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one command may bring in; each is a clear refusal."""

    data_bytes: int = 1_000_000  # of one command's variables as canonical JSON
    attachment_bytes: int = 20_000_000
    deployment_files: int = 200
    deployment_bytes: int = 20_000_000
    text_characters: int = 20_000
    message_keep_seconds: int = 3600
    command_seconds: float = 1.0  # of computing, which the expressions of one command share
    snapshot_every: int = 100  # records between snapshots of one instance


class Cache(Generic[T]):
    """Least recently used values that are dear to make; safe for threads."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._held: OrderedDict[str, T] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str, make: Callable[[], T]) -> T:
        """Two threads may both make the value; the first stays."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        value = make()
        with self._lock:
            value = self._held.setdefault(key, value)
            while len(self._held) > self._capacity:
                self._held.popitem(last=False)
        return value


_STORE: ContextVar[Definitions | None] = ContextVar("definitions", default=None)


class _At:
    __slots__ = ("_before", "_store")

    def __init__(self, store: Definitions) -> None:
        self._store = store

    def __enter__(self) -> None:
        self._before = _STORE.set(self._store)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _STORE.reset(self._before)


class Library:
    """Definitions, their models and forms, compiled once and kept: a version never changes."""

    def __init__(self, interpreter: Interpreter, forms: FormCompiler | None) -> None:
        self.interpreter = interpreter
        self.forms = forms
        self._models: Cache[Model] = Cache(200)
        self._forms: Cache[Form | None] = Cache(1000)
        self._definitions: Cache[ProcessDefinition] = Cache(2000)

    def definition(self, store: Definitions, definition_id: str) -> ProcessDefinition:
        """Raises NotFound."""

        def load() -> ProcessDefinition:
            found = store.get(definition_id)
            if found is None:
                raise NotFound(kind="process definition", id=definition_id)
            return found

        return self._definitions.get(definition_id, load)

    def model(self, store: Definitions, definition: ProcessDefinition) -> Model:
        """The compiled deployment of a definition; called processes are those pinned when it was deployed."""

        def called(process_id: str) -> Model | None:
            pinned = definition.called.get(process_id)
            return self.model(store, self.definition(store, pinned)) if pinned else None

        return self._models.get(
            definition.deployment_id,
            lambda: self.interpreter.compile(store.files(definition.deployment_id), called, self._look_up, accepted=True),
        )

    def judged(self, files: Mapping[str, bytes], called: Callable[[str], Model | None]) -> Model:
        """What is to be deployed. Raises DeploymentRejected with every problem."""
        return self.interpreter.compile(files, called, self._look_up)

    def keep(self, deployment_id: str, model: Model) -> None:
        """It was deployed: the first instance need not compile it again."""
        self._models.get(deployment_id, lambda: model)

    def at(self, store: Definitions) -> _At:
        """While instances run: definitions that they call by an expression are read from there."""
        return _At(store)

    def _look_up(self, definition_id: str) -> Model:
        store = _STORE.get()
        assert store is not None, "an instance runs without `Library.at`"
        return self.model(store, self.definition(store, definition_id))

    def form(self, store: Definitions, definition: ProcessDefinition, form_key: str | None) -> Form | None:
        """The form of that version; None when the deployment holds none under this key."""
        forms = self.forms
        if form_key is None or forms is None:
            return None
        name = form_file(form_key)

        def load() -> Form | None:
            data = store.files(definition.deployment_id).get(name)
            return forms.compile(name, data) if data is not None else None

        return self._forms.get(f"{definition.deployment_id}/{form_key}", load)


def form_file(form_key: str) -> str:
    """The file of a deployment that holds the form of this key."""
    return f"{form_key}.form.json"


@dataclass(frozen=True, slots=True)
class Services:
    """Handed to every command function."""

    library: Library
    live: LiveExecutions
    identifiers: Identifiers
    evaluator: Evaluator
    engine_version: str
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    hash_password: Callable[[str], str] = lambda _: ""
    notices: Notices | None = None  # None: nobody is told of anything
    check_password: Callable[[str, str], bool] = lambda _hash, _password: False
