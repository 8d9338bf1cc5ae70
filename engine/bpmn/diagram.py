"""What a BPMN file says, read but not yet executable: containers (process, subprocess) of nodes and sequence flows.

Plain data between the XML reader, the validation, the builder of task specs and the description for pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.bpmn.templates import Template


@dataclass(slots=True, eq=False)
class Flow:
    """A sequence flow; `condition` is the bare expression, `text` what the diagram holds. `drawn` is False for the jump of a link event."""

    id: str
    source: str
    target: str
    condition: str | None = None
    text: str = ""
    default: bool = False
    name: str = ""
    documentation: str = ""
    line: int | None = None
    drawn: bool = True


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named value: service-task parameter, input or output mapping, message content, part of a data association.

    `path`: keys inside the variable, where the target is a part of one. `chained`: it sees what those before it gave, as the mappings of Camunda 7
    and Zeebe do. `outward`: it leaves an activity, whose own variables it sees first.
    """

    name: str
    value: Template
    path: tuple[str, ...] = ()
    chained: bool = False
    outward: bool = False


@dataclass(frozen=True, slots=True)
class CorrelationKey:
    """A correlation key as one message carries it (section 8.4.2): for each property the expression over the payload, and the one over the
    instance's data that this very event states ("": none; those of the process are `Container.bindings`).
    """

    id: str
    properties: tuple[str, ...]
    paths: tuple[str, ...]
    bindings: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Definition:
    """One event definition of an event (BPMN 2.0.2 section 10.5). `kind`: message, signal, timer, error, escalation, conditional, cancel,
    terminate, compensate, link.

    `name` is that of the message, signal or link; `code` of the error or escalation; `text` the timer's or condition's text; `form` of a timer:
    date, duration, cycle. `activity` is the compensated activity. `correlation` and `content` serve messages, `variable` takes the payload whole.
    """

    kind: str
    id: str = ""
    name: str = ""
    code: str | None = None
    text: str = ""
    form: str = ""
    activity: str | None = None
    waits: bool = True  # for the handlers of a compensation
    target: str | None = None  # of a throwing link
    sources: tuple[str, ...] = ()  # of a catching link
    correlation: Template | None = None
    keys: tuple[CorrelationKey, ...] = ()
    content: tuple[Parameter, ...] = ()
    everything: bool = False  # Camunda's signal that carries all variables
    payload: Template | None = None  # SpiffWorkflow's payload as one expression
    variable: str | None = None
    unwraps: bool = False  # SpiffWorkflow's variable: takes what the payload expression gave, object or not
    code_variable: str | None = None
    message_variable: str | None = None
    line: int | None = None

    @property
    def plain_signal(self) -> bool:
        """A signal whose name need not be evaluated."""
        return self.kind == "signal" and not self.computed_name

    @property
    def computed_name(self) -> bool:
        """Does the name of the message or signal hold an expression?"""
        return "{" in self.name

    def same(self, other: Definition) -> bool:
        """Do both mean the same event?"""
        return (self.id != "" and self.id == other.id) or (self.kind, self.name, self.code) == (other.kind, other.name, other.code)


@dataclass(slots=True, eq=False)
class Loop:
    """Loop characteristics. `kind`: standard, parallel, sequential. `collection` lists the names under which the collection may be found."""

    kind: str
    condition: str | None = None  # standard: go on while; multi-instance: stop when
    text: str = ""
    maximum: int | None = None
    test_before: bool = False
    cardinality: str | None = None
    collection: tuple[str, ...] = ()
    collection_expression: str | None = None
    item: str | None = None
    output: str | None = None
    output_item: str | None = None
    output_expression: str | None = None
    first_number: int = 0  # loopCounter of the first iteration
    behaviour: str = "All"
    one_event: Definition | None = None
    none_event: Definition | None = None
    complex_events: tuple[tuple[str, Definition], ...] = ()
    async_before: bool = False  # of each iteration
    async_after: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who works on a user task, with what form, until when; each a template."""

    assignee: Template | None = None
    groups: tuple[Template, ...] = ()
    users: tuple[Template, ...] = ()
    excludes: tuple[Template, ...] = ()  # element ids
    form_key: Template | None = None
    due: Template | None = None
    follow_up: Template | None = None
    priority: Template | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a job of the element is tried: `attempts` in all, at least 1; `backoff` as the event `JobCreated` records it."""

    attempts: int = 3
    backoff: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mapping:
    """Variables that pass the border of a call activity. `everything` passes all of them, each parameter one, `own` the activity's input parameters."""

    everything: bool = False
    parameters: tuple[Parameter, ...] = ()
    stated: bool = False
    own: bool = False


