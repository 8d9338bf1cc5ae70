"""Attributes of BPMN's elements (section 15.3): what has no namespace is an attribute of the schema, or it would be dropped without a word.

Vendors' attributes have a namespace of their own and are judged by `vendors`. A test compares the table with the schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from engine.bpmn.languages import EXPRESSIONS
from engine.bpmn.reader import GATEWAYS, GLOBAL_TASKS, SUBPROCESSES, TASKS
from engine.bpmn.validation.document import Document, words
from engine.bpmn.validation.rule import Finding, Findings, checks, declare
from engine.bpmn.xml_source import Xml, local

ATTRIBUTE = declare(
    "bpmn.attribute", "15.3", "An attribute is unknown here and would have no effect",
    "Write it as BPMN names it, or with the prefix of the vendor whose attribute it is; otherwise remove it.",
)  # fmt: skip
ATTRIBUTE_FORM = declare(
    "bpmn.attribute-form", "15.3", "An attribute of something that is not executed is unknown", "Correct its name, or remove it.", warning=True
)

NAMED = "id name"
ACTIVITY = f"{NAMED} isForCompensation startQuantity completionQuantity default"
DATA = f"{NAMED} itemSubjectRef"
CATCHING = f"{NAMED} parallelMultiple default"  # the default flow of an event is one of ours
IMPLEMENTED = f"{ACTIVITY} implementation"
FORMAL = "id language evaluatesToTypeRef"

EXECUTED: dict[str, frozenset[str]] = {
    "definitions": words(NAMED, "targetNamespace expressionLanguage typeLanguage exporter exporterVersion"),
    "process": words(NAMED, "processType isClosed isExecutable definitionalCollaborationRef"),
    **{one: words(ACTIVITY) for one in (*TASKS, *SUBPROCESSES, "callActivity")},
    **{one: words(IMPLEMENTED) for one in ("userTask", "businessRuleTask")},
    "scriptTask": words(ACTIVITY, "scriptFormat scriptLanguage"),  # BPMN 1 named it scriptLanguage, tools still do
    "serviceTask": words(IMPLEMENTED, "operationRef"),
    "sendTask": words(IMPLEMENTED, "operationRef messageRef"),
    "receiveTask": words(IMPLEMENTED, "operationRef messageRef instantiate"),
    "callActivity": words(ACTIVITY, "calledElement"),
    **{one: words(ACTIVITY, "triggeredByEvent") for one in SUBPROCESSES},
    "transaction": words(ACTIVITY, "triggeredByEvent method"),
    "adHocSubProcess": words(ACTIVITY, "triggeredByEvent ordering cancelRemainingInstances"),
    # a global task is read as the task that it is
    **{one: words(ACTIVITY, "implementation scriptLanguage scriptFormat") for one in GLOBAL_TASKS},
    **{one: words(NAMED, "gatewayDirection default") for one in GATEWAYS},
    "eventBasedGateway": words(NAMED, "gatewayDirection default instantiate eventGatewayType"),
    "startEvent": words(CATCHING, "isInterrupting"),
    "intermediateCatchEvent": words(CATCHING),
    "boundaryEvent": words(CATCHING, "attachedToRef cancelActivity"),
    "intermediateThrowEvent": words(NAMED, "default"),
    "endEvent": words(NAMED),
    "sequenceFlow": words(NAMED, "sourceRef targetRef isImmediate"),
    "standardLoopCharacteristics": words("id testBefore loopMaximum"),
    "multiInstanceLoopCharacteristics": words("id isSequential behavior oneBehaviorEventRef noneBehaviorEventRef"),
    "complexBehaviorDefinition": words("id"),
    "event": words(NAMED),
    "timerEventDefinition": words("id"),
    "conditionalEventDefinition": words("id"),
    "cancelEventDefinition": words("id"),
    "terminateEventDefinition": words("id"),
    "messageEventDefinition": words("id messageRef"),
    "signalEventDefinition": words("id signalRef"),
    "errorEventDefinition": words("id errorRef"),
    "escalationEventDefinition": words("id escalationRef"),
    "compensateEventDefinition": words("id activityRef waitForCompletion"),
    "linkEventDefinition": words(NAMED),
    **{one: words(FORMAL) for one in EXPRESSIONS},
    "script": frozenset(),
    **{one: words(DATA, "isCollection") for one in ("dataObject", "dataInput", "dataOutput", "inputDataItem", "outputDataItem")},
    "dataObjectReference": words(DATA, "dataObjectRef"),
    "dataStore": words(DATA, "capacity isUnlimited"),
    "dataStoreReference": words(DATA, "dataStoreRef"),
    "property": words(DATA),
    **{one: words("id") for one in ("ioSpecification", "dataInputAssociation", "dataOutputAssociation", "assignment")},
    **{one: words(NAMED) for one in ("inputSet", "outputSet", "resourceRole", "performer", "humanPerformer", "potentialOwner", "resource")},
    "resourceAssignmentExpression": words("id"),
    "resourceParameterBinding": words("id parameterRef"),
    "message": words(NAMED, "itemRef"),
    "signal": words(NAMED, "structureRef"),
    "error": words(NAMED, "structureRef errorCode"),
    "escalation": words(NAMED, "structureRef escalationCode"),
    "correlationKey": words(NAMED),
    "correlationProperty": words(NAMED, "type"),
    "correlationPropertyRetrievalExpression": words("id messageRef"),
    "correlationSubscription": words("id correlationKeyRef"),
    "correlationPropertyBinding": words("id correlationPropertyRef"),
}
DOCUMENTS: dict[str, frozenset[str]] = {
    "import": words("importType location namespace"),
    "extension": words("definition mustUnderstand"),
    "relationship": words("id type direction"),
    "itemDefinition": words("id itemKind structureRef isCollection"),
    "interface": words(NAMED, "implementationRef"),
    "operation": words(NAMED, "implementationRef"),
    "ioBinding": words("id operationRef inputDataRef outputDataRef"),
    "resourceParameter": words(NAMED, "type isRequired"),
    "collaboration": words(NAMED, "isClosed"),
    "participant": words(NAMED, "processRef"),
    "participantMultiplicity": words("id minimum maximum"),
    "messageFlow": words(NAMED, "sourceRef targetRef messageRef"),
    "laneSet": words(NAMED),
    "childLaneSet": words(NAMED),
    "lane": words(NAMED, "partitionElementRef"),
    "association": words("id sourceRef targetRef associationDirection"),
    "group": words("id categoryValueRef"),
    "textAnnotation": words("id textFormat"),
    "documentation": words("id textFormat"),
    "category": words(NAMED),
    "categoryValue": words("id value"),
    "dataState": words(NAMED),
    **{one: words("id") for one in ("auditing", "monitoring", "rendering", "endPoint")},
    **{one: words(NAMED) for one in ("partnerEntity", "partnerRole")},
}  # fmt: skip


@checks(ATTRIBUTE, "file")
def attributes_are_known(document: Document, _: Xml) -> Findings:
    for one, name in _unknown(document, EXECUTED):
        yield Finding(one, f"{name} is no attribute of {local(one)}{_instead(name, EXECUTED[local(one)])}")


@checks(ATTRIBUTE_FORM, "file")
def attributes_of_documentation_are_known(document: Document, _: Xml) -> Findings:
    for one, name in _unknown(document, DOCUMENTS):
        yield Finding(one, f"{name} is no attribute of {local(one)}{_instead(name, DOCUMENTS[local(one)])}")


def _unknown(document: Document, known: dict[str, frozenset[str]]) -> Iterator[tuple[Xml, str]]:
    for kind, one in document.named:
        allowed = known.get(kind)
        if allowed is not None:
            yield from ((one, name) for name in one.attrib if not name.startswith("{") and name not in allowed)


def _instead(name: str, known: frozenset[str]) -> str:
    found = get_close_matches(name, sorted(known), 1)
    return f"; is {found[0]} meant?" if found else ""
