"""Every rule of deployment and lint, both ways: a diagram that breaks it names the element, the same one put right is deployed without a word.

The register itself is tested, too: each rule has its words and is listed in docs/rules.md, and whatever the engine reports is in the register.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import engine
from engine.bpmn.validation import RULES
from engine.bpmn.validation.page import page
from engine.errors import DeploymentRejected, Problem
from tests.conformance.test_events import MESSAGE, SIGNAL, E, S, boundary, catch, end, error, event_sub, p, sub, throw, timer
from tests.support.bpmn_bench import Bench, definitions, flows, log

U = '<userTask id="u"/>'
EBG = '<eventBasedGateway id="g"/>'
EVENTS = EBG + catch("c", MESSAGE) + catch("d", SIGNAL)
TO_EVENTS = flows("s g", "g c", "g d")
UNDO = "<compensateEventDefinition/>"
HANDLER = '<task id="k" isForCompensation="true"/>'
LINK = '<linkEventDefinition name="l"/>'
CANCELLED = sub("b", '<startEvent id="bs"/>', end("be", "<cancelEventDefinition/>"), flows("bs be"), tag="transaction")


def extended(inside: str, tag: str = "userTask", attributes: str = "") -> str:
    return f'<{tag} id="t" {attributes}><extensionElements>{inside}</extensionElements></{tag}>'


def multi(inside: str, attributes: str = "") -> bytes:
    return p(
        S, f'<userTask id="t"><multiInstanceLoopCharacteristics {attributes}>{inside}</multiInstanceLoopCharacteristics></userTask>', flows("s t")
    )


def call(attributes: str) -> bytes:
    return definitions(
        f'<process id="p">{S}<callActivity id="t" {attributes}/>{flows("s t")}</process><process id="q"><startEvent id="qs"/></process>'
    )


def compensated(*more: str) -> bytes:
    return p(S, U, HANDLER, boundary("c", "u", UNDO), '<association id="x" sourceRef="c" targetRef="k"/>', *more)


def pools(target: str) -> bytes:
    return definitions(
        '<collaboration id="c"><participant id="a" processRef="p"/><participant id="b" processRef="q"/>'
        f'<messageFlow id="m" sourceRef="u" targetRef="{target}"/></collaboration>',
        f'<process id="p">{S}{U}<userTask id="v"/>{flows("s u", "u v")}</process><process id="q"><startEvent id="qs"/></process>',
    )


COMPLEX = "<complexBehaviorDefinition><condition>{}</condition><event>{}</event></complexBehaviorDefinition>"
THREE = "<loopCardinality>3</loopCardinality>"
SPLIT = '<exclusiveGateway id="g" {}/><task id="a"/><task id="b"/>'
MESSAGE_ONLY = '<message id="M" name="m"/>'
RETRIEVAL = '<correlationPropertyRetrievalExpression messageRef="M"><messagePath>a</messagePath></correlationPropertyRetrievalExpression>'
DATA = '<dataObject id="o" name="d"/>'
FILLED = '<dataInput id="i" name="k"/><dataInputAssociation><sourceRef>o</sourceRef><targetRef>i</targetRef></dataInputAssociation>'
LONG = "x" * 255
STARTED = '<startEvent id="s"><messageEventDefinition messageRef="M"/></startEvent>'
# rule, element that is named, wrong, right
CASES: list[tuple[str, str | None, bytes, bytes]] = [
    # ids and references
    ("bpmn.id", "a b", p(S, '<userTask id="a b"/>', '<sequenceFlow id="f" sourceRef="s" targetRef="a b"/>'), p(S, U, flows("s u"))),
    ("bpmn.id", "$start", p('<startEvent id="$start"/>'), p('<startEvent id="_start-1.x"/>')),
    ("bpmn.id", "u [iteration]", p(S, '<userTask id="u [iteration]"/>', U), p(S, '<userTask id="用户任务"/>', flows("s 用户任务"))),
    ("bpmn.id-form", "1 2", p('<laneSet id="1 2"/>', S), p('<laneSet id="l12"/>', S)),
    ("bpmn.reference", "d", p('<dataStoreReference id="d" dataStoreRef="zz"/>', S), definitions(f'<dataStore id="zz"/><process id="p"><dataStoreReference id="d" dataStoreRef="zz"/>{S}</process>')),
    ("bpmn.reference", "t", p(S, '<serviceTask id="t" operationRef="zz" f:handler="h"/>', flows("s t")), definitions(f'<interface id="i" name="i"><operation id="zz" name="o"><inMessageRef>M</inMessageRef></operation></interface><message id="M" name="m"/><process id="p">{S}<serviceTask id="t" operationRef="zz" f:handler="h"/>{flows("s t")}</process>')),
    ("bpmn.reference", "t", multi(THREE, 'behavior="One" oneBehaviorEventRef="zz"'), definitions(f'<signal id="G" name="g"/><signalEventDefinition id="zz" signalRef="G"/><process id="p">{S}<userTask id="t"><multiInstanceLoopCharacteristics behavior="One" oneBehaviorEventRef="zz">{THREE}</multiInstanceLoopCharacteristics></userTask>{flows("s t")}</process>')),
    ("bpmn.reference", "u", p(S, '<userTask id="u"><potentialOwner><resourceRef>zz</resourceRef></potentialOwner></userTask>', flows("s u")), definitions(f'<resource id="zz" name="Sales"/><process id="p">{S}<userTask id="u"><potentialOwner><resourceRef>zz</resourceRef></potentialOwner></userTask>{flows("s u")}</process>')),
    ("bpmn.reference", "u", p('<dataObject id="o"/>', S, '<userTask id="u"><ioSpecification><dataInput id="i"/></ioSpecification><dataInputAssociation><sourceRef>zz</sourceRef><targetRef>i</targetRef></dataInputAssociation></userTask>', flows("s u")), p('<dataObject id="o"/>', S, '<userTask id="u"><ioSpecification><dataInput id="i"/></ioSpecification><dataInputAssociation><sourceRef>o</sourceRef><targetRef>i</targetRef></dataInputAssociation></userTask>', flows("s u"))),
    ("bpmn.reference", "m", pools("zz"), pools("q")),
    ("bpmn.reference", "t", compensated(throw("t", '<compensateEventDefinition activityRef="zz"/>'), flows("s u", "u t")), compensated(throw("t", '<compensateEventDefinition activityRef="u"/>'), flows("s u", "u t"))),
    ("bpmn.reference-artifact", "x", p(S, U, '<association id="x" sourceRef="u" targetRef="zz"/>', flows("s u")), p(S, U, '<textAnnotation id="zz"/><association id="x" sourceRef="u" targetRef="zz"/>', flows("s u"))),
    ("bpmn.reference-artifact", "l", p('<laneSet id="ls"><lane id="l"><flowNodeRef>zz</flowNodeRef></lane></laneSet>', S), p('<laneSet id="ls"><lane id="l"><flowNodeRef>s</flowNodeRef></lane></laneSet>', S)),
    ("bpmn.reference-artifact", "u", p(S, '<userTask id="u"><incoming>zz</incoming></userTask>', flows("s u")), p(S, '<userTask id="u"><incoming>s-u</incoming></userTask>', flows("s u"))),
    ("bpmn.reference-artifact", "u", p(S, '<userTask id="u"><outgoing>s-u</outgoing></userTask>', flows("s u")), p(S, f"<userTask id='u'><outgoing>u-e</outgoing></userTask>{E}", flows("s u", "u e"))),
    ("bpmn.message-flow", "m", pools("v"), pools("b")),
    ("bpmn.lane", "m", p('<laneSet id="ls"><lane id="l"><flowNodeRef>s</flowNodeRef></lane><lane id="m"><flowNodeRef>s</flowNodeRef></lane></laneSet>', S), p('<laneSet id="ls"><lane id="l"><flowNodeRef>s</flowNodeRef></lane><lane id="m"/></laneSet>', S)),
    # elements and values
    ("bpmn.unsupported", "u", p(S, '<userTask id="u"><fooBar/></userTask>', flows("s u")), p(S, '<userTask id="u"><documentation>x</documentation></userTask>', flows("s u"))),
    ("bpmn.unsupported", "b", p(S, sub("b", '<startEvent id="bs"/>', tag="transaction", method="##Store"), flows("s b")), p(S, sub("b", '<startEvent id="bs"/>', tag="transaction", method="##Compensate"), flows("s b"))),
    ("bpmn.unsupported", "definitions", definitions(f'<extension definition="x:y" mustUnderstand="true"/><process id="p">{S}</process>'), definitions(f'<extension definition="x:y"/><process id="p">{S}</process>')),
    ("bpmn.unsupported", "g", definitions(f'<globalChoreographyTask id="g"/><process id="p">{S}</process>'), definitions(f'<globalTask id="g"/><process id="p">{S}</process>')),
    ("bpmn.attribute", "c", p(S, U, '<boundaryEvent id="c" attachedToRef="u" cancelActivty="false"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>', flows("s u")), p(S, U, '<boundaryEvent id="c" attachedToRef="u" cancelActivity="false"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>', flows("s u"))),
    ("bpmn.attribute", "u", p(S, '<userTask id="u" assignee="kim"/>', flows("s u")), p(S, '<userTask id="u" f:assignee="kim"/>', flows("s u"))),
    ("bpmn.attribute", "s", p('<startEvent id="s" cancelActivity="false"/>'), p('<startEvent id="s" isInterrupting="false"/>')),
    ("bpmn.attribute-form", "x", p(S, U, '<association id="x" sourceRef="u" targetRef="s" direction="One"/>', flows("s u")), p(S, U, '<association id="x" sourceRef="u" targetRef="s" associationDirection="One"/>', flows("s u"))),
    ("bpmn.no-effect", "u", p(S, '<userTask id="u"><rendering/></userTask>', flows("s u")), p(S, U, flows("s u"))),
    ("bpmn.no-effect", "t", p(S, '<scriptTask id="t"><potentialOwner/><script>x = 1</script></scriptTask>', flows("s t")), p(S, '<userTask id="t"><potentialOwner/></userTask>', flows("s t"))),
    ("bpmn.no-effect", "u", p(S, '<userTask id="u"><resourceRole name="boss"/></userTask>', flows("s u")), p(S, '<userTask id="u"><humanPerformer name="boss"/></userTask>', flows("s u"))),
    ("bpmn.no-effect", "f", p(S, U, '<sequenceFlow id="f" sourceRef="s" targetRef="u" isImmediate="false"/>'), p(S, U, '<sequenceFlow id="f" sourceRef="s" targetRef="u" isImmediate="true"/>')),
    ("bpmn.no-effect", "d", definitions(f'<dataStore id="d" name="n" capacity="3"/><process id="p">{S}</process>'), definitions(f'<dataStore id="d" name="n" isUnlimited="true"/><process id="p">{S}</process>')),
    ("bpmn.misplaced", "u", p(S, '<userTask id="u"><f:inputOutput/></userTask>', flows("s u")), p(S, '<userTask id="u"><extensionElements><f:inputOutput/></extensionElements></userTask>', flows("s u"))),
    ("bpmn.unsupported", "x", definitions(f'<foo id="x"/><process id="p">{S}</process>'), definitions(f'<category id="x"><categoryValue id="y"/></category><process id="p">{S}</process>')),
    ("bpmn.misplaced", "u", p(S, f'<userTask id="u">{timer("PT1H")}</userTask>', flows("s u")), p(S, U, boundary("c", "u", timer("PT1H")), flows("s u"))),
    ("bpmn.misplaced", "p", p("<incoming>x</incoming>", S), p(S)),
    ("bpmn.value", "p", definitions(f'<process id="p" isExecutable="yes">{S}</process>'), definitions(f'<process id="p" isExecutable="1">{S}</process>')),
    ("bpmn.value", "t", multi(THREE, 'behavior="Foo"'), multi(THREE, 'behavior="All"')),
    ("bpmn.value", "b", p(S, sub("b", U, tag="adHocSubProcess", ordering="Backwards"), flows("s b")), p(S, sub("b", U, tag="adHocSubProcess", ordering="Sequential"), flows("s b"))),
    # what databases keep in columns
    ("bpmn.too-long", LONG + "x", p(S, f'<userTask id="{LONG}x"/>', flows(f"s {LONG}x")), p(S, f'<userTask id="{LONG}"/>', flows(f"s {LONG}"))),
    ("bpmn.too-long", LONG[:201], definitions(f'<process id="{LONG[:201]}">{S}</process>'), definitions(f'<process id="{LONG[:200]}">{S}</process>')),
    ("bpmn.too-long", "u", p(S, f'<userTask id="u" name="{"长" * 256}"/>', flows("s u")), p(S, f'<userTask id="u" name="{"长" * 255}"/>', flows("s u"))),
    ("bpmn.too-long", "u", p(S, f'<userTask id="u" f:assignee="{LONG}x"/>', flows("s u")), p(S, f'<userTask id="u" f:assignee="{LONG}"/>', flows("s u"))),
    ("bpmn.too-long", "u", p(S, f'<userTask id="u" f:candidateGroups="a, {LONG}x"/>', flows("s u")), p(S, f'<userTask id="u" f:candidateGroups="{LONG},{LONG[:200]}"/>', flows("s u"))),
    ("bpmn.too-long", "u", p(S, f'<userTask id="u" f:candidateUsers="{LONG}x"/>', flows("s u")), p(S, f'<userTask id="u" f:candidateUsers="{LONG}"/>', flows("s u"))),
    ("bpmn.too-long", "u", p(S, f'<userTask id="u" f:formKey="{LONG}x"/>', flows("s u")), p(S, f'<userTask id="u" f:formKey="{LONG}"/>', flows("s u"))),
    ("bpmn.too-long", "t", p(S, f'<serviceTask id="t" f:handler="{LONG}x"/>', flows("s t")), p(S, f'<serviceTask id="t" f:handler="{LONG}"/>', flows("s t"))),
    ("bpmn.too-long", "s", definitions(f'<message id="M" name="{LONG}x"/><process id="p">{STARTED}</process>'), definitions(f'<message id="M" name="{LONG}"/><process id="p">{STARTED}</process>')),
    # conditions and flows
    ("bpmn.condition", "g-b", p(S, SPLIT.format(""), flows("s g", "g a if x", "g b")), p(S, SPLIT.format('default="g-b"'), flows("s g", "g a if x", "g b"))),
    ("bpmn.condition-ignored", "g-b", p(S, SPLIT.format('default="g-b"'), flows("s g", "g a if x", "g b if y")), p(S, SPLIT.format('default="g-b"'), flows("s g", "g a if x", "g b"))),
    ("bpmn.condition-ignored", "g", p(S, '<parallelGateway id="g"/><task id="a"/><task id="b"/>', flows("s g", "g a if x", "g b")), p(S, '<parallelGateway id="g"/><task id="a"/><task id="b"/>', flows("s g", "g a", "g b"))),
    ("bpmn.condition-missing", "g-b", p(S, '<inclusiveGateway id="g"/><task id="a"/><task id="b"/>', flows("s g", "g a if x", "g b")), p(S, '<inclusiveGateway id="g"/><task id="a"/><task id="b"/>', flows("s g", "g a if x", "g b if y"))),
    ("bpmn.default-ignored", "g-a", p(S, '<parallelGateway id="g" default="g-a"/><task id="a"/><task id="b"/>', flows("s g", "g a", "g b")), p(S, '<parallelGateway id="g"/><task id="a"/><task id="b"/>', flows("s g", "g a", "g b"))),
    ("bpmn.constant-condition", "g-a", p(S, SPLIT.format('default="g-b"'), flows("s g", "g a if 1 > 2", "g b")), p(S, SPLIT.format('default="g-b"'), flows("s g", "g a if x > 2", "g b"))),
    ("bpmn.dead-flow", "g-a", p(S, SPLIT.format('default="g-b"'), flows("s g", "g a if False", "g b")), p(S, SPLIT.format('default="g-b"'), flows("s g", "g a if x", "g b"))),
    ("bpmn.dead-flow", "g-b", p(S, SPLIT.format(""), flows("s g", "g a if True", "g b if x")), p(S, SPLIT.format(""), flows("s g", "g a if y", "g b if x"))),
    ("bpmn.dead-flow", "t-b", p(S, '<userTask id="t" default="t-b"/><task id="a"/><task id="b"/>', flows("s t", "t a if ${true}", "t b")), p(S, '<userTask id="t" default="t-b"/><task id="a"/><task id="b"/>', flows("s t", "t a if x", "t b"))),
    # gateways
    ("bpmn.gateway-idle", "g", p(S, '<parallelGateway id="g"/>', U, flows("s g", "g u")), p(S, '<parallelGateway id="g"/>', U, E, flows("s g", "g u", "g e"))),
    ("bpmn.gateway-idle", "g", p(S, '<exclusiveGateway id="g"/>', flows("s g")), p(S, '<exclusiveGateway id="g"/>', U, '<userTask id="v"/>', flows("s g", "g u if x", "g v if y"))),
    ("bpmn.gateway-idle", "g", p(S, '<exclusiveGateway id="g"/>', U, flows("s g", "g u if x")), p(S, '<exclusiveGateway id="g" default="g-e"/>', U, E, flows("s g", "g u if x", "g e"))),
    ("bpmn.gateway-direction", "g", p(S, '<parallelGateway id="g" gatewayDirection="Converging"/><task id="a"/><task id="b"/>', flows("s g", "g a", "g b")), p(S, '<parallelGateway id="g" gatewayDirection="Diverging"/><task id="a"/><task id="b"/>', flows("s g", "g a", "g b"))),
    ("bpmn.activation", "g", p(S, '<parallelGateway id="f"/><complexGateway id="g"/><task id="a"/>', U, flows("s f", "f a", "f u", "a g", "u g", "g e"), E), p(S, '<parallelGateway id="f"/><complexGateway id="g"><activationCondition>activationCount > 1</activationCondition></complexGateway><task id="a"/>', U, flows("s f", "f a", "f u", "a g", "u g", "g e"), E)),
    # event-based gateways
    ("bpmn.event-gateway", "g-a", p(S, EVENTS, '<task id="a"/>', TO_EVENTS, flows("g a")), p(S, EVENTS, TO_EVENTS)),
    ("bpmn.event-gateway-outgoing", "g", p(S, EBG, catch("c", MESSAGE), flows("s g", "g c")), p(S, EVENTS, TO_EVENTS)),
    ("bpmn.event-gateway-condition", "g-c", p(S, EVENTS, flows("s g", "g c if x", "g d")), p(S, EVENTS, TO_EVENTS)),
    ("bpmn.event-gateway-target", "c", p(S, EVENTS, '<parallelGateway id="f"/>', flows("s f", "f g", "f c", "g c", "g d")), p(S, EVENTS, catch("c2", MESSAGE), '<parallelGateway id="f"/>', flows("s f", "f g", "f c2", "g c", "g d"))),
    ("bpmn.event-gateway-receive", "r", p(S, EVENTS, '<receiveTask id="r" messageRef="N"/>', TO_EVENTS, flows("g r")), p(S, EBG, catch("d", SIGNAL), '<receiveTask id="r" messageRef="N"/>', flows("s g", "g d", "g r"))),
    ("bpmn.event-gateway-receive", "r", p(S, EBG, catch("d", SIGNAL), '<receiveTask id="r" messageRef="N"/>', boundary("b", "r", timer("PT1H")), flows("s g", "g d", "g r")), p(S, EBG, catch("d", SIGNAL), catch("c", timer("PT1H")), '<receiveTask id="r" messageRef="N"/>', flows("s g", "g d", "g c", "g r"))),
    ("bpmn.event-gateway-parallel", "g", p(S, EVENTS.replace('id="g"', 'id="g" eventGatewayType="Parallel"', 1), TO_EVENTS), p(EVENTS.replace('id="g"', 'id="g" instantiate="true" eventGatewayType="Parallel"', 1), flows("g c", "g d"))),
    ("bpmn.event-gateway-instantiate", "g", p(S, EVENTS.replace('id="g"', 'id="g" instantiate="true"', 1), TO_EVENTS), p(EVENTS.replace('id="g"', 'id="g" instantiate="true"', 1), flows("g c", "g d"))),
    ("bpmn.event-gateway-instantiate", "g", p(S, sub("b", EVENTS.replace('id="g"', 'id="g" instantiate="true"', 1), flows("g c", "g d")), flows("s b")), p(S, sub("b", EVENTS, flows("g c", "g d")), flows("s b"))),
    # activities
    ("script", "t", p(S, '<scriptTask id="t"/>', flows("s t")), p(S, log("t"), flows("s t"))),
    ("bpmn.handler", "t", p(S, '<serviceTask id="t"/>', flows("s t")), p(S, '<serviceTask id="t" f:handler="h"/>', flows("s t"))),
    ("bpmn.message", "t", p(S, f'<receiveTask id="t">{MESSAGE.replace("M", "zz")}</receiveTask>', flows("s t")), p(S, '<receiveTask id="t" messageRef="M"/>', flows("s t"))),
    ("bpmn.message-missing", "t", p(S, '<sendTask id="t"/>', flows("s t")), p(S, '<sendTask id="t" messageRef="M"/>', flows("s t"))),
    ("bpmn.event-gateway-receive", "r", p(S, EBG, catch("d", SIGNAL), '<receiveTask id="r" messageRef="N"><standardLoopCharacteristics loopMaximum="2"/></receiveTask>', flows("s g", "g d", "g r")), p(S, EBG, catch("d", SIGNAL), '<receiveTask id="r" messageRef="N"/>', flows("s g", "g d", "g r"))),
    ("bpmn.receive-instantiate", "r", p('<receiveTask id="r" messageRef="M" instantiate="true"><standardLoopCharacteristics loopMaximum="2"/></receiveTask>'), p('<receiveTask id="r" messageRef="M" instantiate="true"/>')),
    ("bpmn.receive-instantiate", "r", p(S, '<receiveTask id="r" messageRef="M" instantiate="true"/>', flows("s r")), p('<receiveTask id="r" messageRef="M" instantiate="true"/>')),
    ("bpmn.receive-instantiate", "r", p('<receiveTask id="r" instantiate="true"/>'), p(S, '<receiveTask id="r"/>', flows("s r"))),
    ("bpmn.receive-instantiate", "r", p(S, sub("b", '<receiveTask id="r" messageRef="M" instantiate="true"/>'), flows("s b")), p(S, sub("b", '<receiveTask id="r" messageRef="M"/>'), flows("s b"))),
    # loops
    ("bpmn.cardinality", "t", multi("<loopCardinality>-1</loopCardinality>"), multi("<loopCardinality>n</loopCardinality>")),
    ("bpmn.cardinality", "t", multi("<loopCardinality>1.5</loopCardinality>"), multi("<loopCardinality>0</loopCardinality>")),
    ("bpmn.cardinality", "t", multi("<loopCardinality>'abc'</loopCardinality>"), multi(THREE)),
    ("bpmn.loop-behavior", "t", multi(THREE + COMPLEX.format("", SIGNAL), 'behavior="Complex"'), multi(THREE + COMPLEX.format("x", SIGNAL), 'behavior="Complex"')),
    ("bpmn.loop-behavior-idle", "t", multi(THREE, 'behavior="One"'), multi(THREE)),
    ("bpmn.loop-behavior-idle", "t", multi(THREE, 'behavior="Complex"'), multi(THREE + COMPLEX.format("x", SIGNAL), 'behavior="Complex"')),
    ("bpmn.loop-behavior-idle", "t", multi(THREE + COMPLEX.format("x", SIGNAL)), multi(THREE)),
    ("bpmn.loop-behavior-idle", "t", multi(THREE + COMPLEX.format("x", ""), 'behavior="Complex"'), multi(THREE + COMPLEX.format("x", SIGNAL), 'behavior="Complex"')),
    ("bpmn.loop-output", "t", multi(THREE + '<outputDataItem id="o"/>'), multi(THREE + '<loopDataOutputRef>os</loopDataOutputRef><outputDataItem id="o"/>')),
    # events
    ("bpmn.link", "t", p(S, throw("t", "<linkEventDefinition/>"), catch("c", "<linkEventDefinition/>"), U, flows("s t", "c u")), p(S, throw("t", '<linkEventDefinition name="L"/>'), catch("c", '<linkEventDefinition name="L"/>'), U, flows("s t", "c u"))),
    ("bpmn.link-unused", "c", p(S, catch("c", '<linkEventDefinition name="L"/>'), E, flows("s e")), p(S, throw("t", '<linkEventDefinition name="L"/>'), catch("c", '<linkEventDefinition name="L"/>'), flows("s t"))),
    ("bpmn.code", "e", p(S, end("e", error(None)), flows("s e")), p(S, end("e", error("E1")), flows("s e"))),
    ("bpmn.code", "t", p(S, throw("t", "<escalationEventDefinition/>"), E, flows("s t", "t e")), p(S, throw("t", '<escalationEventDefinition escalationRef="C1"/>'), E, flows("s t", "t e"))),
    ("bpmn.boundary-escalation", "c", p(S, U, boundary("c", "u", "<escalationEventDefinition/>"), flows("s u")), p(S, sub("b", '<startEvent id="bs"/>'), boundary("c", "b", "<escalationEventDefinition/>"), flows("s b"))),
    ("bpmn.performers", "u", p(S, '<userTask id="u"><humanPerformer name="a"/><performer name="b"/></userTask>', flows("s u")), p(S, '<userTask id="u"><humanPerformer name="a"/></userTask>', flows("s u"))),
    ("bpmn.twice", "t", p(S, '<scriptTask id="t"><script>a = 1</script><script>a = 2</script></scriptTask>', flows("s t")), p(S, '<scriptTask id="t"><script>a = 1</script></scriptTask>', flows("s t"))),
    ("bpmn.twice", "t", p(S, '<task id="t"><extensionElements/><extensionElements/></task>', flows("s t")), p(S, '<task id="t"><extensionElements/></task>', flows("s t"))),
    ("extension.ignored", "t", p(S, throw("t", '<signalEventDefinition signalRef="G" camunda:async="true"/>'), flows("s t")), p(S, f'<intermediateThrowEvent id="t" camunda:asyncAfter="true">{SIGNAL}</intermediateThrowEvent>', flows("s t"))),
    ("extension.ignored", "t", p(S, '<serviceTask id="t" f:handler="h" camunda:candidateGroups="g"/>', flows("s t")), p(S, '<manualTask id="t" camunda:candidateGroups="g"/>', flows("s t"))),
    ("extension.ignored", "t", call('calledElement="q"').replace(b'calledElement="q"/>', b'calledElement="q"><extensionElements><camunda:in businessKey="${x}"/></extensionElements></callActivity>'), call('calledElement="q"').replace(b'calledElement="q"/>', b'calledElement="q"><extensionElements><camunda:in businessKey="#{execution.processBusinessKey}"/></extensionElements></callActivity>')),
    ("bpmn.message-handled", "t", p(S, '<sendTask id="t" messageRef="M" camunda:type="external" camunda:topic="h"/>', flows("s t")), p(S, throw("t", '<messageEventDefinition camunda:type="external" camunda:topic="h"/>'), flows("s t"))),
    ("bpmn.triggers", "c", p(S, U, HANDLER, boundary("c", "u", UNDO + SIGNAL), '<association id="x" sourceRef="c" targetRef="k"/>', flows("s u")), compensated(boundary("d", "u", SIGNAL), flows("s u"))),
    ("bpmn.triggers", "c", p(S, throw("t", LINK), catch("c", LINK + SIGNAL), flows("s t")), p(S, throw("t", SIGNAL + LINK), catch("c", LINK), flows("s t"))),
    ("bpmn.triggers", "c", p(S, sub("b", '<startEvent id="bs"/>'), f'<boundaryEvent id="c" attachedToRef="b" parallelMultiple="true">{error(None) + SIGNAL}</boundaryEvent>', flows("s b")), p(S, sub("b", '<startEvent id="bs"/>'), boundary("c", "b", error(None) + SIGNAL), flows("s b"))),
    ("bpmn.cancel-uncaught", "be", p(S, CANCELLED, flows("s b")), p(S, CANCELLED, boundary("c", "b", "<cancelEventDefinition/>"), flows("s b"))),
    ("bpmn.start-twice", "v", p(*(f'<startEvent id="{one}">{MESSAGE}</startEvent>' for one in "uv")), p(f'<startEvent id="u">{MESSAGE}</startEvent><startEvent id="v">{SIGNAL}</startEvent>')),
    ("bpmn.parallel-multiple", "c", p(S, f'<intermediateCatchEvent id="c" parallelMultiple="true">{MESSAGE}</intermediateCatchEvent>', flows("s c")), p(S, f'<intermediateCatchEvent id="c" parallelMultiple="true">{MESSAGE}{SIGNAL}</intermediateCatchEvent>', flows("s c"))),
    ("bpmn.always-interrupts", "c", p(S, U, boundary("c", "u", error("E1"), False), flows("s u")), p(S, U, boundary("c", "u", error("E1")), flows("s u"))),
    ("bpmn.always-interrupts", "h-s", p(S, U, event_sub("h", error("E1"), False), flows("s u")), p(S, U, event_sub("h", error("E1"), True), flows("s u"))),
    ("bpmn.boundary", "c", p(S, U, event_sub("h", MESSAGE, True), boundary("c", "h", SIGNAL), flows("s u")), p(S, U, event_sub("h", MESSAGE, True), boundary("c", "u", SIGNAL), flows("s u"))),
    ("bpmn.boundary-idle", "c", p(S, log("t"), boundary("c", "t", MESSAGE), flows("s t")), p(S, log("t"), boundary("c", "t", error("E1")), flows("s t"))),
    # compensation
    ("bpmn.compensation-twice", "d", compensated(boundary("d", "u", UNDO), '<task id="k2" isForCompensation="true"/><association id="y" sourceRef="d" targetRef="k2"/>', flows("s u")), compensated(flows("s u"))),
    ("bpmn.compensation-unused", "k", p(S, U, HANDLER, flows("s u")), compensated(flows("s u"))),
    ("bpmn.compensation-nothing", "t", p(S, U, throw("t", '<compensateEventDefinition activityRef="u"/>'), flows("s u", "u t")), compensated(throw("t", '<compensateEventDefinition activityRef="u"/>'), flows("s u", "u t"))),
    # reachability
    ("bpmn.unreachable", "y", p(S, U, '<task id="x"/><task id="y"/>', flows("s u", "x y")), p(S, U, '<task id="x"/><task id="y"/>', flows("s u", "u x", "x y"))),
    ("bpmn.unreachable", "x", p(S, U, '<task id="x"/><task id="y"/>', flows("s u", "x y", "y x")), p(S, U, '<task id="x"/><task id="y"/>', flows("s u", "u x", "x y"))),
    ("bpmn.unreachable", "a", p(S, SPLIT.format('default="g-b"'), flows("s g", "g a if False", "g b")), p(S, SPLIT.format('default="g-b"'), flows("s g", "g a if x", "g b"))),
    # extensions
    ("extension.unsupported", "t", call('calledElement="q" camunda:variableMappingClass="X"'), call('calledElement="q" camunda:calledElementBinding="deployment"')),
    ("extension.unsupported", "t", call('calledElement="q" camunda:calledElementBinding="version" camunda:calledElementVersion="3"'), call('calledElement="q"')),
    ("extension.unsupported", "t", p(S, '<serviceTask id="t" camunda:type="mail"/>', flows("s t")), p(S, '<serviceTask id="t" camunda:type="external" camunda:topic="mail"/>', flows("s t"))),
    ("extension.unsupported", "t", p(S, extended('<camunda:errorEventDefinition errorRef="E1" expression="${x}"/>', "serviceTask", 'f:handler="h"'), flows("s t")), p(S, extended("<camunda:properties/>", "serviceTask", 'f:handler="h"'), flows("s t"))),
    ("extension.ignored", "t", p(S, extended('<camunda:formData><camunda:formField id="a"/></camunda:formData>'), flows("s t")), p(S, '<userTask id="t" camunda:formKey="k"/>', flows("s t"))),
    ("extension.ignored", "c", p(S, catch("c", '<conditionalEventDefinition camunda:variableName="x"><condition>x > 1</condition></conditionalEventDefinition>'), flows("s c")), p(S, catch("c", "<conditionalEventDefinition><condition>x > 1</condition></conditionalEventDefinition>"), flows("s c"))),
    ("extension.ignored", "t", p(S, '<userTask id="t" camunda:jobPriority="5"/>', flows("s t")), p(S, '<userTask id="t" camunda:asyncBefore="true" camunda:exclusive="true"/>', flows("s t"))),
    ("bpmn.correlation", "c", definitions(MESSAGE_ONLY, '<correlationProperty id="c"><correlationPropertyRetrievalExpression messageRef="M"/></correlationProperty>', f'<process id="p">{S}</process>'),
     definitions(MESSAGE_ONLY, f'<correlationProperty id="c">{RETRIEVAL}</correlationProperty>', f'<process id="p">{S}</process>')),
    ("bpmn.data", "t", p(DATA, S, throw("t", f"{FILLED.replace('<sourceRef>o</sourceRef>', '')}{MESSAGE}"), flows("s t")), p(DATA, S, throw("t", FILLED + MESSAGE), flows("s t"))),
    ("extension.retry", "t", p(S, '<serviceTask id="t" f:handler="h" f:retry="often"/>', flows("s t")), p(S, '<serviceTask id="t" f:handler="h" f:retry="R5/PT10M"/>', flows("s t"))),
    ("extension.unknown", "t", p(S, '<userTask id="t" f:asignee="me"/>', flows("s t")), p(S, '<userTask id="t" f:assignee="me"/>', flows("s t"))),
    ("extension.unknown", "t", p(S, extended("<zeebe:nothing/>"), flows("s t")), p(S, extended('<zeebe:assignmentDefinition assignee="me"/><x:nothing xmlns:x="urn:x" a="b"/>'), flows("s t"))),
]  # fmt: skip
ELSEWHERE = {  # tested one by one in test_refused, test_decisions and beside the languages
    "bpmn.ad-hoc", "bpmn.call", "bpmn.cancel", "bpmn.compensation", "bpmn.default-flow", "bpmn.duplicate-id", "bpmn.end", "bpmn.event",
    "bpmn.event-subprocess", "bpmn.flow", "bpmn.loop", "bpmn.missing-id", "bpmn.multi-instance", "bpmn.nesting", "bpmn.no-process", "bpmn.quantity",
    "bpmn.root", "bpmn.start", "bpmn.timer", "expression", "expression.language", "script.language",
}  # fmt: skip


def found(xml: bytes) -> list[Problem]:
    """Every problem, also of what is deployed."""
    try:
        return list(Bench(xml).model.warnings)
    except DeploymentRejected as exc:
        return list(exc.problems)


@pytest.mark.parametrize(("rule", "element", "wrong", "right"), CASES)
def test_rule(rule: str, element: str | None, wrong: bytes, right: bytes) -> None:
    of_rule = [one for one in found(wrong) if one.rule == rule]
    assert [one.element_id for one in of_rule if one.element_id == element]
    assert {(one.severity, bool(one.advice), bool(one.line)) for one in of_rule} == {(RULES[rule].severity, True, True)}
    assert found(right) == []


def test_a_process_that_is_not_executed_is_not_judged() -> None:
    assert (
        found(
            definitions(
                f'<process id="p">{S}</process><process id="q" isExecutable="false"><task id="a b" camunda:caseRef="x"><foo/></task></process>'
            )
        )
        == []
    )


def test_inside_of_an_unreachable_subprocess_only_the_subprocess_is_named() -> None:
    xml = p(S, U, sub("b", '<startEvent id="bs"/><userTask id="bu"/>', flows("bs bu")), '<task id="y"/>', flows("s u", "b y"))
    assert [(one.rule, one.element_id) for one in found(xml)] == [("bpmn.unreachable", "b"), ("bpmn.unreachable", "y")]


def test_boundary_events_handlers_and_event_subprocesses_are_reached() -> None:
    xml = compensated(boundary("d", "u", SIGNAL), '<userTask id="v"/>', event_sub("h", MESSAGE, False), flows("s u", "d v"))
    assert found(xml) == []


def test_references_into_imported_files_are_left_alone() -> None:
    task = f'<serviceTask id="t" operationRef="w:zz" f:handler="h" xmlns:w="urn:w"/>{flows("s t")}'
    bound = '<import importType="http://schemas.xmlsoap.org/wsdl/" location="w.wsdl" namespace="urn:w"/>'
    assert [one.rule for one in found(definitions(f'<process id="p">{S}{task}</process>'))] == ["bpmn.reference"]
    assert found(definitions(bound, f'<process id="p">{S}{task}</process>')) == []


# --- the register -------------------------------------------------------------------------------------------------------
def test_every_rule_has_its_case() -> None:
    ours = {rule for rule in RULES if not rule.startswith(("xml.", "dmn."))}
    assert ours - {case[0] for case in CASES} == ELSEWHERE


def test_whatever_is_reported_is_in_the_register() -> None:
    said = re.compile(r'"((?:bpmn|xml|dmn|script|expression|extension)\.[a-z-]+)"')
    folder = Path(engine.__file__).parent
    used = {rule for name in ("bpmn", "dmn") for file in (folder / name).rglob("*.py") for rule in said.findall(file.read_text("utf-8"))}
    assert used - set(RULES) == set()


def test_words() -> None:
    for rule in RULES.values():
        assert rule.wrong[0].isupper()
        assert not rule.wrong.endswith(".")
        assert rule.advice.endswith(".")
        assert rule.severity in ("error", "warning")


def test_the_page_lists_every_rule() -> None:
    assert (Path(engine.__file__).parent.parent / "docs" / "rules.md").read_text("utf-8") == page(), (
        "python -m engine.bpmn.validation.page > docs/rules.md"
    )
