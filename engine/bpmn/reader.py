"""A BPMN tree to the diagram model (BPMN 2.0.2 sections 8 to 10). Every problem is noted with its element and line; reading goes on.

Whether what was read makes sense as a whole is checked by `engine.bpmn.validation`.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.bpmn import data_reader as data
from engine.bpmn import extensions, languages, order
from engine.bpmn.diagram import AdHoc, Container, Flow, Node, Retry
from engine.bpmn.event_reader import EventReader
from engine.bpmn.loop_reader import read_loop
from engine.bpmn.retry import read_retry
from engine.bpmn.xml_source import BPMN, Xml, child, children, flag, local, reference, text, whole
from engine.errors import InvalidInput, Problem

TASKS = ("task", "userTask", "manualTask", "scriptTask", "serviceTask", "sendTask", "receiveTask", "businessRuleTask")
SUBPROCESSES = ("subProcess", "transaction", "adHocSubProcess")
GATEWAYS = ("exclusiveGateway", "parallelGateway", "inclusiveGateway", "complexGateway", "eventBasedGateway")
EVENTS = ("startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent")
ACTIVITIES = (*TASKS, *SUBPROCESSES, "callActivity")
FLOW_NODES = (*ACTIVITIES, *GATEWAYS, *EVENTS)
GLOBAL_TASKS = {
    "globalTask": "task",
    "globalUserTask": "userTask",
    "globalManualTask": "manualTask",
    "globalScriptTask": "scriptTask",
    "globalBusinessRuleTask": "businessRuleTask",
}
PASSIVE = {
    "extensionElements", "documentation", "laneSet", "sequenceFlow", "dataObject", "dataObjectReference", "dataStoreReference", "association", "group",
    "textAnnotation", "property", "ioSpecification", "incoming", "outgoing", "artifact", "auditing", "monitoring", "resourceRole", "performer",
    "humanPerformer", "potentialOwner", "correlationSubscription", "supports", "dataInputAssociation", "dataOutputAssociation", "ioBinding",
    "standardLoopCharacteristics", "multiInstanceLoopCharacteristics", "completionCondition", "supportedInterfaceRef",
    "categoryValueRef",
}  # fmt: skip
LONGEST_NAME = 200  # of a data store
MOST_TOKENS = 1000  # of a start or completion quantity


class Reader:
    """Reads one file; `containers` are its processes, `problems` what is wrong. `imported`: roots of the files that it imports."""

    def __init__(self, file: str, root: Xml, nesting: int, imported: Sequence[Xml] = ()) -> None:
        self.file = file
        self.root = root
        self.nesting = nesting
        self.problems: list[Problem] = []
        self.containers: list[Container] = []
        self.by_id: dict[str, Xml] = {}
        self.associated: dict[str, list[str]] = {}
        self._check_ids()
        self._read_associations()
        self.events = EventReader(self, root, imported)
        for one in root:
            if local(one) and local(one) != "process" and local(one) not in GLOBAL_TASKS:
                self._languages(one)

    def problem(self, element: Xml, rule: str, message: str, advice: str = "", severity: str = "error") -> None:
        named = element
        while named is not None and named.get("id") is None:
            named = named.getparent()
        identity = (named.get("id"), named.get("name")) if named is not None else (None, None)
        self.problems.append(Problem(self.file, rule, message, identity[0], identity[1], element.sourceline, advice, severity))

    def read(self) -> list[Container]:
        for element in self.root:
            if local(element) == "process":
                self._process(element)
            elif local(element) == "collaboration":
                for one in children(element, "participant"):
                    self._refers(one, "processRef", "process")
            elif local(element) in GLOBAL_TASKS:
                self._languages(element)
                self.containers.append(self._global_task(element))
            elif local(element) in ("choreography", "globalChoreographyTask", "globalConversation"):
                self.problem(element, "bpmn.unsupported", f"{local(element)} is not supported")
        return self.containers

    def _process(self, element: Xml) -> None:
        """What is wrong inside a process that is not to be executed does not matter."""
        before = len(self.problems)
        made = self.container(element, 0)
        self._languages(element)
        if made.executable:
            self.containers.append(made)
        else:
            del self.problems[before:]

    def _read_associations(self) -> None:
        """What is connected with what, in either direction; some modelers write all of them at the process."""
        for one in self.root.iter(f"{{{BPMN}}}association"):
            ends = reference(one.get("sourceRef")) or "", reference(one.get("targetRef")) or ""
            for end, other in (ends, ends[::-1]):
                self.associated.setdefault(end, []).append(other)

    def _refers(self, element: Xml, attribute: str, kind: str) -> None:
        key = reference(element.get(attribute))
        found = self.by_id.get(key) if key else None
        if key and (found is None or local(found) != kind):
            self.problem(element, "bpmn.reference", f"there is no {kind} {key!r}")

    def _check_ids(self) -> None:
        for element in self.root.iter():
            key = element.get("id")
            if key is not None and local(element):
                if key in self.by_id:
                    message = f"the id {key!r} is already used in line {self.by_id[key].sourceline}"
                    self.problem(element, "bpmn.duplicate-id", message, "ids are unique in a file")
                self.by_id.setdefault(key, element)

    # --- containers -------------------------------------------------------------------------------------------------
    def container(self, element: Xml, depth: int) -> Container:
        """A process or the inside of a subprocess."""
        made = Container(
            id=element.get("id") or "",
            name=element.get("name") or "",
            file=self.file,
            documentation=text(child(element, "documentation")),
            line=element.sourceline,
            executable=flag(element, "isExecutable", True),
            triggered_by_event=flag(element, "triggeredByEvent", False),
            objects=data.objects(element),
        )
        if not made.id:
            self.problem(element, "bpmn.missing-id", f"this {local(element)} has no id", "give it an id")
        if depth > self.nesting:
            self.problem(element, "bpmn.nesting", f"subprocesses are nested deeper than {self.nesting}")
            return made
        if local(element) == "adHocSubProcess":
            made.ad_hoc = self._ad_hoc(element)
        made.inputs, made.outputs = data.parameters_of(element)
        if depth == 0:
            self._check_extensions(element)
            made.bindings = self.events.correlations.bindings(element)
        lanes = self._lanes(element)
        for one in element:
            name = local(one)
            if name in FLOW_NODES:
                self._add(made, one, lanes, depth)
            elif name == "sequenceFlow":
                self._check_extensions(one)
                made.flows.append(self._flow(one))
            elif name in ("dataObjectReference", "dataStoreReference"):
                self._data_reference(one)
            elif name and name not in PASSIVE:
                self.problem(one, "bpmn.unsupported", f"the element {name} is not supported", "replace or remove it")
        self._connect(made, element)
        return made

    def _data_reference(self, element: Xml) -> None:
        kind = local(element).removesuffix("Reference")
        self._refers(element, f"{kind}Ref", kind)
        if kind == "dataStore" and len(data.store_of(self, element.get("id") or "") or "") > LONGEST_NAME:
            self.problem(element, "bpmn.data", f"the name of the data store is longer than {LONGEST_NAME} characters", "give it a shorter name")

    def _add(self, made: Container, element: Xml, lanes: dict[str, str], depth: int) -> None:
        node = self.node(element, depth)
        if not node.id:
            self.problem(element, "bpmn.missing-id", f"this {local(element)} has no id", "give it an id")
            return
        node.lane = lanes.get(node.id)
        if node.inner is not None:
            node.inner.parent, node.inner.holder = made, node
        made.nodes.setdefault(node.id, node)

    def _ad_hoc(self, element: Xml) -> AdHoc:
        condition = child(element, "completionCondition")
        sequential = (element.get("ordering") or "").lower() == "sequential"
        made = AdHoc(languages.formal(condition) or None, text(condition), sequential, flag(element, "cancelRemainingInstances", True))
        made.chosen = languages.whole(element, extensions.active_elements(element)) or None
        return made

    def _lanes(self, element: Xml) -> dict[str, str]:
        """Node id to lane name; the innermost lane wins."""
        found: dict[str, str] = {}
        for lane_set in children(element, "laneSet"):
            for lane in lane_set.iter():
                if local(lane) == "lane":
                    for ref in children(lane, "flowNodeRef"):
                        found[reference(text(ref)) or ""] = lane.get("name") or lane.get("id") or ""
        return found

    def _global_task(self, element: Xml) -> Container:
        """A global task is a process of one task (section 10.3.8)."""
        node = self.node(element, 0, GLOBAL_TASKS[local(element)])
        made = Container(node.id, node.name, self.file, node.documentation, node.line)
        made.nodes[node.id + "_task"] = node
        node.id += "_task"
        return made

    # --- flows --------------------------------------------------------------------------------------------------------
    def _flow(self, element: Xml) -> Flow:
        condition = child(element, "conditionExpression")
        return Flow(
            id=element.get("id") or "",
            source=reference(element.get("sourceRef")) or "",
            target=reference(element.get("targetRef")) or "",
            condition=languages.formal(condition) or None,
            text=text(condition),
            name=element.get("name") or "",
            documentation=text(child(element, "documentation")),
            line=element.sourceline,
        )

    def _connect(self, made: Container, element: Xml) -> None:
        drawn_flows, made.flows = made.flows, []
        order.name_flows(drawn_flows)
        for drawn, flow in zip(children(element, "sequenceFlow"), drawn_flows, strict=True):
            source_node, target_node = made.nodes.get(flow.source), made.nodes.get(flow.target)
            if source_node is None or target_node is None:
                missing = flow.source if source_node is None else flow.target
                self.problem(drawn, "bpmn.flow", f"sequence flow {flow.id} refers to {missing!r}, which is no flow node of its scope")
                continue
            made.flows.append(flow)
            source_node.outgoing.append(flow)
            target_node.incoming.append(flow)
        for one in element:
            default = reference(one.get("default"))
            if local(one) in FLOW_NODES and default and one.get("id") in made.nodes:
                found = [flow for flow in made.nodes[one.get("id")].outgoing if flow.id == default]
                if not found:
                    self.problem(one, "bpmn.default-flow", f"the default flow {default!r} does not leave this element")
                for flow in found:
                    flow.default = True
        self._attach(made)
        self._link(made)
        order.settle(made)

    def _link(self, made: Container) -> None:
        """A throwing link event continues at the catching one (section 10.5.5): named by its definition, else by the common name."""
        by_name: dict[str, Node] = {}
        by_reference: dict[str, Node] = {}
        for node in made.nodes.values():
            for one in node.definitions:
                if node.type == "intermediateCatchEvent" and one.kind == "link":
                    by_name.setdefault(one.name, node)
                    for key in filter(None, (node.id, one.id, *(f"from {source_id}" for source_id in one.sources))):
                        by_reference.setdefault(key, node)
        for node in list(made.nodes.values()):
            for one in node.definitions:
                if node.type == "intermediateThrowEvent" and one.kind == "link":
                    keys = (one.target or "", f"from {one.id}", f"from {node.id}")
                    target = next((by_reference[key] for key in keys if key in by_reference), None) or (by_name.get(one.name) if one.name else None)
                    if target is not None:
                        jump = Flow(f"$link {node.id}", node.id, target.id, drawn=False)
                        node.outgoing.append(jump)
                        target.incoming.append(jump)

    def _attach(self, made: Container) -> None:
        """Boundary events to their activities, compensation handlers to theirs."""
        for node in made.nodes.values():
            host = made.nodes.get(node.attached_to or "")
            if node.type != "boundaryEvent" or host is None:
                continue
            host.boundary.append(node)
            if any(d.kind == "compensate" for d in node.definitions):
                found = next(
                    (key for key in sorted(self.associated.get(node.id, ())) if key in made.nodes and made.nodes[key].type in ACTIVITIES), None
                )
                if found is not None:
                    host.handler = found
                    made.nodes[found].for_compensation = True

    # --- nodes --------------------------------------------------------------------------------------------------------
    def node(self, element: Xml, depth: int, kind: str | None = None) -> Node:
        """One flow node with everything that its type may have."""
        made = Node(
            element.get("id") or "", kind or local(element), element.get("name") or "", text(child(element, "documentation")), element.sourceline
        )
        if made.type in EVENTS:
            self._event(made, element)
        elif made.type in GATEWAYS:
            made.instantiate = flag(element, "instantiate", False)
            made.parallel_events = (element.get("eventGatewayType") or "").lower() == "parallel"
            made.activation = languages.formal(child(element, "activationCondition")) or None
        else:
            self._activity(made, element, depth)
        made.async_before, made.async_after = extensions.asynchronous(element)
        made.retry = self._retry(element)
        self._check_extensions(element)
        for one in extensions.complex_parameters(element):
            self.problem(one, "extension.unsupported", "a parameter with a script, list or map inside is not supported", "use an expression")
        return made

    def _check_extensions(self, element: Xml) -> None:
        for one, what in extensions.unsupported(element):
            self.problem(one, "extension.unsupported", what, "use a script task or a service task with a handler")

    def _event(self, made: Node, element: Xml) -> None:
        made.definitions = self.events.definitions(element, made)
        made.parallel_multiple = flag(element, "parallelMultiple", False)
        if made.type in ("intermediateThrowEvent", "endEvent"):
            made.topic, made.result_variable = self.events.handled(element)
        made.interrupting = flag(element, "isInterrupting" if made.type == "startEvent" else "cancelActivity", True)
        made.attached_to = reference(element.get("attachedToRef"))
        made.initiator = extensions.attribute(element, "initiator")
        made.business_key = languages.whole(element, extensions.attribute(element, "businessKey")) or None
        made.inputs = extensions.inputs(element)
        made.outputs = extensions.outputs(element)
        made.assignment = extensions.assignment(element)
        data.associate(self, made, element)

    def _activity(self, made: Node, element: Xml, depth: int) -> None:
        made.for_compensation = flag(element, "isForCompensation", False)
        made.start_quantity = self._quantity(element, "startQuantity")
        made.completion_quantity = self._quantity(element, "completionQuantity")
        made.loop = read_loop(self, element)
        made.inputs, made.outputs = extensions.inputs(element), extensions.outputs(element)
        made.pre_script, made.post_script = extensions.script(element, "preScript"), extensions.script(element, "postScript")
        made.properties = tuple(data.objects(element)) if made.type not in SUBPROCESSES else ()
        made.assignment = extensions.assignment(element)
        data.associate(self, made, element)
        if made.type in SUBPROCESSES:
            made.inner = self.container(element, depth + 1)
        elif made.type == "callActivity":
            made.called = languages.template_in(element, extensions.called_element(element))
            made.mapping_in, made.mapping_out = extensions.mapping(element, "in"), extensions.mapping(element, "out")
        else:
            self._task(made, element)

    def _task(self, made: Node, element: Xml) -> None:
        if made.type == "scriptTask":
            made.script = languages.script(element, one_value=extensions.result_variable(element) is not None)
        if made.type in ("sendTask", "receiveTask"):
            made.definitions = self.events.message_of(element)
            made.instantiate = flag(element, "instantiate", False)
        made.topic = extensions.topic(element)
        made.parameters = extensions.handler_parameters(element)
        made.result_variable = extensions.result_variable(element)
        made.decision = extensions.decision(element)
        made.decision_shape = extensions.attribute(element, "mapDecisionResult")

    def _retry(self, element: Xml) -> Retry:
        try:
            return read_retry(element)
        except InvalidInput as exc:
            advice = "write R5/PT10M (five attempts, ten minutes apart) or a list of durations such as PT1M,PT10M,PT1H"
            self.problem(element, "extension.retry", f"the retries cannot be read: {exc}", advice)
            return Retry()

    def _languages(self, element: Xml) -> None:
        for one, language, attribute in languages.foreign(element):
            message = f"{attribute} says {language!r}; expressions in this language are not executed"
            rule = "script.language" if local(one) in languages.SCRIPTS else "expression.language"
            self.problem(one, rule, message, "write it in Python or FEEL, and name that language")

    def _quantity(self, element: Xml, name: str) -> int:
        said = element.get(name, "1")
        found = whole(said, MOST_TOKENS)
        if not found:
            self.problem(element, "bpmn.quantity", f"{name} must be a whole number from 1 to {MOST_TOKENS}, not {said[:40]!r}")
        return found or 1
