"""Extensions that we execute, at elements where they are not executed: a warning, an error where work would be left undone."""

from __future__ import annotations

from engine.bpmn.reader import ACTIVITIES, EVENTS, GLOBAL_TASKS
from engine.bpmn.validation.document import Document, words
from engine.bpmn.validation.reading import EXTENSION
from engine.bpmn.validation.rule import Finding, Findings, checks
from engine.bpmn.validation.vendors import IGNORED, attributes_of, elements_of
from engine.bpmn.xml_source import BPMN, Xml, local

PEOPLE = "userTask manualTask receiveTask globalUserTask globalManualTask"
WORK = "serviceTask sendTask businessRuleTask"
SENDING = "intermediateThrowEvent endEvent messageEventDefinition"  # message events are jobs where they name a handler
DECISION = "businessRuleTask globalBusinessRuleTask"
DATA_EVENTS = "messageEventDefinition signalEventDefinition errorEventDefinition escalationEventDefinition"
WITH_DATA = f"{' '.join((*ACTIVITIES, *EVENTS, *GLOBAL_TASKS))} messageEventDefinition signalEventDefinition"
# besides those of `vendors.READ_AT`
ATTRIBUTES = {
    "handler": words(WORK, SENDING),
    "outputCollection": words("multiInstanceLoopCharacteristics"),
    **dict.fromkeys(("errorCodeVariable", "escalationCodeVariable", "errorMessageVariable"), words(DATA_EVENTS)),
    "activeElements": words("adHocSubProcess"),
}
ELEMENTS = {
    **dict.fromkeys(("inputOutput", "ioMapping"), words(WITH_DATA)),
    "in": words("callActivity signalEventDefinition"),
    **dict.fromkeys(("out", "calledElement"), words("callActivity")),
    "taskDefinition": words(WORK, SENDING),
    **dict.fromkeys(("assignmentDefinition", "taskSchedule", "priorityDefinition"), words(PEOPLE)),
    "formDefinition": words(PEOPLE, "startEvent"),
    "calledDecision": words(DECISION),
    "calledDecisionId": words(DECISION),
    "serviceTaskOperator": words(WORK, SENDING),
    "loopCharacteristics": words("multiInstanceLoopCharacteristics"),
    "subscription": words("message", "messageEventDefinition receiveTask", *EVENTS),
    "script": words("scriptTask"),
    "adHoc": words("adHocSubProcess"),
}
INPUTS = ("inputParameter", "input")
THROWING = ("intermediateThrowEvent", "endEvent")
CARRYING = ("messageEventDefinition", "signalEventDefinition", "eventDefinitionRef")
CALLS_WORK = ("handler", "taskDefinition", "serviceTaskOperator")
NAMED = ("inputParameter", "outputParameter", "parameter")
COMPLETE = "say where the value comes from, and the name under which it is to be known"
PLACE = "remove it: it belongs to elements of another kind"
UNDONE = "draw a service task or send task with this handler"
ADVICE = (COMPLETE, PLACE, UNDONE)


def _misplaced(document: Document) -> list[tuple[Xml, str, str]]:
    """(the place of a finding, name of the extension, name of the element that has it)."""
    found = [(on, name, local(on)) for on, name, _ in document.once(attributes_of) if local(on) not in ATTRIBUTES.get(name, (local(on),))]
    for one, _space, name in document.once(elements_of):
        holder = one.getparent()
        direct = holder.tag == f"{{{BPMN}}}extensionElements"
        kind = local(holder.getparent()) if direct else ""
        if direct and kind not in ELEMENTS.get(name, (kind,)):
            found.append((one, name, kind))
    return found


@checks(IGNORED, "file")
def extensions_are_where_they_are_executed(document: Document, _: Xml) -> Findings:
    for on, name, kind in document.once(_misplaced):
        if name not in CALLS_WORK:
            yield Finding(on, f"{name} has no effect at {kind}", PLACE)


@checks(IGNORED, "file")
def events_take_no_inputs(document: Document, _: Xml) -> Findings:
    """What an event throws may be made of input parameters; nothing else in an event reads them."""
    for one, _space, name in document.once(elements_of):
        event = next((above for above in one.iterancestors() if local(above) in EVENTS), None) if name in INPUTS else None
        if event is not None and not (local(event) in THROWING and any(local(inside) in CARRYING for inside in event)):
            yield Finding(one, f"{name} has no effect at {local(event)}", PLACE)


@checks(EXTENSION, "file")
def mappings_are_complete(document: Document, _: Xml) -> Findings:
    """What has no name would be left out, what has no source would be null."""
    for one, _space, name in document.once(elements_of):
        lacking = _lacking(one, name)
        if lacking:
            yield Finding(one, f"{name} names no {lacking}", COMPLETE)


def _lacking(one: Xml, name: str) -> str:
    if name in NAMED:
        return "" if one.get("name") or one.get("id") else "name"
    if name in ("input", "output"):
        return next((key for key in ("source", "target") if not (one.get(key) or "").strip()), "")
    if name not in ("in", "out") or one.get("businessKey") or one.get("variables"):
        return ""
    if not (one.get("source") or one.get("sourceExpression")):
        return "source"
    return "" if one.get("target") or one.get("source") else "target"


@checks(EXTENSION, "file")
def no_work_is_left_undone(document: Document, _: Xml) -> Findings:
    for on, name, kind in document.once(_misplaced):
        if name in CALLS_WORK:
            yield Finding(on, f"the {name} of {kind} would not be called", UNDONE)
