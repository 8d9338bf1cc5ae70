"""Damaged diagrams: refused with problems, or executed; never another exception, whatever was damaged."""

from __future__ import annotations

import random

import pytest
from lxml import etree

from engine.bpmn import Limits
from engine.errors import DeploymentRejected
from tests.conformance.test_events import ROOTS, S, event_sub
from tests.support.bpmn_bench import Bench, definitions, flows
from tests.support.random_diagrams import Writer, run

LIMITS = Limits(steps=2000, elements=500, nesting=20)
REST = definitions(
    ROOTS,
    f'<process id="p">{S}<callActivity id="c" calledElement="q"/><complexGateway id="g"><activationCondition>activationCount > 1</activationCondition></complexGateway>'
    '<task id="t"><multiInstanceLoopCharacteristics isSequential="true"><loopDataInputRef>rows</loopDataInputRef><inputDataItem id="x"/>'
    "<completionCondition>n > 3</completionCondition></multiInstanceLoopCharacteristics></task>"
    '<transaction id="x1"><startEvent id="x2"/><endEvent id="x3"><cancelEventDefinition/></endEvent><sequenceFlow id="x4" sourceRef="x2" targetRef="x3"/></transaction>'
    '<boundaryEvent id="x5" attachedToRef="x1"><cancelEventDefinition/></boundaryEvent><intermediateThrowEvent id="l1"><linkEventDefinition name="L"/></intermediateThrowEvent>'
    '<intermediateCatchEvent id="l2"><linkEventDefinition name="L"/></intermediateCatchEvent><adHocSubProcess id="a"><userTask id="a1"/>'
    "<completionCondition>n > 1</completionCondition></adHocSubProcess>"
    + event_sub("h", '<errorEventDefinition errorRef="E1"/>', True)
    + flows("s c", "s g", "c g", "g t", "t x1", "x5 l1", "l2 a")
    + "</process>",
    f'<process id="q">{S.replace(chr(34) + "s" + chr(34), chr(34) + "qs" + chr(34))}<endEvent id="qe"/>{flows("qs qe")}</process>',
)


def damaged(xml: bytes, chance: random.Random) -> bytes:
    root = etree.fromstring(xml)
    everything = [one for one in root.iter() if one is not root]
    ids = [one.get("id") for one in everything if one.get("id")]
    for _ in range(chance.randrange(1, 4)):
        one = chance.choice(everything)
        kind = chance.randrange(5)
        if kind == 0 and one.getparent() is not None:
            one.getparent().remove(one)
        elif kind == 1 and one.attrib:
            del one.attrib[chance.choice(sorted(one.attrib))]
        elif kind == 2 and one.attrib:
            one.set(chance.choice(sorted(one.attrib)), chance.choice([*ids, "", "-1", "true", "P", "${", "§"]))
        elif kind == 3:
            one.tag = chance.choice(everything).tag
        elif one.text and one.text.strip():
            one.text = chance.choice(["", "1 +", "R/PT0S", "missing", "'x'", "[1, 2]", "-5"])
    return etree.tostring(root)


@pytest.mark.parametrize("seed", range(150))
def test_damage(seed: int) -> None:
    chance = random.Random(seed)
    xml = damaged(REST if seed % 3 == 0 else Writer(seed % 20).xml(), chance)
    try:
        bench = Bench(xml, limits=LIMITS, roundtrip=False)
    except DeploymentRejected:
        return
    if "p" in bench.model.processes and any(trigger.kind == "none" for trigger in bench.model.processes["p"].starts):
        run(bench, seed, steps=30)
