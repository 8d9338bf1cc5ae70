"""Attribute values outside of the schema's types, where they would decide what is executed (BPMN 2.0.2 section 15.3)."""

from __future__ import annotations

from engine.bpmn.validation.document import Document
from engine.bpmn.validation.rule import Finding, Findings, checks, declare
from engine.bpmn.xml_source import Xml, children, local, reference

VALUE = declare("bpmn.value", "15.3", "An attribute has a value that BPMN does not know", "Use one of the values named in the message.")
DIRECTION = declare(
    "bpmn.gateway-direction", "10.6", "The gateway's direction contradicts its flows",
    "Correct gatewayDirection, or remove it: the flows count.", warning=True,
)  # fmt: skip
BOOLEANS = (
    "isExecutable", "triggeredByEvent", "isForCompensation", "cancelActivity", "isInterrupting", "parallelMultiple", "instantiate", "testBefore",
    "isSequential", "cancelRemainingInstances", "waitForCompletion",
)  # fmt: skip
CHOICES = {"eventGatewayType": ("Exclusive", "Parallel"), "ordering": ("Parallel", "Sequential"), "behavior": ("None", "One", "All", "Complex")}


@checks(VALUE, "file")
def booleans_are_true_or_false(document: Document, root: Xml) -> Findings:
    """Also of processes that seem not to be executable: whether they are is what it says."""
    processes = children(root, "process")
    for one in (*(one for one in document.elements if one not in processes), *processes):
        for name in BOOLEANS:
            said = one.get(name)
            if said is not None and said.strip().lower() not in ("true", "false", "1", "0"):
                yield Finding(one, f"{name} is {said!r}, and not true or false")


@checks(VALUE, "file")
def choices_are_known(document: Document, _: Xml) -> Findings:
    for one in document.elements:
        for name, values in CHOICES.items():
            said = one.get(name)
            if said is not None and said.strip().lower() not in [value.lower() for value in values]:
                yield Finding(one, f"{name} is {said!r}, and not one of {', '.join(values)}")


@checks(DIRECTION, "file")
def directions_agree_with_flows(document: Document, _: Xml) -> Findings:
    flows = list(document.of("sequenceFlow"))
    ends = {end: [reference(flow.get(end)) for flow in flows] for end in ("sourceRef", "targetRef")}
    for one in document.elements:
        said = one.get("gatewayDirection") if local(one).endswith("Gateway") else None
        if said in ("Converging", "Diverging"):
            end, what = ("sourceRef", "outgoing") if said == "Converging" else ("targetRef", "incoming")
            count = ends[end].count(one.get("id"))
            if count > 1:
                yield Finding(one, f"gatewayDirection is {said}, but the gateway has {count} {what} sequence flows")
