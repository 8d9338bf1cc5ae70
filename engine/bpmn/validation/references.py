"""References of a file to nothing, and ids that none can be (BPMN 2.0.2 section 8.3; the schema's QName, IDREF and ID).

References that decide what is executed are errors; those of artifacts and of what only repeats or documents (lanes, item types) are warnings.
What the reader follows itself (flows, messages, signals, errors, event definitions, boundary events) it also reports itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.bpmn.reader import FLOW_NODES
from engine.bpmn.validation.document import Document
from engine.bpmn.validation.reading import REFERENCE
from engine.bpmn.validation.rule import Finding, Findings, checks, declare
from engine.bpmn.xml_source import Xml, local, reference, text

ID = declare("bpmn.id", "8.3.1", "The id is not valid", "Use letters, digits, - . and _, and begin with a letter or _.")
ID_FORM = declare(
    "bpmn.id-form", "8.3.1", "The id of something that is not executed is not valid",
    "Use letters, digits, - . and _, and begin with a letter or _.", warning=True,
)  # fmt: skip
DANGLING = declare(
    "bpmn.reference-artifact",
    "8.4.1",
    "Something that only documents refers to what does not exist",
    "Correct the reference, or remove it.",
    warning=True,
)
MESSAGE_FLOW = declare("bpmn.message-flow", "9.4", "A message flow stays inside one pool", "Use a sequence flow, or connect two different pools.")
LANES = declare("bpmn.lane", "10.8", "An element lies in two lanes", "Name it in one lane only; the last one counts.", warning=True)

_FIRST = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf"
    "\ufdf0-\ufffd\U00010000-\U000effff"
)
NCNAME = re.compile(f"[{_FIRST}][{_FIRST}\\-.0-9\u00b7\u0300-\u036f\u203f-\u2040]*")
EXECUTED = (*FLOW_NODES, "sequenceFlow", "process", "message", "signal", "error", "escalation")
ROLES = ("resourceRole", "performer", "humanPerformer", "potentialOwner")
DATA = (
    "dataStore",
    "dataObject",
    "dataObjectReference",
    "dataStoreReference",
    "dataInput",
    "dataOutput",
    "property",
    "inputDataItem",
    "outputDataItem",
)
EVENT_DEFINITIONS = (
    "messageEventDefinition", "signalEventDefinition", "timerEventDefinition", "errorEventDefinition", "escalationEventDefinition",
    "conditionalEventDefinition", "cancelEventDefinition", "terminateEventDefinition", "compensateEventDefinition", "linkEventDefinition",
)  # fmt: skip
Table = tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...]
ANY: tuple[str, ...] = ()
# (holders, attribute, kinds that it may name)
ATTRIBUTES: Table = (
    (("messageFlow",), "sourceRef", ANY),
    (("messageFlow",), "targetRef", ANY),
    (("messageFlow",), "messageRef", ("message",)),
    (("serviceTask", "sendTask", "receiveTask"), "operationRef", ("operation",)),
    (("multiInstanceLoopCharacteristics",), "oneBehaviorEventRef", EVENT_DEFINITIONS),
    (("multiInstanceLoopCharacteristics",), "noneBehaviorEventRef", EVENT_DEFINITIONS),
    (("resourceParameterBinding",), "parameterRef", ("resourceParameter",)),
)
# (parents, child element whose text is the reference, kinds)
TEXTS: Table = (
    (ROLES, "resourceRef", ("resource",)),
    (("dataInputAssociation", "dataOutputAssociation"), "sourceRef", DATA),
    (("dataInputAssociation", "dataOutputAssociation"), "targetRef", DATA),
    (("messageEventDefinition",), "operationRef", ("operation",)),
    (("linkEventDefinition",), "source", ("linkEventDefinition", "intermediateThrowEvent")),
    (("linkEventDefinition",), "target", ("linkEventDefinition", "intermediateCatchEvent")),
)
ARTIFACT_ATTRIBUTES: Table = (
    (("association",), "sourceRef", ANY),
    (("association",), "targetRef", ANY),
    (("group",), "categoryValueRef", ("categoryValue",)),
    (("message",), "itemRef", ("itemDefinition",)),
    (("dataObject", "dataObjectReference", "dataStore", "dataInput", "dataOutput", "property"), "itemSubjectRef", ("itemDefinition",)),
    (("error", "signal", "escalation"), "structureRef", ("itemDefinition",)),
    (("ioBinding",), "operationRef", ("operation",)),
    (("ioBinding",), "inputDataRef", ("dataInput", "inputSet")),
    (("ioBinding",), "outputDataRef", ("dataOutput", "outputSet")),
    (("process",), "definitionalCollaborationRef", ("collaboration", "choreography", "globalConversation")),
)
ARTIFACT_TEXTS: Table = (
    (("lane",), "flowNodeRef", ANY),
    (("operation",), "inMessageRef", ("message",)),
    (("operation",), "outMessageRef", ("message",)),
    (("operation",), "errorRef", ("error",)),
    (("inputSet",), "dataInputRefs", ("dataInput",)),
    (("inputSet",), "optionalInputRefs", ("dataInput",)),
    (("inputSet",), "whileExecutingInputRefs", ("dataInput",)),
    (("inputSet",), "outputSetRefs", ("outputSet",)),
    (("outputSet",), "dataOutputRefs", ("dataOutput",)),
    (("outputSet",), "optionalOutputRefs", ("dataOutput",)),
    (("outputSet",), "whileExecutingOutputRefs", ("dataOutput",)),
    (("outputSet",), "inputSetRefs", ("inputSet",)),
    (("process",), "supports", ("process",)),
    (("process",), "supportedInterfaceRef", ("interface",)),
)


@checks(ID, "file")
def ids_of_what_runs_are_names(document: Document, _: Xml) -> Findings:
    """Also so that no id can be one that the interpreter makes up (`a [iteration]`, `$link a`)."""
    for one in document.elements:
        if local(one) in EXECUTED and not _is_name(one):
            yield Finding(one, f"{one.get('id')!r} cannot be an id")


@checks(ID_FORM, "file")
def other_ids_are_names(document: Document, _: Xml) -> Findings:
    for one in document.elements:
        if local(one) not in EXECUTED and not _is_name(one):
            yield Finding(one, f"{one.get('id')!r} cannot be an id")


def _is_name(element: Xml) -> bool:
    """Or is there no id? That is for another rule."""
    return not element.get("id") or NCNAME.fullmatch(element.get("id")) is not None


@checks(REFERENCE, "file")
def references_lead_somewhere(document: Document, _: Xml) -> Findings:
    yield from _dangling(document, ATTRIBUTES, TEXTS)


@checks(REFERENCE, "file")
def event_definitions_of_behaviours_exist(document: Document, _: Xml) -> Findings:
    """A complex behaviour throws an event; its definitions may stand elsewhere."""
    for event in document.of("event"):
        for one in event:
            if local(one) == "eventDefinitionRef":
                found = document.find(one, text(one))
                if found is not None and (found[1] is None or local(found[1]) not in EVENT_DEFINITIONS):
                    yield Finding(one, f"there is no event definition {found[0]!r}", "define it, or choose another")


@checks(DANGLING, "file")
def documentation_leads_somewhere(document: Document, _: Xml) -> Findings:
    yield from _dangling(document, ARTIFACT_ATTRIBUTES, ARTIFACT_TEXTS)


@checks(DANGLING, "file")
def repeated_flows_exist(document: Document, _: Xml) -> Findings:
    """`incoming` and `outgoing` only repeat what the sequence flows say; the flows count."""
    for one in document.of("incoming", "outgoing"):
        found = document.find(one, text(one))
        holder, end = one.getparent(), "targetRef" if local(one) == "incoming" else "sourceRef"
        if found is None or not holder.get("id"):
            continue
        if found[1] is None or local(found[1]) != "sequenceFlow":
            yield Finding(one, f"{local(one)} names {found[0]!r}, which is no sequence flow", "remove it: the sequence flows count")
        elif reference(found[1].get(end)) != holder.get("id"):
            yield Finding(one, f"{local(one)} names the sequence flow {found[0]!r}, which does not say so", "remove it: the sequence flows count")


def _dangling(document: Document, attributes: Table, texts: Table) -> Iterator[Finding]:
    by_attribute, by_text = _indexed(attributes), _indexed(texts)
    for one in document.elements:
        for attribute, kinds in by_attribute.get(local(one), ()):
            yield from _missing(document, one, one.get(attribute), attribute, kinds)
        for parent_kinds in by_text.get(local(one.getparent()) if one.getparent() is not None else "", ()):
            if parent_kinds[0] == local(one):
                yield from _missing(document, one, text(one), local(one), parent_kinds[1])


def _indexed(table: Table) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for holders, name, kinds in table:
        for holder in holders:
            found.setdefault(holder, []).append((name, kinds))
    return found


def _missing(document: Document, element: Xml, said: str | None, what: str, kinds: tuple[str, ...]) -> Iterator[Finding]:
    found = document.find(element, said)
    if found is not None and (found[1] is None or (kinds and local(found[1]) not in kinds)):
        kind = kinds[0] if kinds and kinds is not EVENT_DEFINITIONS else "event definition" if kinds else "element"
        yield Finding(element, f"{what}: there is no {kind} {found[0]!r} in the file", f"define the {kind}, or correct the reference")


# --- pools and lanes ----------------------------------------------------------------------------------------------------
@checks(MESSAGE_FLOW, "file")
def message_flows_cross_pools(document: Document, _: Xml) -> Findings:
    for one in document.of("messageFlow"):
        source, target = (_pool(document, one.get(end)) for end in ("sourceRef", "targetRef"))
        if source is not None and source == target:
            yield Finding(one, f"both ends of message flow {one.get('id') or ''} belong to {source!r}")


def _pool(document: Document, qname: str | None) -> str | None:
    """The process (or, of a pool without one, the participant) that an end of a message flow belongs to."""
    element = document.by_id.get(reference(qname) or "")
    while element is not None and local(element) not in ("participant", "process"):
        element = element.getparent()
    if element is None:
        return None
    return reference(element.get("processRef")) or element.get("id")


@checks(LANES, "file")
def elements_lie_in_one_lane(document: Document, _: Xml) -> Findings:
    """Of one lane set; nested lanes divide their lane further."""
    for lanes in document.of("laneSet", "childLaneSet"):
        seen: dict[str, str] = {}
        for lane in lanes:
            for one in lane if local(lane) == "lane" else ():
                key, name = reference(text(one)) or "", str(lane.get("name") or lane.get("id") or "")
                if local(one) == "flowNodeRef" and seen.setdefault(key, name) != name:
                    yield Finding(one, f"{key!r} lies in the lanes {seen[key]!r} and {name!r}")
