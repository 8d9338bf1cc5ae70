"""Tasks and call activities: whether they have something to do (BPMN 2.0.2 sections 10.3.3, 10.3.6)."""

from __future__ import annotations

from engine.bpmn.diagram import Node
from engine.bpmn.validation.rule import Finding, Findings, Place, checks, declare

SCRIPT = declare("script", "10.3.3", "The script is missing or not valid", "Write the script, or use another kind of task.")
HANDLER = declare("bpmn.handler", "10.3.3", "The service task has no known type", "Choose a service task that a pack provides.", warning=True)
MESSAGE = declare("bpmn.message", "10.3.3", "The message is not complete", "Choose or define a message.")
SENDS_NOTHING = declare("bpmn.message-missing", "10.3.3", "The send task sends no message", "Choose a message, or set a handler.", warning=True)
HANDLER_SENDS = declare(
    "bpmn.message-handled", "10.3.3", "A handler is set, so the engine does not send the message", "Remove the handler, or let it send the message.",
    warning=True,
)  # fmt: skip
DECISION = declare("dmn.reference", "10.3.3", "Something that the decision refers to does not exist", "Define it in the same file.")
CALL = declare("bpmn.call", "10.3.6", "The called process cannot be found", "Deploy the called process first, or correct its id.")
INSTANTIATE = declare(
    "bpmn.receive-instantiate", "10.3.3", "The receive task cannot begin the process",
    "It needs a message and stands at the beginning of a process; otherwise remove its instantiate mark.",
)  # fmt: skip


@checks(SCRIPT, "scriptTask")
def script_tasks_have_a_script(_: Place, node: Node) -> Findings:
    if not node.script:
        yield Finding(node, "the script task has no script", "write a script or use another task")


@checks(SCRIPT, "node")
def scripts_are_accepted(place: Place, node: Node) -> Findings:
    for script in (None if node.result_variable else node.script, node.pre_script, node.post_script):
        if script and (found := place.refusal(script, "script")):
            yield Finding(node, f"the script is refused: {found}", "correct the script")


@checks(HANDLER, "serviceTask", "businessRuleTask")
def work_has_a_handler(_: Place, node: Node) -> Findings:
    if node.type == "serviceTask" and node.topic is None:
        yield Finding(node, "the service task has no handler; it completes at once", "set its handler")
    if node.type == "businessRuleTask" and node.decision is None and node.topic is None:
        yield Finding(node, "the business-rule task has neither decision nor handler; it completes at once", "choose a decision")


@checks(SENDS_NOTHING, "sendTask")
def send_tasks_send_something(_: Place, node: Node) -> Findings:
    if node.topic is None and not node.definitions:
        yield Finding(node, "the send task sends no message; it completes at once", "choose a message")


@checks(HANDLER_SENDS, "sendTask", "intermediateThrowEvent", "endEvent")
def either_the_handler_or_the_engine_sends(_: Place, node: Node) -> Findings:
    for one in node.definitions:
        if node.topic is not None and one.kind == "message" and one.name:
            yield Finding(node, f"the handler does the work of this element; the message {one.name!r} is sent only if the handler does it")


@checks(MESSAGE, "sendTask", "receiveTask")
def messages_have_a_name(_: Place, node: Node) -> Findings:
    if any(not one.name for one in node.definitions):
        yield Finding(node, "the task names no message", "choose a message")


@checks(INSTANTIATE, "receiveTask")
def instantiating_receive_tasks_begin_a_process(place: Place, node: Node) -> Findings:
    """Section 10.3.3: without incoming flows, or behind a start event only."""
    if not node.instantiate:
        return
    if not node.definitions:
        yield Finding(node, "the receive task that begins the process names no message", "choose the message that begins it")
    if place.container.holder is not None:
        yield Finding(node, "an instantiating receive task stands inside a subprocess", "remove its instantiate mark")
    if node.incoming:
        yield Finding(node, "a sequence flow leads into an instantiating receive task", "remove the flow, or the instantiate mark")
    if node.loop is not None:
        yield Finding(node, "an instantiating receive task is a loop or multi-instance", "receive the other messages in a second receive task")


@checks(DECISION, "businessRuleTask")
def decisions_are_deployed(place: Place, node: Node) -> Findings:
    literal = node.decision.literal if node.decision is not None else None
    if literal is not None and literal not in place.decisions:
        yield Finding(
            node,
            f"there is no decision {literal!r} in the deployment",
            "deploy its .dmn file with it; decisions of other deployments are not looked up",
        )


@checks(CALL, "callActivity")
def called_processes_exist(place: Place, node: Node) -> Findings:
    if node.called is None:
        yield Finding(node, "the call activity calls nothing", "choose the called process")
    elif node.called.literal is not None and not place.offers(node.called.literal):
        yield Finding(node, f"there is no process {node.called.literal!r} to call", "deploy it together with this one, or before")
