"""What BPMN defines and the schema allows, but is not executed here: refused where the process would do something else, a warning where it only says less."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.diagram import Node
from engine.bpmn.validation.containers import EVENT_SUBPROCESS
from engine.bpmn.validation.document import Document
from engine.bpmn.validation.reading import UNSUPPORTED
from engine.bpmn.validation.references import ROLES
from engine.bpmn.validation.rule import Finding, Findings, Place, checks, declare
from engine.bpmn.xml_source import Xml, flag, local

NO_EFFECT = declare(
    "bpmn.no-effect",
    "15.3",
    "Something that BPMN defines has no effect here",
    "Say it in the way that the message names, or remove it.",
    warning=True,
)
COMPENSATES = ("", "##compensate", "compensate")
WORK_OF_PEOPLE = ("userTask", "manualTask", "receiveTask", "globalUserTask", "globalManualTask")
SILENT = {
    "resourceParameterBinding": "parameters of a resource are not looked at; a role names groups or people",
    "rendering": "a rendering is not shown; a user task names its form by flowledger:formKey",
    "ioBinding": "operations of a process are not offered to others; it is called, or reached by messages",
    "supportedInterfaceRef": "operations of a process are not offered to others; it is called, or reached by messages",
}


@checks(UNSUPPORTED, "file")
def transactions_compensate(document: Document, _: Xml) -> Findings:
    """Table 10.22: ##Image and ##Store would restore data, any other value is a protocol between systems."""
    for one in document.of("transaction"):
        if (one.get("method") or "").strip().lower() not in COMPENSATES:
            yield Finding(
                one, f"a transaction of the method {one.get('method')!r} is not executed", "let it be ##Compensate: handlers undo what was done"
            )


@checks(UNSUPPORTED, "file")
def no_extension_must_be_understood(document: Document, _: Xml) -> Findings:
    """Section 8.2.3: who does not understand such an extension must not execute the file."""
    for one in document.of("extension"):
        if flag(one, "mustUnderstand", False):
            yield Finding(
                one, f"the extension {one.get('definition')} must be understood, and is not", "set mustUnderstand to false, if it is not needed"
            )


@checks(EVENT_SUBPROCESS, "subProcess", "transaction", "adHocSubProcess")
def event_subprocesses_are_not_entered(_: Place, node: Node) -> Findings:
    """What says how a token comes in or goes on says nothing of a subprocess that its start event begins."""
    if node.inner is None or not node.inner.triggered_by_event:
        return
    said = {
        "a loop": node.loop is not None,
        "a start quantity": node.start_quantity > 1,
        "a completion quantity": node.completion_quantity > 1,
        "a mark for compensation": node.for_compensation,
    }
    for what, is_there in said.items():
        if is_there:
            yield Finding(node, f"an event subprocess cannot have {what}", "put an activity that has it into the event subprocess")
    if node.type != "subProcess":
        yield Finding(node, f"an event subprocess cannot be a {node.type}", "put the transaction into the event subprocess")


@checks(NO_EFFECT, "file")
def nothing_is_without_effect(document: Document, _: Xml) -> Findings:
    for one in document.of(*SILENT):
        yield Finding(one, f"{local(one)} has no effect: {SILENT[local(one)]}")
    yield from _idle_roles(document)
    for one in document.of("dataStore"):
        if one.get("capacity"):
            yield Finding(one, "capacity has no effect: a data store holds one value")
    for one in document.of("sequenceFlow"):
        if not flag(one, "isImmediate", True):  # table 8.60 forbids it, Trisotech writes it
            yield Finding(one, "isImmediate is false, which has no effect: a token passes at once")


def _idle_roles(document: Document) -> Iterator[Finding]:
    for one in document.of(*ROLES):
        holder = one.getparent()
        if local(holder) not in WORK_OF_PEOPLE:
            yield Finding(one, f"{local(one)} has no effect: {local(holder)} is no work of a person")
        elif local(one) == "resourceRole":
            yield Finding(one, "resourceRole has no effect: who may do the work says a potentialOwner, who does it a humanPerformer")
