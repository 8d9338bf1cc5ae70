"""The executable form of a process or subprocess: SpiffWorkflow's process spec with our flow nodes and our own start."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.specs import WorkflowSpec

from engine.bpmn import payload
from engine.bpmn.diagram import Container, Node
from engine.bpmn.failure import ElementFailure
from engine.bpmn.flow_node import FlowNode
from engine.bpmn.subscription import START
from engine.errors import Conflict

if TYPE_CHECKING:
    from engine.bpmn.token import Token


class ScopeStart(FlowNode):
    """The invisible first step of a scope: declares data objects, arms event subprocesses, starts the first nodes.

    It runs from the queue like any other node, so that a timer text that cannot be evaluated becomes an incident.
    """

    reported = False

    def _run_hook(self, my_task: Token) -> bool:
        workflow = my_task.workflow
        for name in self.process.container.objects:
            if name not in workflow.scope.vars:
                workflow.scope.declare(name, None)
        armed = {(hub_one.spec.name, hub_one.start) for hub_one in _subscriptions(workflow)}
        for spec, start in self.process.event_starts_inside:
            if (spec.name, start) not in armed:
                workflow.top_workflow.event_manager.await_events(START, spec, workflow, None, workflow.scope, start)
        if self.process.ad_hoc is not None:
            workflow.memory["order"] = self.process.chosen(workflow)
        return True

    def leave(self, token: Token) -> None:
        workflow = token.workflow
        process = self.process
        if workflow.starting_at is not None:
            self._start_at(workflow, process.container.nodes[workflow.starting_at])
        elif process.ad_hoc is not None:
            names = workflow.memory["order"]
            workflow.started = names[:1] if process.ad_hoc.sequential else list(names)
            for name in workflow.started:
                process.task_specs[name].arrive(workflow)
        else:
            self._start_plainly(workflow)

    def _start_at(self, workflow: Any, node: Node) -> None:
        """By an event; after a parallel instantiating gateway the other events are still awaited (section 13.4.4)."""
        nodes = self.process.container.nodes
        with payload.brought(workflow.top_workflow.event_manager, payload.passed_on(workflow.memory)):
            self.process.task_specs[node.id].arrive(workflow, fired=True)
        for flow in node.incoming:
            gateway = nodes[flow.source]
            if gateway.instantiate and gateway.parallel_events:
                for other in gateway.outgoing:
                    if other.target != node.id:
                        self.process.task_specs[other.target].arrive(workflow, other)

    def _start_plainly(self, workflow: Any) -> None:
        nodes = self.process.starts
        plain = [node for node in nodes if not (node.definitions and node.type == "startEvent") and not node.instantiate]
        for node in plain or nodes:
            self.process.task_specs[node.id].arrive(workflow)


class ApartCompensation(FlowNode):
    """Drives a compensation that its throwing event does not wait for; the scope does. Invisible."""

    reported = False


def _subscriptions(workflow: Any) -> list[Any]:
    return [workflow.top_workflow.event_manager.subscriptions[key] for key in workflow.subscriptions]


class ProcessSpec(BpmnProcessSpec):
    """Overrides the constructor: `Start`, `End` and an end join of SpiffWorkflow would collide with ids of diagrams."""

    def __init__(self, container: Container, path: str) -> None:
        WorkflowSpec.__init__(self, name=container.id, filename=container.file)
        self.container = container
        self.path = path
        self.description = container.name
        self.svg = None
        self.io_specification = None
        self.data_objects: dict[str, Any] = {}  # SpiffWorkflow's own; data objects live in variable scopes
        self.data_stores: dict[str, Any] = {}
        self.correlation_keys: dict[str, Any] = {}
        self.bpmn_start_events: list[Any] = []
        self.ad_hoc = container.ad_hoc
        self.compensation_start: FlowNode | None = None  # event subprocess that compensates this scope
        self.event_subprocesses: list[Any] = []
        self.model: Any = None
        self._reach: dict[str, dict[str, tuple[set[str], set[str]]]] = {}
        self.start = ScopeStart(self, Node(container.id, "start"), "$start")
        self.apart = ApartCompensation(self, Node(container.id, "compensation"), "$compensation")
        self.end = None

    @cached_property
    def starts(self) -> tuple[Node, ...]:
        return tuple(self.container.starts())

    @cached_property
    def event_starts_inside(self) -> tuple[tuple[Any, str], ...]:
        """Event subprocesses of this scope with the start events that may trigger them."""
        pairs = ((spec, node) for spec in self.event_subprocesses for node in spec.inner.starts)
        return tuple((spec, node.id) for spec, node in pairs if not any(d.kind == "compensate" for d in node.definitions))

    def reach(self, node: Node) -> dict[str, tuple[set[str], set[str]]]:
        """For each incoming flow of a join: the elements from which a token can come over it without passing the join, and those of them from
        which sequence flows alone lead to it.
        """
        found = self._reach.get(node.id)
        if found is None:
            upstream = self.container.upstream
            found = self._reach[node.id] = {flow.id: (upstream(flow, node), upstream(flow, node, boundaries=False)) for flow in node.incoming}
        return found

    def way_to_transaction(self, token: Token) -> Iterator[tuple[Any, Token]]:
        """Scopes from the token's own out to that of the transaction, each with the token in it that leads inwards."""
        way = token
        while True:
            scope = way.workflow
            yield scope, way
            if scope.holder.task_spec.node.type == "transaction":
                return
            way = scope.holder

    # --- ad-hoc subprocesses (section 13.3.5) -----------------------------------------------------------------------
    def chosen(self, workflow: Any) -> list[str]:
        """The activities that start with the subprocess: those that its expression names, else all to which no flow leads."""
        offered = [node.id for node in self.starts]
        if self.ad_hoc is None or self.ad_hoc.chosen is None:
            return offered
        named = workflow.script_engine.sandbox.evaluate(self.ad_hoc.chosen, workflow.scope)
        if not isinstance(named, list) or any(one not in offered for one in named):
            raise ElementFailure(f"the activities to start must be a list of {', '.join(offered)}, not {named!r}")
        return list(named)

    def stays_open(self, workflow: Any) -> bool:
        """With chosen activities and a condition it waits for the condition, also while nothing runs in it."""
        ad_hoc = self.ad_hoc
        return ad_hoc is not None and ad_hoc.chosen is not None and bool(ad_hoc.condition) and workflow.started is not None

    def offers(self, workflow: Any, element: str) -> bool:
        """Can a person start that activity now?"""
        return self.ad_hoc is not None and workflow.started is not None and any(node.id == element for node in self.starts)

    def start_activity(self, workflow: Any, element: str) -> None:
        """Raises Conflict in a sequential one while something runs in it."""
        assert self.ad_hoc is not None
        if self.ad_hoc.sequential and workflow.tasks:
            raise Conflict(f"In {self.container.id} one activity runs at a time; finish the present one first.")
        if element not in workflow.started:
            workflow.started.append(element)
        self.task_specs[element].arrive(workflow)

    def after_inner_activity(self, workflow: Any, token: Token) -> None:
        """Ad-hoc (section 13.3.5): after each inner activity look at the completion condition, or start the next one."""
        if not token.task_spec.is_activity or token.body is not None or workflow.started is None or self.ad_hoc is None:
            return
        holder = workflow.holder
        workflow.top_workflow.attempt(holder, lambda: self._go_on(workflow, token))

    def _go_on(self, workflow: Any, token: Token) -> None:
        ad_hoc = self.ad_hoc
        assert ad_hoc is not None
        engine = workflow.script_engine
        if ad_hoc.condition and engine.decide(workflow.holder, "condition", self.container.id, ad_hoc.condition, ad_hoc.text, workflow.scope):
            workflow.started = None
            if ad_hoc.cancel_remaining:
                workflow.cancel_tokens()
        elif ad_hoc.sequential and not workflow.tasks:
            rest = [name for name in workflow.memory["order"] if name not in workflow.started]
            if rest:
                workflow.started.append(rest[0])
                self.task_specs[rest[0]].arrive(workflow)


def link(source: FlowNode, target: FlowNode) -> None:
    """Tell SpiffWorkflow's specs of a connection; tokens travel on the flows themselves."""
    source._outputs.append(target.name)
    target._inputs.append(source.name)