@dataclass(slots=True, eq=False)
class Node:
    """A flow node. `type` is the BPMN local name (`userTask`); only the fields of its type are filled."""

    id: str
    type: str
    name: str = ""
    documentation: str = ""
    line: int | None = None
    lane: str | None = None
    incoming: list[Flow] = field(default_factory=list)
    outgoing: list[Flow] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    parallel_multiple: bool = False
    interrupting: bool = True
    attached_to: str | None = None
    boundary: list[Node] = field(default_factory=list)
    handler: str | None = None  # compensation activity
    for_compensation: bool = False
    loop: Loop | None = None
    start_quantity: int = 1
    completion_quantity: int = 1
    instantiate: bool = False
    parallel_events: bool = False
    activation: str | None = None
    script: str | None = None
    pre_script: str | None = None
    post_script: str | None = None
    topic: Template | None = None
    retry: Retry = field(default_factory=Retry)
    parameters: tuple[Parameter, ...] = ()
    inputs: tuple[Parameter, ...] = ()
    outputs: tuple[Parameter, ...] = ()
    result_variable: str | None = None
    decision: Template | None = None
    decision_shape: str | None = None
    assignment: Assignment = field(default_factory=Assignment)
    initiator: str | None = None
    business_key: str | None = None
    called: Template | None = None
    mapping_in: Mapping = field(default_factory=Mapping)
    mapping_out: Mapping = field(default_factory=Mapping)
    properties: tuple[str, ...] = ()
    copied_in: tuple[tuple[str, str], ...] = ()  # data associations (section 10.4.2): (variable, name inside)
    copied_out: tuple[tuple[str, str], ...] = ()  # (name inside, variable)
    stores_in: tuple[tuple[str, str], ...] = ()  # (data store, name inside)
    stores_out: tuple[tuple[str, str], ...] = ()  # (name inside, data store)
    store_outputs: tuple[Parameter, ...] = ()  # computed for data stores
    associated_in: tuple[Parameter, ...] = ()  # those of `inputs` that data associations compute
    data_outputs: tuple[str, ...] = ()  # names inside that associations take from
    own_outputs: tuple[str, ...] = ()  # those of an activity that nothing outside of it sees
    async_before: bool = False  # a transaction boundary before it, and after it
    async_after: bool = False
    inner: Container | None = None


@dataclass(slots=True, eq=False)
class AdHoc:
    """An ad-hoc subprocess (section 13.3.5)."""

    condition: str | None
    text: str
    sequential: bool
    cancel_remaining: bool
    chosen: str | None = None  # expression for the ids of the activities that start; None: all


@dataclass(slots=True, eq=False)
class Container:
    """A process or the inside of a subprocess. `objects` are the names of its data objects and properties."""

    id: str
    name: str = ""
    file: str = ""
    documentation: str = ""
    line: int | None = None
    executable: bool = True
    triggered_by_event: bool = False
    nodes: dict[str, Node] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)
    ad_hoc: AdHoc | None = None
    parent: Container | None = None  # of the inside of a subprocess
    holder: Node | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    bindings: dict[str, dict[str, str]] = field(default_factory=dict)  # of a process: correlation key -> property -> expression over its data

    def enclosing(self) -> Iterator[Container]:
        """The container and those around it, outwards."""
        one: Container | None = self
        while one is not None:
            yield one
            one = one.parent

    def upstream(self, flow: Flow, join: Node, *, boundaries: bool = True) -> set[str]:
        """The elements from which a token can come over `flow` into `join` without passing it; on request not by way of boundary events."""
        seen: set[str] = set()
        todo = [flow.source]
        while todo:
            name = todo.pop()
            if name in seen or name == join.id:
                continue
            seen.add(name)
            todo += [incoming.source for incoming in self.nodes[name].incoming]
            attached = self.nodes[name].attached_to
            if boundaries and attached is not None:
                todo.append(attached)
        return seen

    def starts(self) -> list[Node]:
        """Start events; without one, the nodes that nothing leads to (section 13.2) and instantiating receivers. By their ids."""
        nodes = sorted(self.nodes.values(), key=lambda node: node.id)
        return [n for n in nodes if n.type == "startEvent"] or [n for n in nodes if self._begins(n)]

    def _begins(self, node: Node) -> bool:
        if node.incoming or node.for_compensation or node.type == "boundaryEvent":
            return False
        if node.type == "subProcess" and node.inner is not None and node.inner.triggered_by_event:
            return False
        return not (node.type == "intermediateCatchEvent" and any(d.kind == "link" for d in node.definitions))
