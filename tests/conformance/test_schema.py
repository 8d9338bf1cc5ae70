"""Every element and attribute of BPMN's schema is known: executed, kept as documentation, or refused; nothing of it is dropped unseen.

The schema is the one that SpiffWorkflow brings along. What it allows and we do not know, and what we allow beyond it, is listed here with its reason.
"""

from __future__ import annotations

from pathlib import Path

import SpiffWorkflow
from lxml import etree

from engine.bpmn.languages import EXPRESSIONS
from engine.bpmn.reader import GLOBAL_TASKS
from engine.bpmn.validation.attributes import DOCUMENTS, EXECUTED
from tests.conformance.test_refused import rules
from tests.support.bpmn_bench import definitions

SCHEMA = Path(SpiffWorkflow.__file__).parent / "bpmn" / "parser" / "schema"
X = "{http://www.w3.org/2001/XMLSchema}"
# of choreographies and conversations, which are not executed: what holds them is refused, or documents
CHOREOGRAPHIES = {"callChoreography", "choreography", "choreographyTask", "globalChoreographyTask", "globalConversation", "subChoreography"}
CONVERSATIONS = {
    "callConversation", "conversation", "conversationAssociation", "conversationLink", "conversationNode", "messageFlowAssociation",
    "participantAssociation", "subConversation",
}  # fmt: skip
# types that no file can hold by that name, only what is derived from them
ABSTRACT = {
    "activity", "artifact", "baseElement", "baseElementWithMixedContent", "callableElement", "catchEvent", "choreographyActivity", "dataAssociation",
    "eventDefinition", "expression", "flowElement", "flowNode", "gateway", "implicitThrowEvent", "loopCharacteristics", "rootElement", "throwEvent",
}  # fmt: skip
WITHOUT_ATTRIBUTES = {"extensionElements", "script", "text", "partitionElement"}
# what tools write besides, and is executed
BEYOND = {
    **{one: {"default"} for one in ("startEvent", "intermediateCatchEvent", "boundaryEvent", "intermediateThrowEvent")},
    **{one: {"default"} for one in ("eventBasedGateway", "parallelGateway")},
    "scriptTask": {"scriptLanguage"},
    **{
        one: {"completionQuantity", "default", "implementation", "isForCompensation", "scriptFormat", "scriptLanguage", "startQuantity"}
        for one in GLOBAL_TASKS
    },
}


def schema() -> dict[str, set[str]]:
    """Attributes by element."""
    trees = [etree.parse(SCHEMA / name).getroot() for name in ("BPMN20.xsd", "Semantic.xsd")]
    types = {one.get("name"): one for tree in trees for one in tree.iter(f"{X}complexType") if one.get("name")}
    found = {}
    for tree in trees:
        for one in tree.iter(f"{X}element"):
            kind = (one.get("type") or "").rpartition(":")[2]
            if one.get("name") and kind in types:
                found[one.get("name")] = _attributes(types, kind)
    return found


def _attributes(types: dict[str, etree._Element], name: str) -> set[str]:
    kind = types[name]
    base = kind.find(f".//{X}extension")
    inherited = (base.get("base") or "").rpartition(":")[2] if base is not None else ""
    own = {one.get("name") for one in kind.iter(f"{X}attribute") if one.get("name")}
    return own | (_attributes(types, inherited) if inherited in types else set())


def test_every_element_of_the_schema_is_known() -> None:
    placed = set(EXECUTED) | set(DOCUMENTS) | CHOREOGRAPHIES | CONVERSATIONS | ABSTRACT | WITHOUT_ATTRIBUTES
    assert set(schema()) - placed == set()
    assert (set(EXECUTED) | set(DOCUMENTS)) & (CHOREOGRAPHIES | CONVERSATIONS | ABSTRACT) == set()


def test_every_attribute_of_the_schema_is_known_where_it_stands() -> None:
    formal = {"language", "evaluatesToTypeRef"}  # an expression may be formal (xsi:type)
    for element, attributes in schema().items():
        known = EXECUTED.get(element) or DOCUMENTS.get(element)
        if known is not None:
            assert attributes - known == set(), element
            beyond = BEYOND.get(element, set()) | (formal if element in EXPRESSIONS else set())
            assert known - attributes <= beyond, element


def test_what_belongs_to_choreographies_is_refused_in_a_process_and_at_the_root() -> None:
    for one in ("callChoreography", "choreographyTask", "subChoreography", *sorted(CONVERSATIONS)):
        assert ("bpmn.unsupported", "x") in rules(definitions(f'<process id="p"><startEvent id="s"/><{one} id="x"/></process>'))
    for one in ("choreography", "globalChoreographyTask", "globalConversation"):
        assert rules(definitions(f'<{one} id="x"/><process id="p"><startEvent id="s"/></process>')) == [("bpmn.unsupported", "x")]
