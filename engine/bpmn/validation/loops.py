"""Loop characteristics: numbers, outputs and behaviours that cannot be what was meant (BPMN 2.0.2 sections 10.3.8, 13.3.7)."""

from __future__ import annotations

import ast

from engine.bpmn.diagram import Node
from engine.bpmn.reader import ACTIVITIES
from engine.bpmn.validation.document import Document
from engine.bpmn.validation.rule import Finding, Findings, Place, checks, declare
from engine.bpmn.xml_source import Xml, child, children, local, text

CARDINALITY = declare("bpmn.cardinality", "10.3.8", "The cardinality is no number of instances", "Use a whole number of at least 0.")
BEHAVIOUR = declare("bpmn.loop-behavior", "10.3.8", "A complex behavior has no condition", "Write the condition under which the event is thrown.")
BEHAVIOUR_IDLE = declare(
    "bpmn.loop-behavior-idle", "10.3.8", "A behavior of the multi-instance activity has no effect",
    "Name the event that it throws and set behavior, or remove it.", warning=True,
)  # fmt: skip
OUTPUT = declare(
    "bpmn.loop-output", "10.3.8", "The output of the instances is collected nowhere", "Name the collection in loopDataOutputRef.", warning=True
)
EVENT_OF = {"One": "oneBehaviorEventRef", "None": "noneBehaviorEventRef"}


@checks(CARDINALITY, *ACTIVITIES)
def cardinalities_are_whole_numbers(_: Place, node: Node) -> Findings:
    said = node.loop.cardinality if node.loop is not None else None
    try:
        value = ast.literal_eval((said or "").lstrip("= ").strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return  # no literal: known when it is evaluated
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        yield Finding(node, f"the loop cardinality must be a whole number of at least 0, not {said}")


@checks(OUTPUT, *ACTIVITIES)
def outputs_are_collected(_: Place, node: Node) -> Findings:
    loop = node.loop
    if loop is not None and loop.output is None and (loop.output_item or loop.output_expression):
        yield Finding(node, f"the output {loop.output_item or loop.output_expression!r} of the instances is lost: no collection is named")


@checks(BEHAVIOUR, "file")
def complex_behaviours_have_a_condition(document: Document, _: Xml) -> Findings:
    for one in document.of("complexBehaviorDefinition"):
        if not text(child(one, "condition")):
            yield Finding(one, "a complex behavior has no condition")


@checks(BEHAVIOUR_IDLE, "file")
def behaviours_have_an_effect(document: Document, _: Xml) -> Findings:
    for one in document.of("multiInstanceLoopCharacteristics"):
        behaviour = (one.get("behavior") or "All").strip().capitalize()
        attribute = EVENT_OF.get(behaviour)
        if attribute is not None and not (one.get(attribute) or "").strip():
            yield Finding(one, f"behavior is {behaviour}, but {attribute} names no event", f"set {attribute}, or let behavior be All")
        parts = children(one, "complexBehaviorDefinition")
        if parts and behaviour != "Complex":
            yield Finding(one, "there are complex behaviors, but behavior is not Complex", "set behavior to Complex, or remove them")
        if behaviour == "Complex" and not parts:
            yield Finding(one, "behavior is Complex, but no complexBehaviorDefinition says when something is thrown")
        for part in parts:
            event = child(part, "event")
            if event is None or not any(local(inside).endswith(("EventDefinition", "Ref")) for inside in event):
                yield Finding(part, "a complex behavior throws no event", "give it an event with a definition")
