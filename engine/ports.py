"""Small protocols that the inner layers need and the outer layers provide; `engine.bootstrap` wires them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from engine.errors import FieldError, MigrationProblem, Problem
from engine.model.definition import Deployment, ProcessDefinition, ProcessInfo
from engine.model.events import Event
from engine.model.inputs import FailJob, MigrateInstance, Movement
from engine.model.migration import MigrationPlan
from engine.model.records import Record
from engine.model.soundness import Soundness
from engine.model.values import Json
from engine.model.views import BulkRow, ModelDraft, TaskRow, TokenRow, UserRow


# --- time and identifiers: inputs, read only outside the interpreter --------------------------------------------------
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


class Feel(Protocol):
    """Expressions in FEEL, without the mark. What goes wrong inside one is null, as DMN says; syntax and budget are an ExpressionError."""

    def evaluate(self, source: str, variables: Mapping[str, Any], now: datetime, functions: Mapping[str, HostFunction] = ...) -> Evaluated: ...

    def check(self, source: str) -> str | None:
        """A message when the text is not FEEL, else None."""


class Evaluator(Protocol):
    """Python syntax in a sandbox; FEEL for a text that begins with `=` (`engine.model.languages`). Deterministic: the same arguments give the same result; time is `now`; no other inputs.

    Only variables that the source names are passed in. `functions` are host functions in a namespace of their own that data cannot
    shadow; an exception of class BpmnError that one raises comes out unchanged. Everything else that goes wrong (syntax, unknown
    name, time, memory, recursion) is an ExpressionError; ExpressionStopped when that depends on the machine. Safe for several threads.
    `allowance`: how long it may run, where that is not the ordinary limit.
    """

    def evaluate(
        self, source: str, variables: Mapping[str, Any], functions: Mapping[str, HostFunction], now: datetime, allowance: Allowance | None = None
    ) -> Evaluated: ...

    def execute(
        self, source: str, variables: Mapping[str, Any], functions: Mapping[str, HostFunction], now: datetime, allowance: Allowance | None = None
    ) -> Executed: ...

    def check(self, source: str, mode: str) -> str | None:
        """Static check at deployment; `mode` is `expression` or `script`. A message when refused, else None."""

    def available(self) -> bool:
        """Can it run at all? Cheap: asked by health checks."""

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

    def output_name(self, decision_id: str) -> str:
        """The name of the only output of its table; of any other decision that of its variable."""

    def place_of(self, decision_id: str) -> tuple[str | None, int | None]:
        """Name and line in the file of one of `decision_ids`."""


class DecisionCompiler(Protocol):
    def compile(self, file: str, xml: bytes, others: Mapping[str, bytes] | None = None) -> DecisionModel:
        """Raises DeploymentRejected with every problem. `others`: all files of the deployment, for imports."""

    def named(self, file: str, xml: bytes) -> frozenset[str]:
        """Ids of the decisions in a file that may be refused; none when it cannot be read at all."""


# --- the interpreter ------------------------------------------------------------------------------------------------
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
        """Names of the declared top-level properties, conditional and read-only ones included."""

    def check(self, values: Mapping[str, Json], shown: Mapping[str, Json] = ...) -> Decoded:
        """Validate JSON values (API). Undeclared fields and read-only fields are errors.

        `shown`: present values of the declared fields, as the task shows them: conditions and read-only columns are read from there.
        A field that `shown` has and the submission leaves empty comes back as None, so that assignment clears it.
        """

    def attachments(self, values: Mapping[str, Json]) -> Mapping[str, Mapping[str, Any]]:
        """References to attachments in checked values, by SHA-256."""


class FormCompiler(Protocol):
    def compile(self, file: str, data: bytes) -> Form:
        """`*.form.json` bytes. Raises DeploymentRejected with the JSON pointer of each problem in its message."""


# --- telling people ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Notice:
    """What one person is told. `key` is the same for every attempt, so that whoever gets it twice can tell."""

    address: str
    subject: str
    text: str
    key: str


class Notifier(Protocol):
    """A way to people outside of the pages."""

    def send(self, notice: Notice) -> None:
        """Returns when it is on its way; whatever is raised is tried again later."""


@dataclass(frozen=True, slots=True)
class Notices:
    """`public_url`: where people reach the pages, without a slash at its end; "" when it is not known, and then no notice holds a link."""

    notifier: Notifier
    public_url: str = ""


# --- persistence --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Head:
    """Where an instance stands: what a command needs to append the next record."""

    instance_id: str
    definition_id: str
    process_id: str
    business_key: str | None
    state: str
    seq: int
    hash: str
    started_by: str = ""


CONTINUATION = "continuation"


@dataclass(frozen=True, slots=True)
class Due:
    """One job row. `id` is `<instance>-<key>`, or `start-<definition>-<element>` and the like for work without an instance.

    `kind`: timer, service; answer (an external handler's, that came while the instance was suspended); message, signal (on their way);
    deliver, begin (a signal that waited for a suspended instance, or definition); start (a timer's); bulk; notify (a user task was offered or handed
    over: whom does it concern?), mail (to one of them); periodic. `state`: due, failed, suspended.
    `handler` of a timer: CONTINUATION when it is due at once (an asynchronous continuation), else None.
    """

    id: str
    kind: str
    instance_id: str | None
    key: int | None
    element_id: str
    handler: str | None
    parameters: Mapping[str, Json]
    due_at: datetime
    attempts: int
    retries: int
    backoff: tuple[str, ...] = ()  # ISO 8601 durations after the first, second ... failed attempt; the last one repeats
    state: str = "due"


class Records(Protocol):
    """The truth; `UnitOfWork.append` adds to it."""

    def of(self, instance_id: str, after: int = 0, until: int | None = None) -> list[Record]: ...

    def by_request(self, request_id: str) -> Record | None: ...


class Instances(Protocol):
    def head(self, instance_id: str, *, lock: bool = False, wait: bool = True) -> Head | None:
        """`lock` holds it for the transaction; without `wait` an instance that somebody else holds is None, as one that does not exist."""

    def snapshot(self, instance_id: str, engine_version: str) -> tuple[int, Json] | None: ...

    def keep_snapshot(self, instance_id: str, seq: int, engine_version: str, data: Json) -> None: ...

    def lock(self, instance_ids: Sequence[str]) -> None:
        """Lock several for the transaction, always in the same order."""

    def open_task(self, task_id: str, *, lock: bool = True) -> tuple[TaskRow, Head] | None:
        """The task in whatever state with its instance, locked for the transaction unless it is only looked at."""

    def attached(self, instance_id: str) -> frozenset[str]:
        """SHA-256 of the files that were attached to this instance."""

    def completers(self, instance_id: str, elements: Sequence[str]) -> frozenset[str]:
        """Users who completed a user task of one of these elements in this instance."""


class Definitions(Protocol):
    def add(self, deployment: Deployment, files: Mapping[str, bytes], models: Mapping[str, ProcessInfo]) -> None: ...

    def latest(self, process_id: str) -> ProcessDefinition | None: ...

    def latest_id(self, process_id: str) -> tuple[str, bool] | None:
        """Id of the newest version, and whether it is suspended."""

    def get(self, definition_id: str) -> ProcessDefinition | None: ...

    def of_deployment(self, deployment_id: str) -> Mapping[str, str]:
        """Definition ids of a deployment, by process."""

    def by_content(self, process_id: str, content_hash: str) -> ProcessDefinition | None: ...

    def files(self, deployment_id: str) -> dict[str, bytes]: ...

    def starts(self, kind: str, name: str, *, suspended: bool = False) -> list[tuple[str, str]]:
        """(definition id, element id) of newest versions that a message or signal of this name starts, or would if they were not suspended."""

    def is_suspended(self, definition_id: str) -> bool: ...

    def set_suspended(self, definition_id: str, suspended: bool, actor: str, reason: str, at: datetime) -> bool:
        """Write down who, why and when. False: it was so already."""


class Jobs(Protocol):
    def add(self, due: Due) -> None:
        """A job of the same id is replaced. Raises ConcurrentChange when somebody else makes one at this moment."""

    def add_new(self, dues: Sequence[Due]) -> None:
        """Many at once; no job has their ids."""

    def remove(self, job_id: str, due_at: datetime | None = None) -> bool:
        """Whether it was there; with `due_at` only the job of that moment, not a later one of a cycle under the same id."""

    def next_due(self, now: datetime, skip: Sequence[str] = ()) -> Due | None: ...

    def get(self, job_id: str) -> Due | None: ...

    def still_due(self, job_id: str, now: datetime, *, hold: bool = False) -> Due | None:
        """As it is now; None when it ended, was put off or is leased to somebody else. `hold`: also None when somebody else holds it."""

    def earliest(self, now: datetime) -> datetime | None:
        """The first moment after `now` at which a job can be run that cannot be run now."""

    def ahead(self, after: datetime) -> list[Due]:
        """Jobs due later than that moment whose moment comes from no diagram and no schedule: they were due when they were made, or wait for another attempt."""

    def hasten(self, due: Due, now: datetime) -> None: ...

    def of_definition(self, definition_id: str) -> list[str]:
        """Ids of jobs that start instances of this definition."""

    def postpone(self, job_id: str, attempts: int, due_at: datetime | None, stack: str) -> None:
        """Try again at `due_at`; None: no more attempts."""

    def revive(self, job_id: str, now: datetime) -> bool:
        """A failed job has all its attempts again. False: it is not there, or failed no more."""

    def drop_failed(self, job_id: str) -> bool:
        """False: it is not there, or failed no more."""

    def write_down(self, due: Due, act: str, actor: str, reason: str, at: datetime) -> None:
        """What an operator did about a job that belongs to no element; `act`: retry, discard."""

    def lease(self, job_id: str, owner: str, until: datetime) -> None: ...

    def renew(self, job_id: str, owner: str, until: datetime) -> bool:
        """Hold it longer. False: it ended, or its lease did and somebody else holds it."""

    def keep_answer(self, job_id: str, input: Mapping[str, Json]) -> None:
        """What an external handler gave for a job of a suspended instance: carried out in the handler's place after resuming."""

    def suspend_starts(self, definition_id: str) -> None:
        """Timed starts of this definition wait."""

    def resume_starts(self, definition_id: str) -> None:
        """They, and what `hold_start` kept, are due."""

    def hold_start(self, definition_id: str, due: Due) -> None:
        """Keep a message or signal that would start an instance of a suspended definition."""


@dataclass(frozen=True, slots=True)
class Carried:
    """The key that a message has for subscriptions which read it from a payload in this way."""

    retrieval: tuple[str, ...]
    key: str


class Waiting(Protocol):
    """Message and signal subscriptions, and messages that wait for one."""

    def match(
        self, kind: str, name: str, correlation_key: str | None, carried: Sequence[Carried] = (), *, suspended: bool = False
    ) -> tuple[str, int] | None:
        """(instance id, key): the exact key first, then what the message carries, then subscriptions without a key, oldest first.

        Without a key any, but a subscription that reads its key from messages (`retrievals`) only by what the message carries.
        Of suspended instances only, or only of others.
        """

    def retrievals(self, name: str) -> list[tuple[str, ...]]:
        """The different ways in which subscriptions for this message read their key from a payload."""

    def is_open(self, instance_id: str, key: int) -> bool:
        """Does that subscription still wait? Asked again when the instance is locked."""

    def hold(self, name: str) -> bool:
        """Before a message is kept: nobody else keeps or takes one of this name until the transaction ends.

        True when somebody may have begun to wait before: look again.
        """

    def instances(self, name: str) -> list[str]:
        """Instances that wait for the signal."""

    def keep(self, message_id: str, name: str, correlation_key: str | None, payload: Mapping[str, Json], expires: datetime) -> None: ...

    def take_kept(
        self, name: str, correlation_key: str | None, now: datetime, accepts: Callable[[Mapping[str, Json]], bool] | None = None
    ) -> tuple[str | None, Mapping[str, Json]] | None:
        """Take the oldest kept message for a subscription with this key; one that came without a key only if `accepts` its payload."""

    def forget_expired(self, now: datetime) -> int: ...


class Bulks(Protocol):
    """Bulk operations and their items."""

    def add(self, row: BulkRow, targets: Sequence[str]) -> None: ...

    def fitting(self, act: str, definition_id: str, element: str | None, limit: int) -> list[str]:
        """What the act fits to: open incidents (retry), suspended (resume) or active instances of the definition, oldest first."""

    def incidents(self, instance_id: str) -> list[str]:
        """Ids of the open incidents of an instance."""

    def get(self, bulk_id: str) -> BulkRow | None: ...

    def next_item(self, bulk_id: str) -> tuple[int, str] | None:
        """(number, target) of the first item that still waits."""

    def settle(self, bulk_id: str, number: int, refusal: Mapping[str, Json] | None, at: datetime) -> None:
        """The item is done, or was refused."""

    def end(self, bulk_id: str, state: str, at: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Answered:
    """What a command of this name answered this actor; `answer` as JSON."""

    command: str
    actor: str
    answer: Json


class Answers(Protocol):
    """Answers to request ids of commands that may leave no record under them."""

    def get(self, request_id: str) -> Answered | None: ...

    def put(self, request_id: str, command: str, actor: str, answer: Json, now: datetime) -> None:
        """Raises ConcurrentChange when the same request was carried out at this moment."""

    def forget(self, before: datetime) -> None: ...


class DataStores(Protocol):
    """Data stores of diagrams, shared by all instances. They are written by the projection of the records that write them."""

    def read(self, name: str) -> Json:
        """`{"version", "value"}`, None for one that was never written; nobody else gets it until the transaction ends."""


class Blobs(Protocol):
    def put(self, data: bytes, media_type: str = "application/octet-stream") -> str:
        """Store bytes under their SHA-256 and give it back; the same bytes are stored once."""

    def get(self, sha256: str) -> bytes | None: ...


class Drafts(Protocol):
    def save_form(self, instance_id: str, key: int, user_id: str, values: Mapping[str, Json], now: datetime) -> None: ...

    def form(self, instance_id: str, key: int, user_id: str) -> Mapping[str, Json] | None: ...

    def drop_forms(self, instance_id: str, key: int) -> None: ...

    def save_model(self, draft: ModelDraft) -> None:
        """Raises Conflict when the stored revision is not the one before."""

    def model(self, draft_id: str) -> ModelDraft | None: ...

    def drop_model(self, draft_id: str) -> None: ...


class Accounts(Protocol):
    def put(self, user: UserRow, password_hash: str | None) -> None: ...

    def get(self, user_id: str) -> UserRow | None: ...

    def password_hash(self, user_id: str) -> str | None: ...

    def members(self, groups: Sequence[str], user_ids: Sequence[str]) -> list[UserRow]:
        """Active accounts with an address that are in one of the groups or named; in order of their ids."""

    def end_sessions(self, user_id: str) -> None: ...

    def add_token(self, token: TokenRow, secret_hash: str) -> None: ...

    def drop_token(self, token_id: str, user_id: str) -> bool: ...


class Waker(Protocol):
    """Whoever does work that is due."""

    def announce(self, connection: Any) -> None:
        """In the transaction that makes the work: tell other machines, who hear it when it commits."""

    def wake(self) -> None:
        """After the commit, in the process that made the work."""


class UnitOfWork(Protocol):
    """One write transaction. It commits when its block ends and rolls back on an exception; `after_commit` runs then.

    `now` is read once. `connection` is the SQLAlchemy connection for handlers of packs.
    """

    now: datetime
    connection: Any
    after_commit: list[Callable[[], None]]

    @property
    def records(self) -> Records: ...

    @property
    def instances(self) -> Instances: ...

    @property
    def definitions(self) -> Definitions: ...

    @property
    def jobs(self) -> Jobs: ...

    @property
    def waiting(self) -> Waiting: ...

    @property
    def bulks(self) -> Bulks: ...

    @property
    def stores(self) -> DataStores: ...

    @property
    def answers(self) -> Answers: ...

    @property
    def blobs(self) -> Blobs: ...

    @property
    def drafts(self) -> Drafts: ...

    @property
    def accounts(self) -> Accounts: ...

    def due_now(self) -> None:
        """Work of this transaction is due at once: whoever does it is woken when it commits."""

    def append(self, record: Record, head: Head) -> None:
        """Write the record and bring every read table up to it; `head` is the instance after it.

        Raises ConcurrentChange when (instance, seq) is taken, RequestIdReused when the request id is; the transaction is lost then.
        """


class Projection(Protocol):
    """Derives one read table from records, inside the transaction that appends them.

    `apply` adds its writes to a batch (`engine.store.statements.Batch`), which runs them together.
    """

    name: str

    def apply(self, batch: Any, record: Record, head: Head) -> None: ...

    def clear(self, connection: Any) -> None: ...
