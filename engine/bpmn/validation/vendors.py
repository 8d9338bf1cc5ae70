"""Extensions of vendors: what is executed, what is kept without effect, what changes the meaning of the diagram and is therefore refused.

Only namespaces that we read are judged (ours, Camunda 7 and its family, Zeebe, SpiffWorkflow); elements and attributes of all others are kept, and
execute nothing. Listeners, connectors, Java and nested parameters are reported by `engine.bpmn.extensions` while the file is read.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.decision_results import SHAPES
from engine.bpmn.reader import FLOW_NODES
from engine.bpmn.validation.document import Document, words
from engine.bpmn.validation.elements import ALLOWED, MISPLACED
from engine.bpmn.validation.reading import EXTENSION
from engine.bpmn.validation.rule import Finding, Findings, checks, declare
from engine.bpmn.xml_source import BPMN, CAMUNDA_LIKE, OURS, SPIFF, ZEEBE, Xml, local

IGNORED = declare("extension.ignored", "", "An extension has no effect here", "Remove it, or say it in the way that the message names.", warning=True)
UNKNOWN = declare("extension.unknown", "", "An extension is not known and has no effect", "Correct its name, or remove it.", warning=True)

PREFIXES = {OURS: "flowledger", ZEEBE: "zeebe", SPIFF: "spiffworkflow"}
PREFIXES |= dict(zip(CAMUNDA_LIKE, ("camunda", "operaton", "flowable", "activiti"), strict=True))
READ_ATTRIBUTES = words(
    "assignee candidateGroups candidateUsers excludes dueDate due followUpDate followUp priority formKey formRef formId handler topic retries retry decision "
    "decisionRef resultVariable correlationKey variable collection elementVariable outputCollection mapDecisionResult errorCodeVariable "
    "escalationCodeVariable errorMessageVariable initiator businessKey "
    "asyncBefore asyncAfter async activeElements"
)
# Nothing is executed otherwise because of these: names, versions, ways to store and to draw.
KEPT_ATTRIBUTES = words(
    "type class delegateExpression expression exclusive historyTimeToLive versionTag isStartableInTasklist modelerTemplate modelerTemplateVersion "
    "modelerTemplateIcon formRefBinding diagramRelationId isMatchingCorrelation"
)
KEPT_VALUES = {
    "calledElementBinding": ("latest", "deployment"), "decisionRefBinding": ("latest", "deployment"),
}  # fmt: skip
ORDER = "remove it: jobs run in the order in which they are due"
STARTERS = "remove it: the policy of the installation says who may start the process"
MAPPINGS = "map variables with in and out mappings"
CALLED_VERSION = "remove it: a call takes the process of the same deployment, else the latest version at deployment"
DECISION_VERSION = "remove it: the decision of the same deployment is taken"
FORM_VERSION = "remove it: the form of the same deployment is taken"
FORM = "give the user task the form key of a form definition"
HANDLER_ERROR = "let the handler raise the BPMN error"
INPUTS = "give the handler what it needs as input parameters"
REFUSED_ATTRIBUTES = {
    "variableMappingClass": MAPPINGS,
    "variableMappingDelegateExpression": MAPPINGS,
    "caseRef": "call a process instead of a case",
    "calledElementBinding": CALLED_VERSION,
    "calledElementVersion": CALLED_VERSION,
    "calledElementVersionTag": CALLED_VERSION,
    "decisionRefBinding": DECISION_VERSION,
    "decisionRefVersion": DECISION_VERSION,
    "decisionRefVersionTag": DECISION_VERSION,
    "resource": "write the script into the diagram",
    "skipExpression": "draw a gateway that leads around the activity",
    "triggerable": "draw a receive task behind the activity",
}
IGNORED_ATTRIBUTES = {
    "jobPriority": ORDER,
    "taskPriority": ORDER,
    "errorMessage": "remove it: errors carry a code; give each kind of failure its own",
    "variableName": "name the variable in the condition: it is looked at after every change",
    "variableEvents": "remove it: the condition is looked at after every change of a variable",
    "candidateStarterGroups": STARTERS,
    "candidateStarterUsers": STARTERS,
    "calledElementTenantId": "remove it: there are no tenants",
    "decisionRefTenantId": "remove it: there are no tenants",
}
_PEOPLE = words("userTask manualTask receiveTask globalUserTask globalManualTask")
_FLOW_NODES = words(" ".join(FLOW_NODES))
# Where what is read is read; elsewhere it would be dropped. What is not listed is read at several kinds of elements or is judged by other rules.
READ_AT = {
    **dict.fromkeys(("assignee", "candidateGroups", "candidateUsers", "excludes", "dueDate", "due", "followUpDate", "followUp"), _PEOPLE),
    **dict.fromkeys(("formKey", "formRef", "formId"), _PEOPLE | {"startEvent"}),
    **dict.fromkeys(("decision", "decisionRef", "mapDecisionResult"), words("businessRuleTask globalBusinessRuleTask")),
    "topic": words("serviceTask sendTask businessRuleTask globalBusinessRuleTask intermediateThrowEvent endEvent messageEventDefinition"),
    **dict.fromkeys(("asyncBefore", "asyncAfter", "async"), _FLOW_NODES | {"multiInstanceLoopCharacteristics"}),
    **dict.fromkeys(("collection", "elementVariable"), words("multiInstanceLoopCharacteristics")),
    "initiator": words("startEvent"),
}
ELSEWHERE_READ = "remove it, or set it at the element that it is meant for"
BUSINESS_KEY = "remove it: a called process has the business key of its caller"
READ_ELEMENTS = {
    OURS: words("parameter parameters inputParameter outputParameter inputOutput in out correlationKey properties property failedJobRetryTimeCycle"),
    ZEEBE: words(
        "ioMapping input output taskDefinition assignmentDefinition taskSchedule priorityDefinition formDefinition calledElement calledDecision "
        "subscription loopCharacteristics script userTask properties property versionTag adHoc"
    ),
    SPIFF: words(
        "calledDecisionId serviceTaskOperator parameters parameter preScript postScript messageVariable messagePayload payloadExpression variableName "
        "processVariableCorrelation propertyId expression properties property instructionsForEndUser unitTests unitTest inputJson expectedOutputJson guestConfirmation allowGuest signalButtonLabel"
    ),
} | dict.fromkeys(
    CAMUNDA_LIKE, words("inputOutput inputParameter outputParameter in out properties property script list map entry value failedJobRetryTimeCycle")
)
ELSEWHERE = words("executionListener taskListener executionListeners taskListeners connector")  # reported while reading
REFUSED_ELEMENTS = {
    "errorEventDefinition": HANDLER_ERROR,
    "mapException": HANDLER_ERROR,
    "eventType": "use a message event",
}
IGNORED_ELEMENTS = {
    "formData": FORM,
    "formProperty": FORM,
    "userTaskForm": FORM,
    "field": INPUTS,
    "potentialStarter": STARTERS,
    "taskHeaders": INPUTS,
    "scriptsOnInstances": "remove it: scripts run once for each instance",
}
HANDLER = "set a handler that a pack provides"
OUTSIDE = "put it into extensionElements"
# attributes of the vendors' elements
BINDING = "bindingType"
SHAPE = "choose one of these shapes, or remove it"
LOCAL = "remove it: every variable that is visible there passes"
ADVICE = tuple(
    dict.fromkeys(
        (
            *REFUSED_ATTRIBUTES.values(),
            *IGNORED_ATTRIBUTES.values(),
            *REFUSED_ELEMENTS.values(),
            *IGNORED_ELEMENTS.values(),
            HANDLER,
            OUTSIDE,
            LOCAL,
            FORM_VERSION,
            ELSEWHERE_READ,
            BUSINESS_KEY,
            SHAPE,
        )
    )
)


@checks(EXTENSION, "file")
def meanings_are_not_changed(document: Document, _: Xml) -> Findings:
    for on, name, value in document.once(attributes_of):
        if name in REFUSED_ATTRIBUTES and value not in KEPT_VALUES.get(name, ()):
            yield Finding(on, f"the attribute {name} would not be executed", REFUSED_ATTRIBUTES[name])
    for one, _space, name in document.once(elements_of):
        if name in REFUSED_ELEMENTS:
            yield Finding(one, f"the extension {name} would not be executed", REFUSED_ELEMENTS[name])
        if one.get(BINDING, "latest") not in ("latest", "deployment"):
            advice = DECISION_VERSION if name == "calledDecision" else CALLED_VERSION if name == "calledElement" else FORM_VERSION
            yield Finding(one, f"the {BINDING} {one.get(BINDING)!r} of {name} would not be executed", advice)


@checks(EXTENSION, "file")
def shapes_of_decisions_are_known(document: Document, _: Xml) -> Findings:
    for on, name, value in document.once(attributes_of):
        if name == "mapDecisionResult" and value not in SHAPES:
            yield Finding(on, f"mapDecisionResult is {value!r}, and not one of {', '.join(SHAPES)}", SHAPE)


@checks(EXTENSION, "file")
def implementations_can_be_run(document: Document, _: Xml) -> Findings:
    """`type` is `external`, with a topic; mails, shells and the like are handlers of packs here."""
    for on, name, value in document.once(attributes_of):
        handled = any(on.get(f"{{{space}}}{key}") for space in (OURS, *CAMUNDA_LIKE) for key in ("handler", "topic"))
        if name == "type" and value != "external" and not handled:
            yield Finding(on, f"an implementation of the type {value!r} cannot be run", HANDLER)


@checks(IGNORED, "file")
def nothing_is_ignored(document: Document, _: Xml) -> Findings:
    for on, name, value in document.once(attributes_of):
        if name in IGNORED_ATTRIBUTES and value not in KEPT_VALUES.get(name, ()):
            yield Finding(on, f"the attribute {name} has no effect", IGNORED_ATTRIBUTES[name])
        elif name in READ_AT and local(on) not in READ_AT[name] and value.lower() != "false":
            yield Finding(on, f"the attribute {name} has no effect at {local(on)}", ELSEWHERE_READ)
    for one, _space, name in document.once(elements_of):
        if name in IGNORED_ELEMENTS:
            yield Finding(one, f"the extension {name} has no effect", IGNORED_ELEMENTS[name])
        elif name == "in" and "businesskey" not in (one.get("businessKey") or "businessKey").lower():
            yield Finding(one, "the business key of a called process cannot be set", BUSINESS_KEY)
        if name in ("in", "out") and one.get("local", "").strip().lower() == "true":
            yield Finding(one, f"the attribute local of {name} has no effect", LOCAL)


@checks(UNKNOWN, "file")
def every_extension_is_known(document: Document, _: Xml) -> Findings:
    known = READ_ATTRIBUTES | KEPT_ATTRIBUTES | REFUSED_ATTRIBUTES.keys() | IGNORED_ATTRIBUTES.keys()
    for on, name, _value in document.once(attributes_of):
        if name not in known:
            yield Finding(on, f"the attribute {name} is not known")
    for one, space, name in document.once(elements_of):
        if name not in READ_ELEMENTS[space] and name not in ELSEWHERE | REFUSED_ELEMENTS.keys() | IGNORED_ELEMENTS.keys():
            yield Finding(one, f"the extension {PREFIXES[space]}:{name} is not known")
    for parent, one, space in document.once(_outside):
        if space not in PREFIXES:
            yield Finding(one, f"an element of {space!r} stands inside {parent}", OUTSIDE)


@checks(MISPLACED, "file")
def extensions_stand_in_their_place(document: Document, _: Xml) -> Findings:
    for parent, one, space in document.once(_outside):
        if space in PREFIXES:
            yield Finding(one, f"an element of {PREFIXES[space]} stands inside {parent}, where it is not read", OUTSIDE)


# --- finding them -------------------------------------------------------------------------------------------------------
def attributes_of(document: Document) -> Iterator[tuple[Xml, str, str]]:
    """(element, name, value) of the vendors' attributes of BPMN elements."""
    for one in document.elements:
        for tag, value in one.attrib.items():
            space, _, name = tag[1:].partition("}")
            if tag.startswith("{") and space in PREFIXES and value.strip():
                yield one, name, value.strip()


def elements_of(document: Document) -> Iterator[tuple[Xml, str, str]]:
    """(element, namespace, name) of the vendors' elements; not what stands inside one that is not read."""
    for holder in document.elements:
        if holder.tag == f"{{{BPMN}}}extensionElements":
            yield from _inside(holder)


def _outside(document: Document) -> Iterator[tuple[str, Xml, str]]:
    """(name of the parent, element, its namespace) of extensions that stand beside extensionElements and not in them."""
    for holder in document.elements:
        if local(holder) in ALLOWED and local(holder) != "definitions":
            strangers = (one for one in holder if not local(one) and isinstance(one.tag, str))
            yield from ((local(holder), one, one.tag[1:].partition("}")[0] if one.tag.startswith("{") else "") for one in strangers)


def _inside(parent: Xml) -> Iterator[tuple[Xml, str, str]]:
    for one in parent:
        space, _, name = one.tag[1:].partition("}")
        if space in PREFIXES:
            yield one, space, name
            if name in READ_ELEMENTS[space]:
                yield from _inside(one)
