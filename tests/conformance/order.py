"""The documents of the cases written in another order, as another tool might write them.

The standard gives an order to one thing only: the conditions after an exclusive gateway (BPMN 2.0.2 section 13.4.2).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from lxml import etree

from engine.testing import EmbeddedEngine
from tests.conformance.case import Case
from tests.conformance.stage import Stage

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CONTAINERS = ("definitions", "process", "subProcess", "transaction", "adHocSubProcess")
EVENTS = ("startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent")
Reorder = Callable[[bytes], bytes]


def shuffled(xml: bytes, seed: int) -> bytes:
    """Children of the document, of containers and of events in another order; flows out of one exclusive gateway stay in theirs."""
    chance = random.Random(seed)
    root = parsed(xml)
    exclusive = {one.get("id") for one in root.iter(f"{BPMN}exclusiveGateway")}
    for one in list(root.iter(*(BPMN + name for name in (*CONTAINERS, *EVENTS)))):
        children = list(one)
        ordered = [child for child in children if child.tag == f"{BPMN}sequenceFlow" and child.get("sourceRef") in exclusive]
        chance.shuffle(children)
        kept = iter(ordered)
        for child in children:
            one.append(next(kept) if child in ordered else child)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def with_conditions_reversed(xml: bytes) -> bytes:
    """Only the flows out of exclusive gateways in the opposite order: what the standard gives a meaning."""
    root = parsed(xml)
    for gateway in root.iter(f"{BPMN}exclusiveGateway"):
        for flow in [one for one in root.iter(f"{BPMN}sequenceFlow") if one.get("sourceRef") == gateway.get("id")]:
            holder = flow.getparent()
            holder.remove(flow)
            holder.insert(0, flow)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def parsed(xml: bytes) -> etree._Element:
    return etree.fromstring(xml, etree.XMLParser(resolve_entities=False))


class Reordered(Stage):
    """Deploys every diagram as `reorder` writes it. The first process is still that of the original."""

    def __init__(self, case: Case, engine: EmbeddedEngine, reorder: Reorder) -> None:
        super().__init__(case, engine)
        self.reorder = reorder

    def deploy(self, names: tuple[str, ...] | None = None) -> list[str]:
        files = self.case.contents(names)
        processes = self.engine.deploy({name: self.reorder(data) if name.endswith(".bpmn") else data for name, data in files.items()})
        return sorted(processes, key=written(files).index)


def written(files: Mapping[str, bytes]) -> Sequence[str | None]:
    """Ids of all elements in the order of the documents."""
    return [one.get("id") for name in sorted(files) if name.endswith(".bpmn") for one in parsed(files[name]).iter(etree.Element)]
