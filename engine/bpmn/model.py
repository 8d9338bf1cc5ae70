"""A compiled deployment: executable processes, decisions, and the description of each process for pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from engine.bpmn.diagram import Container, Node
from engine.bpmn.process_spec import ProcessSpec
from engine.bpmn.reader import SUBPROCESSES
from engine.bpmn.timers import unquoted
from engine.errors import Problem
from engine.model.definition import Element, ProcessInfo, StartTrigger
from engine.ports import DecisionModel


class BpmnModel:
    """Immutable once compiled. `external` are models of other deployments, by the process that is called there."""

    def __init__(self, decisions: Mapping[str, DecisionModel], warnings: Sequence[Problem]) -> None:
        self.decisions = decisions
        self.warnings = tuple(warnings)
        self.specs: dict[str, ProcessSpec] = {}
        self.external: dict[str, BpmnModel] = {}
        self.lookup: Callable[[str], Any] | None = None
        self.processes: dict[str, ProcessInfo] = {}

    def find(self, process_id: str) -> ProcessSpec | None:
        """A process that can be called from here."""
        own = self.specs.get(process_id)
        if own is None and process_id in self.external:
            return self.external[process_id].specs.get(process_id)
        return own

    def of_definition(self, definition_id: str) -> ProcessSpec:
        """A process of any deployment, by the id of its version."""
        assert self.lookup is not None, "a definition id comes from whoever gave the look-up"
        found: ProcessSpec = self.lookup(definition_id).specs[definition_id.rpartition(":")[0]]
        return found


def describe(container: Container, external: Sequence[str]) -> ProcessInfo:
    """What pages and the application need to know of a process."""
    nodes = list(_all_nodes(container))
    elements: dict[str, Element] = {}
    for node, scope in nodes:
        elements[node.id] = _node(node, scope)
    for one, scope in _containers(container, None):
        for flow in one.flows:
            elements[flow.id] = Element(flow.id, "sequenceFlow", flow.name, flow.documentation, None, scope, flow.source, flow.target)
    called = {node.called.literal for node, _ in nodes if node.called is not None and node.called.literal}
    form_keys = dict.fromkeys(e.form_key for e in elements.values() if e.form_key)
    handlers = dict.fromkeys(e.handler for e in elements.values() if e.handler)
    return ProcessInfo(
        process_id=container.id,
        name=container.name or container.id,
        file=container.file,
        starts=tuple(_triggers(container)),
        elements=elements,
        documentation=container.documentation,
        form_keys=tuple(form_keys),
        handlers=tuple(handlers),
        called=tuple(sorted(called & set(external))),
    )


def _node(node: Node, scope: str | None) -> Element:
    work = node.assignment
    groups = tuple(g.strip() for one in work.groups for g in (one.literal or one.text).split(",") if g.strip())
    form_key = (work.form_key.literal or work.form_key.text) if work.form_key is not None else None
    handler = (node.topic.literal or node.topic.text) if node.topic is not None else None
    return Element(node.id, node.type, node.name, node.documentation, node.lane, scope, form_key=form_key, candidate_groups=groups, handler=handler)


def _containers(container: Container, scope: str | None) -> Iterator[tuple[Container, str | None]]:
    yield container, scope
    for node in container.nodes.values():
        if node.inner is not None:
            yield from _containers(node.inner, node.id)


def _all_nodes(container: Container) -> Iterator[tuple[Node, str | None]]:
    for one, scope in _containers(container, None):
        yield from ((node, scope) for node in one.nodes.values())


def _triggers(container: Container) -> Iterator[StartTrigger]:
    """How an instance may begin: start events, instantiating receive tasks and the events after instantiating gateways."""
    for node in container.starts():
        if node.type == "eventBasedGateway" and node.instantiate:
            for flow in node.outgoing:
                yield from _event_triggers(container.nodes[flow.target])
        elif node.type == "startEvent" or node.instantiate:
            yield from _event_triggers(node)
        else:
            yield StartTrigger(node.id, "none")


def _event_triggers(node: Node) -> Iterator[StartTrigger]:
    form_key = node.assignment.form_key.literal if node.assignment.form_key is not None else None
    if not node.definitions:
        yield StartTrigger(node.id, "none", form_key=form_key, business_key=node.business_key)
    for one in node.definitions:
        if one.kind in ("message", "signal"):
            yield StartTrigger(node.id, one.kind, one.name, form_key=form_key, business_key=node.business_key)
        elif one.kind == "timer":
            yield StartTrigger(node.id, "timer", None, unquoted(one.text), form_key, node.business_key)


__all__ = ["SUBPROCESSES", "BpmnModel", "describe"]
