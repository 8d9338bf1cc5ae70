"""Which element may stand where, as the schema says (BPMN 2.0.2 section 15.3): what stands elsewhere, or is no element of BPMN, would be dropped.

Only parents whose content decides what is executed are checked. Children of processes and subprocesses that the reader does not know it reports itself.
"""

from __future__ import annotations

from engine.bpmn.reader import FLOW_NODES, GATEWAYS, PASSIVE, SUBPROCESSES, TASKS
from engine.bpmn.validation.document import Document, words
from engine.bpmn.validation.reading import UNSUPPORTED
from engine.bpmn.validation.rule import Finding, Findings, checks, declare
from engine.bpmn.xml_source import Xml, local

MISPLACED = declare(
    "bpmn.misplaced", "15.3", "An element stands where BPMN does not allow it", "Move it to where it belongs, or remove it: here it has no effect."
)

TWICE = declare("bpmn.twice", "15.3", "An element stands twice where BPMN allows one", "Keep one of the two.")
PERFORMERS = declare(
    "bpmn.performers",
    "10.3.4",
    "An activity has more than one performer",
    "Keep one of them, or name several persons as potential owners.",
    warning=True,
)
ONCE = words(
    "extensionElements conditionExpression script activationCondition completionCondition loopCondition standardLoopCharacteristics "
    "multiInstanceLoopCharacteristics loopCardinality loopDataInputRef loopDataOutputRef inputDataItem outputDataItem condition event "
    "operationRef target targetRef transformation from to"
)


BASE = "documentation extensionElements"
FLOW_ELEMENT = f"{BASE} auditing monitoring categoryValueRef"
FLOW_NODE = f"{FLOW_ELEMENT} incoming outgoing"
PEOPLE = "resourceRole performer humanPerformer potentialOwner"
ACTIVITY = (
    f"{FLOW_NODE} {PEOPLE} ioSpecification property dataInputAssociation dataOutputAssociation standardLoopCharacteristics "
    "multiInstanceLoopCharacteristics"
)
DEFINITIONS = (
    "messageEventDefinition signalEventDefinition timerEventDefinition errorEventDefinition escalationEventDefinition conditionalEventDefinition "
    "cancelEventDefinition terminateEventDefinition compensateEventDefinition linkEventDefinition eventDefinitionRef"
)
CATCHING = f"{FLOW_NODE} {DEFINITIONS} property dataOutput dataOutputAssociation outputSet"
THROWING = f"{FLOW_NODE} {DEFINITIONS} property dataInput dataInputAssociation inputSet"
ARTIFACTS = "association group textAnnotation"
CONTAINER = f"laneSet sequenceFlow dataObject dataObjectReference dataStoreReference {ARTIFACTS} {' '.join(FLOW_NODES)}"
CONTAINERS = ("process", *SUBPROCESSES)
ROOTS = (
    "import extension relationship category collaboration choreography conversation globalConversation correlationProperty dataStore endPoint error "
    "escalation signal message resource partnerEntity partnerRole interface itemDefinition process globalTask globalUserTask globalManualTask "
    f"globalScriptTask globalBusinessRuleTask globalChoreographyTask {DEFINITIONS.replace('eventDefinitionRef', '')} BPMNDiagram"
)

ALLOWED: dict[str, frozenset[str]] = {
    "definitions": words(BASE, ROOTS),
    "process": words(FLOW_ELEMENT, PEOPLE, CONTAINER, "property ioSpecification ioBinding supportedInterfaceRef supports correlationSubscription"),
    **{one: words(ACTIVITY) for one in (*TASKS, "callActivity")},
    "userTask": words(ACTIVITY, "rendering"),
    "scriptTask": words(ACTIVITY, "script"),
    # a send or receive task with an event definition inside is no BPMN, but tools write it and it is executed
    **{one: words(ACTIVITY, "messageEventDefinition eventDefinitionRef") for one in ("sendTask", "receiveTask")},
    **{one: words(ACTIVITY, CONTAINER) for one in SUBPROCESSES},
    "adHocSubProcess": words(ACTIVITY, CONTAINER, "completionCondition"),
    **{one: words(FLOW_NODE) for one in GATEWAYS},
    "complexGateway": words(FLOW_NODE, "activationCondition"),
    **{one: words(CATCHING) for one in ("startEvent", "intermediateCatchEvent", "boundaryEvent")},
    **{one: words(THROWING) for one in ("endEvent", "intermediateThrowEvent")},
    "sequenceFlow": words(FLOW_ELEMENT, "conditionExpression"),
    "standardLoopCharacteristics": words(BASE, "loopCondition"),
    "multiInstanceLoopCharacteristics": words(
        BASE, "loopCardinality loopDataInputRef loopDataOutputRef inputDataItem outputDataItem complexBehaviorDefinition completionCondition"
    ),
    "complexBehaviorDefinition": words(BASE, "condition event"),
    "messageEventDefinition": words(BASE, "operationRef"),
    "timerEventDefinition": words(BASE, "timeDate timeDuration timeCycle"),
    "conditionalEventDefinition": words(BASE, "condition"),
    "linkEventDefinition": words(BASE, "source target"),
    **{
        f"{one}EventDefinition": words(BASE) for one in ("signal", "error", "escalation", "cancel", "terminate", "compensate")
    },
    "dataInputAssociation": words(BASE, "sourceRef targetRef transformation assignment"),
    "dataOutputAssociation": words(BASE, "sourceRef targetRef transformation assignment"),
    "assignment": words(BASE, "from to"),
    "ioSpecification": words(BASE, "dataInput dataOutput inputSet outputSet"),
}  # fmt: skip
KNOWN = frozenset().union(*ALLOWED.values(), PASSIVE)


@checks(UNSUPPORTED, "file")
def every_element_is_known(document: Document, _: Xml) -> Findings:
    for parent, one in document.once(_strangers):
        if local(one) not in KNOWN and not (parent in CONTAINERS or local(one).endswith("EventDefinition")):
            yield Finding(one, f"{local(one)} is no element that is executed or kept inside {parent}")


@checks(MISPLACED, "file")
def every_element_stands_where_it_may(document: Document, _: Xml) -> Findings:
    for parent, one in document.once(_strangers):
        read = local(one) in PASSIVE or local(one) in FLOW_NODES
        if local(one) in KNOWN and (read or parent not in CONTAINERS):
            yield Finding(one, f"{local(one)} cannot stand inside {parent}")


@checks(TWICE, "file")
def what_stands_once_stands_once(document: Document, _: Xml) -> Findings:
    """Only one of them could count, and the schema says that there is one."""
    for parent in document.elements:
        seen: set[str] = set()
        for one in parent if local(parent) in ALLOWED else ():
            name = local(one)
            if name in ONCE and name in seen:
                yield Finding(one, f"a second {name} stands inside {local(parent)}")
            seen.add(name)


@checks(PERFORMERS, "file")
def one_person_performs(document: Document, _: Xml) -> Findings:
    for activity in document.elements:
        found = [one for one in activity if local(one) in ("performer", "humanPerformer")]
        for one in found[1:]:
            yield Finding(one, "there is another performer, and one person does the work")


def _strangers(document: Document) -> list[tuple[str, Xml]]:
    """(name of the parent, element) that the schema does not allow there."""
    found = []
    for one in document.elements:
        above = one.getparent()
        allowed = ALLOWED.get(local(above)) if above is not None else None
        if allowed is not None and local(one) not in allowed:
            found.append((local(above), one))
    return found
