"""Is what was read executable as a whole? Every finding is a Problem; errors refuse the deployment, warnings travel with the model.

One function per rule family; expressions are checked by the evaluator, references to decisions and processes against what the deployment offers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.bpmn.diagram import AdHoc, Container, Definition, Flow, Node, Parameter
from engine.bpmn.reader import ACTIVITIES
from engine.bpmn.templates import Template, source
from engine.bpmn.timers import looks_iso
from engine.errors import InvalidInput, Problem
from engine.model.schedule import first
from engine.ports import Evaluator

A_DAY = datetime(2000, 1, 1, tzinfo=UTC)  # only to see whether a timer text can be read
ALLOWED = {
    "startEvent": {"message", "signal", "timer", "conditional"},
    "event subprocess": {"message", "signal", "timer", "conditional", "error", "escalation", "compensate"},
    "intermediateCatchEvent": {"message", "signal", "timer", "conditional", "link"},
    "intermediateThrowEvent": {"message", "signal", "escalation", "compensate", "link"},
    "endEvent": {"message", "signal", "error", "escalation", "cancel", "compensate", "terminate"},
    "boundaryEvent": {"message", "signal", "timer", "conditional", "error", "escalation", "cancel", "compensate"},
}


@dataclass(slots=True)
class Validation:
    """`offers`: ids of processes that can be called; `decisions`: ids of decisions of the deployment."""

    evaluator: Evaluator
    offers: Callable[[str], bool]
    decisions: frozenset[str]
    problems: list[Problem] = field(default_factory=list)
    checked: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def _check(self, text: str, mode: str) -> str | None:
        if (text, mode) not in self.checked:
            self.checked[text, mode] = self.evaluator.check(text, mode)
        return self.checked[text, mode]

    def process(self, container: Container) -> None:
        self._container(container)

    # --- noting -----------------------------------------------------------------------------------------------------
    def _say(
        self, file: str, rule: str, message: str, node: Node | Flow | Container, advice: str = "", *, warning: bool = False, line: int | None = None
    ) -> None:
        severity = "warning" if warning else "error"
        self.problems.append(Problem(file, rule, message, node.id, node.name or None, line or node.line, advice, severity))

    # --- containers -------------------------------------------------------------------------------------------------
    def _container(self, container: Container) -> None:
        starts = container.starts()
        if not starts:
            self._say(container.file, "bpmn.start", "there is no start event", container, "add a start event")
        if container.triggered_by_event and sum(node.type == "startEvent" for node in container.nodes.values()) != 1:
            self._say(container.file, "bpmn.event-subprocess", "an event subprocess has exactly one start event", container)
        if container.ad_hoc is not None:
            self._ad_hoc(container, container.ad_hoc)
        self._links(container)
        begin = {node.id for node in starts}
        for node in container.nodes.values():
            self._node(container, node)
            if not node.incoming and node.id not in begin and container.ad_hoc is None and self._needs_way_in(node):
                self._say(container.file, "bpmn.unreachable", "no sequence flow leads to this element; it will never run", node, warning=True)
            if node.inner is not None:
                self._container(node.inner)

    def _ad_hoc(self, container: Container, ad_hoc: AdHoc) -> None:
        for node in container.nodes.values():
            if node.type in ("startEvent", "endEvent"):
                self._say(container.file, "bpmn.ad-hoc", "an ad-hoc subprocess has no start or end events", node, "remove it")
        if ad_hoc.condition:
            self._expression(container, container, ad_hoc.condition)

    def _needs_way_in(self, node: Node) -> bool:
        if node.type == "boundaryEvent" or node.for_compensation or any(d.kind == "link" for d in node.definitions):
            return False
        return not (node.inner is not None and node.inner.triggered_by_event)

    def _links(self, container: Container) -> None:
        names: set[str] = set()
        for node in container.nodes.values():
            for one in node.definitions:
                if one.kind != "link":
                    continue
                if node.type == "intermediateThrowEvent" and not any(not f.drawn for f in node.outgoing):
                    self._say(container.file, "bpmn.link", f"there is no catching link event {one.name!r} in the same scope", node, "add one")
                if any(f.drawn for f in (node.outgoing if node.type == "intermediateThrowEvent" else node.incoming)):
                    message = "a sequence flow leaves a throwing link event" if node.outgoing else "a sequence flow leads into a catching link event"
                    self._say(container.file, "bpmn.link", message, node, "the link takes the place of the flow")
                if node.type == "intermediateCatchEvent" and not any(not f.drawn for f in node.incoming):
                    self._say(container.file, "bpmn.link", f"there is no throwing link event {one.name!r} in the same scope", node, warning=True)
                if node.type == "intermediateCatchEvent" and not one.sources:
                    if one.name in names:
                        self._say(container.file, "bpmn.link", f"a second catching link event {one.name!r}", node, "link names are unique in a scope")
                    names.add(one.name)

    # --- nodes --------------------------------------------------------------------------------------------------------
    def _node(self, container: Container, node: Node) -> None:
        say = lambda rule, message, advice="", **kw: self._say(container.file, rule, message, node, advice, **kw)  # noqa: E731
        if node.type.endswith("Event"):
            self._event(container, node, say)
        elif node.type.endswith("Gateway"):
            self._gateway(container, node, say)
        else:
            self._activity(container, node, say)
        for flow in node.outgoing:
            if flow.condition is not None and not flow.default:
                self._expression(container, flow, flow.condition)
        for template in templates_of(node):
            self._template(container, node, template)

    def _event(self, container: Container, node: Node, say: Callable[..., None]) -> None:
        position = "event subprocess" if node.type == "startEvent" and container.triggered_by_event else node.type
        for one in node.definitions:
            if one.kind not in ALLOWED[position]:
                say("bpmn.event", f"a {one.kind} event cannot be used here ({position})", "choose another event")
            self._definition(container, node, one)
        if node.type == "startEvent":
            self._start(container, node, say)
        if node.type == "endEvent":
            if node.outgoing:
                say("bpmn.end", "a sequence flow leaves an end event")
            inside = any(one.holder is not None and one.holder.type == "transaction" for one in container.enclosing())
            if any(d.kind == "cancel" for d in node.definitions) and not inside:
                say("bpmn.cancel", "a cancel end event belongs into a transaction")
        if node.type == "boundaryEvent":
            self._boundary(container, node, say)
        if node.type == "intermediateCatchEvent" and not node.definitions:
            say("bpmn.event", "the catching event waits for nothing", "choose what it waits for")

    def _start(self, container: Container, node: Node, say: Callable[..., None]) -> None:
        if node.incoming:
            say("bpmn.start", "a sequence flow leads into a start event")
        if container.holder is not None and not container.triggered_by_event and node.definitions:
            say("bpmn.start", "the start event of an embedded subprocess has no trigger", "use an event subprocess")
        if container.triggered_by_event and not node.definitions:
            say("bpmn.start", "the start event of an event subprocess needs a trigger", "choose a message, timer, error ...")

    def _boundary(self, container: Container, node: Node, say: Callable[..., None]) -> None:
        host = container.nodes.get(node.attached_to or "")
        if host is None:
            say(
                "bpmn.boundary",
                f"the boundary event is attached to {node.attached_to!r}, which is no activity of its scope",
                "attach it to an activity",
            )
        elif host.type not in ACTIVITIES:
            say("bpmn.boundary", "a boundary event can only be attached to an activity")
        if not node.definitions:
            say("bpmn.boundary", "the boundary event waits for nothing", "choose what it waits for")
        if node.incoming:
            say("bpmn.boundary", "a sequence flow leads into a boundary event")
        for one in node.definitions:
            if one.kind == "cancel" and host is not None and host.type != "transaction":
                say("bpmn.cancel", "a cancel boundary event belongs to a transaction")
            if one.kind == "compensate" and node.outgoing:
                say("bpmn.compensation", "a sequence flow leaves a compensation event", "connect it by an association only")
            if one.kind == "error" and not node.interrupting:
                say("bpmn.boundary", "an error event always interrupts", warning=True)
            if one.kind == "compensate" and host is not None and host.handler is None:
                say("bpmn.compensation", "the compensation event is connected with no activity", "draw an association to the compensating activity")

    def _definition(self, container: Container, node: Node, one: Definition) -> None:
        file = container.file
        if one.kind in ("message", "signal") and not one.name:
            self._say(file, "bpmn.event", f"the {one.kind} event names no {one.kind}", node, f"choose a {one.kind}", line=one.line)
        elif one.kind == "conditional" and not one.text:
            self._say(file, "bpmn.condition", "the conditional event has no condition", node, line=one.line)
        elif one.kind == "conditional":
            self._expression(container, node, source(one.text))
        elif one.kind == "timer" and one.text:
            self._timer(container, node, one)
        elif one.kind == "compensate" and one.activity and not any(one.activity in c.nodes for c in container.enclosing()):
            self._say(file, "bpmn.reference", f"there is no activity {one.activity!r} to compensate", node, line=one.line)

    def _timer(self, container: Container, node: Node, one: Definition) -> None:
        if not looks_iso(one.text):
            self._expression(container, node, source(one.text))
            return
        try:
            first(one.text, A_DAY)
        except InvalidInput as exc:
            self._say(container.file, "bpmn.timer", str(exc), node, "for example PT15M, 2026-12-31T08:00:00Z, R3/PT1H", line=one.line)

    def _gateway(self, container: Container, node: Node, say: Callable[..., None]) -> None:
        if node.boundary:
            say("bpmn.boundary", "a boundary event can only be attached to an activity")
        if node.type == "exclusiveGateway" and len(node.outgoing) > 1:
            for flow in node.outgoing:
                if flow.condition is None and not flow.default:
                    message = f"sequence flow {flow.id} has no condition and is not the default flow"
                    self._say(container.file, "bpmn.condition", message, flow, "give it a condition or make it the default flow")
        if node.type == "parallelGateway" and any(f.condition for f in node.outgoing):
            say("bpmn.condition", "conditions after a parallel gateway have no effect", "use an inclusive gateway", warning=True)
        if node.type == "complexGateway" and node.activation:
            self._expression(container, node, node.activation)
        if node.type == "eventBasedGateway":
            self._event_gateway(container, node, say)

    def _event_gateway(self, container: Container, node: Node, say: Callable[..., None]) -> None:
        if not node.outgoing:
            say("bpmn.event-gateway", "no event follows the event-based gateway")
        if node.instantiate and node.incoming:
            say("bpmn.event-gateway", "a sequence flow leads into an instantiating event-based gateway")
        for flow in node.outgoing:
            self._awaited(container, container.nodes[flow.target], flow)

    def _awaited(self, container: Container, target: Node, flow: Flow) -> None:
        good = target.type == "intermediateCatchEvent" or (target.type == "receiveTask" and target.definitions)
        if not good or any(d.kind == "link" for d in target.definitions):
            self._say(container.file, "bpmn.event-gateway", "an event-based gateway must be followed by catching events or receive tasks", flow)

    # --- activities ---------------------------------------------------------------------------------------------------
    def _activity(self, container: Container, node: Node, say: Callable[..., None]) -> None:
        if node.for_compensation and (node.incoming or node.outgoing):
            say("bpmn.compensation", "a compensating activity has no sequence flows", "connect it by an association only")
        self._loop(container, node)
        if node.script and node.result_variable:
            self._expression(container, node, source(node.script))
        for script in (None if node.result_variable else node.script, node.pre_script, node.post_script):
            if script and (found := self._check(script, "script")):
                say("script", f"the script is refused: {found}")
        self._work(node, say)
        if node.inner is not None and node.inner.triggered_by_event and (node.incoming or node.outgoing):
            say("bpmn.event-subprocess", "an event subprocess has no sequence flows")
        if node.type == "callActivity":
            self._call(node, say)

    def _work(self, node: Node, say: Callable[..., None]) -> None:
        if node.type == "scriptTask" and not node.script:
            say("script", "the script task has no script", "write a script or use another task")
        if node.type == "serviceTask" and node.topic is None:
            say("bpmn.handler", "the service task has no handler; it completes at once", "set its handler", warning=True)
        if node.type == "sendTask" and node.topic is None and not node.definitions:
            say("bpmn.message", "the send task sends no message; it completes at once", "choose a message", warning=True)
        if node.type in ("sendTask", "receiveTask") and any(not d.name for d in node.definitions):
            say("bpmn.message", "the task names no message", "choose a message")
        if node.type == "businessRuleTask":
            literal = node.decision.literal if node.decision is not None else None
            if literal is not None and literal not in self.decisions:
                say("dmn.reference", f"there is no decision {literal!r} in the deployment", "deploy its .dmn file with it")
            if node.decision is None and node.topic is None:
                say(
                    "bpmn.handler", "the business-rule task has neither decision nor handler; it completes at once", "choose a decision", warning=True
                )

    def _call(self, node: Node, say: Callable[..., None]) -> None:
        if node.called is None:
            say("bpmn.call", "the call activity calls nothing", "choose the called process")
        elif node.called.literal is not None and not self.offers(node.called.literal):
            say("bpmn.call", f"there is no process {node.called.literal!r} to call", "deploy it together with this one, or before")

    def _loop(self, container: Container, node: Node) -> None:
        loop = node.loop
        if loop is None:
            return
        conditions = [text for text, _ in loop.complex_events]
        for text in (loop.condition, loop.cardinality, loop.collection_expression, loop.output_expression, *conditions):
            if text:
                self._expression(container, node, text)

    # --- expressions --------------------------------------------------------------------------------------------------
    def _expression(self, container: Container, node: Node | Flow | Container, text: str) -> None:
        found = self._check(text, "expression")
        if found:
            self._say(container.file, "expression", f"the expression {text!r} is refused: {found}", node)

    def _template(self, container: Container, node: Node, template: Template) -> None:
        for text in template.expressions:
            self._expression(container, node, text)


def templates_of(node: Node) -> Iterator[Template]:
    """Every text of a node that may hold expressions."""
    work = node.assignment
    single = (work.assignee, work.form_key, work.due, work.follow_up, work.priority, node.topic, node.decision, node.called)
    yield from (one for one in single if one is not None)
    yield from (*work.groups, *work.users, *work.excludes)
    parameters: Iterable[Parameter] = (*node.parameters, *node.inputs, *node.outputs, *node.mapping_in.parameters, *node.mapping_out.parameters)
    yield from (parameter.value for parameter in parameters)
    for one in node.definitions:
        if one.correlation is not None:
            yield one.correlation
        yield from (parameter.value for parameter in one.content)
