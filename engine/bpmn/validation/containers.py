"""Processes and the insides of subprocesses: how they begin, and what kinds of subprocesses may hold (BPMN 2.0.2 sections 10.3.5, 10.5.2, 13.3.5)."""

from __future__ import annotations

from engine.bpmn.diagram import Container, Node
from engine.bpmn.validation.rule import Finding, Findings, Place, checks, declare

START = declare("bpmn.start", "10.5.2", "The start event is missing or not valid", "A process needs a start event; a subprocess a plain one.")
EVENT_SUBPROCESS = declare(
    "bpmn.event-subprocess",
    "10.3.5",
    "The event subprocess is not valid",
    "It needs exactly one start event with a trigger and no flow of its own.",
)
AD_HOC = declare("bpmn.ad-hoc", "10.3.5", "The ad-hoc subprocess holds what it may not hold", "Remove its start and end events.")


@checks(START, "container")
def something_begins(_: Place, container: Container) -> Findings:
    if not container.starts():
        yield Finding(container, "there is no start event", "add a start event")


@checks(START, "startEvent")
def nothing_leads_into_a_start_event(_: Place, node: Node) -> Findings:
    if node.incoming:
        yield Finding(node, "a sequence flow leads into a start event", "remove the flow, or lead it to the element behind the start event")


@checks(START, "startEvent")
def embedded_subprocesses_begin_plainly(place: Place, node: Node) -> Findings:
    container = place.container
    if container.holder is not None and not container.triggered_by_event and node.definitions:
        yield Finding(node, "the start event of an embedded subprocess has no trigger", "use an event subprocess")


@checks(START, "startEvent")
def event_subprocesses_begin_by_a_trigger(place: Place, node: Node) -> Findings:
    if place.container.triggered_by_event and not node.definitions:
        yield Finding(node, "the start event of an event subprocess needs a trigger", "choose a message, timer, error ...")


@checks(EVENT_SUBPROCESS, "container")
def event_subprocesses_have_one_start(_: Place, container: Container) -> Findings:
    if container.triggered_by_event and sum(node.type == "startEvent" for node in container.nodes.values()) != 1:
        yield Finding(
            container, "an event subprocess has exactly one start event", "keep one start event; draw one event subprocess for each trigger"
        )


@checks(EVENT_SUBPROCESS, "subProcess")
def event_subprocesses_have_no_flows(_: Place, node: Node) -> Findings:
    if node.inner is not None and node.inner.triggered_by_event and (node.incoming or node.outgoing):
        yield Finding(node, "an event subprocess has no sequence flows", "remove its flows: its start event begins it")


@checks(AD_HOC, "container")
def ad_hoc_subprocesses_have_no_starts_and_ends(_: Place, container: Container) -> Findings:
    for node in container.nodes.values() if container.ad_hoc is not None else ():
        if node.type in ("startEvent", "endEvent"):
            yield Finding(node, "an ad-hoc subprocess has no start or end events", "remove it")
