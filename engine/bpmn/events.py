"""Events in the flow and at the boundary (BPMN 2.0.2 section 10.5): start, catch, boundary, throw, end; and send tasks, which throw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs import defaults

from engine.bpmn import correlation, payload
from engine.bpmn.activities import JobTask
from engine.bpmn.diagram import Definition, Flow
from engine.bpmn.event_hub import Thrown
from engine.bpmn.flow_node import FlowNode
from engine.bpmn.job_work import JobWork
from engine.bpmn.subscription import BOUNDARY, CATCH, Subscription
from engine.bpmn.token import ENTER, LEAVE, Token
from engine.model.events import MessageSent, SignalSent

if TYPE_CHECKING:
    from engine.bpmn.scope import Scope
    from engine.model.events import Event
    from engine.model.values import Json

    Prepared = tuple[Definition, dict[str, Json], Event | None]


class CatchEvent(FlowNode, defaults.IntermediateCatchEvent):
    """Waits for its event; without a definition, or as target of a link, it lets the token pass."""

    def __init__(self, process: Any, node: Any, name: str | None = None, **stock: Any) -> None:
        super().__init__(process, node, name, event_definition=None, **stock)
        self.listens = any(d.kind == "signal" for d in node.definitions)

    def _run_hook(self, my_task: Token) -> bool | None:
        definitions = self.node.definitions
        if not definitions or definitions[0].kind == "link":
            return True
        my_task.workflow.top_workflow.event_manager.await_events(CATCH, self, my_task.workflow, my_task, my_task.scope)
        return None

    def repeats(self, subscription: Subscription) -> bool:
        """A cycle sends a token for every firing; the waiting token itself leaves with the last."""
        return subscription.role == CATCH

    def fired(self, subscription: Subscription) -> None:
        top = subscription.workflow.top_workflow
        token = top.tokens[subscription.owner]
        if subscription.kind == "timer" and subscription.schedule is not None:
            self.arrive(subscription.workflow, fired=True)
        else:
            self._withdraw_rivals(token)
            top.event_manager.close_all(token)
            payload.note(token)
            token.resume(LEAVE)

    def _withdraw_rivals(self, token: Token) -> None:
        """Nothing competes with an event inside the flow."""


class StartEvent(CatchEvent):
    """In a process started plainly that has event starts only, the first of them that happens begins it."""

    def repeats(self, subscription: Subscription) -> bool:
        return False

    def _withdraw_rivals(self, token: Token) -> None:
        for other in list(token.workflow.tasks.values()):
            if other is not token and isinstance(other.task_spec, StartEvent):
                other.cancel()


class BoundaryEvent(FlowNode, defaults.BoundaryEvent):
    """Attached to an activity; the token begins here when the event happens (section 13.5.3)."""

    def __init__(self, process: Any, node: Any, name: str | None = None, **stock: Any) -> None:
        super().__init__(process, node, name, event_definition=None, cancel_activity=node.interrupting, **stock)

    @property
    def interrupting(self) -> bool:
        """An error or cancel always interrupts."""
        return self.node.interrupting or any(d.kind in ("error", "cancel") for d in self.node.definitions)

    def repeats(self, subscription: Subscription) -> bool:
        return not self.interrupting

    def fired(self, subscription: Subscription) -> None:
        self.caught(subscription.workflow, subscription.workflow.top_workflow.tokens[subscription.owner], None)

    def caught(self, workflow: Any, host: Token, start: str | None, *, interrupting: bool | None = None) -> None:
        """Begin here; `host` is the activity's token. A compensation whose handler ends so goes on with the next one."""
        ends = self.interrupting if interrupting is None else interrupting
        if ends:
            host.cancel()
        self.arrive(workflow, fired=True)
        if ends:
            _go_on_compensating(host)


class Throwing(FlowNode):
    """`prepared`: what the event throws, evaluated while it can still fail."""

    def prepare(self, token: Token) -> list[Prepared]:
        carries = ("message", "signal", "error", "escalation")
        thrown = (one for one in self.node.definitions if one.kind != "message" or self.node.topic is None)
        contents = ((one, payload.content(token, one) if one.kind in carries else {}) for one in thrown)
        return [(one, content, self._outward(token, one, content)) for one, content in contents]

    def _outward(self, token: Token, definition: Definition, content: dict[str, Json]) -> Event | None:
        if definition.kind not in ("message", "signal"):
            return None
        token.workflow.top_workflow.event_manager.sends()
        name = token.workflow.script_engine.event_name(token.scope, definition)
        if definition.kind == "signal":
            return SignalSent(token.id, token.element, name, content)
        return MessageSent(token.id, token.element, name, content, correlation.sent(token, definition, content))

    def throw(self, token: Token, prepared: list[Prepared]) -> None:
        """Throw everything, in document order; stop when the instance or the token's scope is gone."""
        top = token.workflow.top_workflow
        for definition, content, outward in prepared:
            if top.ended is not None or token.workflow.completed:
                return
            if outward is not None:
                top.tell(outward)
                if isinstance(outward, SignalSent):
                    top.event_manager.signal(outward.name, outward.payload)
                elif isinstance(outward, MessageSent):
                    correlation.learn(token.workflow, token, definition, outward.payload)
            elif definition.kind == "error":
                top.event_manager.throw_error(token, definition.code, content, reference=definition.name)
            elif definition.kind == "escalation":
                top.event_manager.propagate(token, Thrown("escalation", definition.code, definition.name), content)
            elif definition.kind == "terminate":
                token.workflow.cancel_tokens(keep=token)

    def needs_compensation(self) -> list[Definition]:
        return [d for d in self.node.definitions if d.kind in ("compensate", "cancel")]


class Occurring(Throwing, JobWork):
    """An event of its own: it completes first, then throws, so that what it ends does not count it as withdrawn (section 13.5.6).

    With a handler its message is the work of a job, and the event does the rest when that is done.
    """

    after_job = ENTER

    def _run_hook(self, my_task: Token) -> bool | None:
        if self.node.topic is not None and "handled" not in my_task.memory:
            message = next(one for one in self.node.definitions if one.kind == "message")
            self.offer_job(my_task, payload.content(my_task, message))
            return None
        definitions = self.needs_compensation()
        compensation = my_task.workflow.top_workflow.compensation
        awaited = [one for one in definitions if one.kind == "cancel" or one.waits]
        nothing_to_do = not awaited or compensation.begin(my_task, awaited)
        for definition in definitions:
            if definition not in awaited:
                compensation.begin_apart(my_task, definition)
        return nothing_to_do or None

    def finish_work(self, token: Token, variables: Mapping[str, Any]) -> None:
        super().finish_work(token, variables)
        token.memory["handled"] = True

    def before_leaving(self, token: Token) -> None:
        super().before_leaving(token)
        token.memory["prepared"] = self.prepare(token)

    def completed(self, token: Token) -> None:
        workflow = token.workflow
        interrupted = workflow.interrupted
        self.throw(token, token.memory.pop("prepared"))
        if workflow.completed or workflow.interrupted != interrupted or workflow.top_workflow.ended is not None:
            token.chosen = []  # what was thrown has ended the way from here


class ThrowEvent(Occurring, defaults.IntermediateThrowEvent):
    """Throws, then goes on (if what it threw did not end its scope)."""

    def __init__(self, process: Any, node: Any, name: str | None = None, **stock: Any) -> None:
        super().__init__(process, node, name, event_definition=None, **stock)


class SendTask(Throwing, JobTask):
    """Sends its message; with a topic it is a job, whose handler sends."""

    waits = False

    def work(self, token: Token) -> bool | None:
        if self.node.topic is not None or not self.node.definitions:
            return super().work(token)
        self.throw(token, self.prepare(token))
        return True


class EndEvent(Occurring, defaults.EndEvent):
    """Throws what it has to throw; a cancel end event leaves its transaction when everything is compensated."""

    def __init__(self, process: Any, node: Any, name: str | None = None, **stock: Any) -> None:
        super().__init__(process, node, name, event_definition=None, **stock)

    def _run_hook(self, my_task: Token) -> bool | None:
        if any(d.kind == "cancel" for d in self.node.definitions):
            self._stop_transaction(my_task)
        return super()._run_hook(my_task)

    def choose(self, token: Token) -> list[Flow]:
        return []

    def completed(self, token: Token) -> None:
        super().completed(token)
        if any(d.kind == "cancel" for d in self.node.definitions):
            self._leave_transaction(token)

    def _stop_transaction(self, token: Token) -> None:
        """Withdraw what is active in the transaction, except the way that leads here."""
        for scope, way in self.process.way_to_transaction(token):
            scope.cancel_tokens(keep=way)

    def _leave_transaction(self, token: Token) -> None:
        """Over the cancel boundary event; a transaction without one just ends (section 13.5.2)."""
        *_, (scope, _way) = self.process.way_to_transaction(token)
        host = scope.holder
        boundary = next((b for b in host.task_spec.boundaries if any(d.kind == "cancel" for d in b.node.definitions)), None)
        if boundary is None and host.body is not None:
            host = host.workflow.top_workflow.tokens[host.body]
            boundary = next((b for b in host.task_spec.boundaries if any(d.kind == "cancel" for d in b.node.definitions)), None)
        if boundary is not None:
            boundary.caught(host.workflow, host, None)
        else:
            host.cancel()
            _go_on_compensating(host)


def _go_on_compensating(handler: Token) -> None:
    """If the activity that was withdrawn undid something: it is over, the next handler follows."""
    driver = handler.workflow.top_workflow.tokens.get(handler.driver)
    if driver is not None:
        driver.task_spec.step_done(driver)


def throw_behaviour(spec: FlowNode, token: Token, definition: Definition, scope: Scope) -> None:
    """The event that a multi-instance activity throws when an instance of it ends (sections 10.3.9 and 13.3.7, table 10.30).

    First the activity's own boundary events for just this event get it. A signal then reaches everybody else, too; a message, escalation or error
    goes outwards only when no such boundary event is there.
    """
    top = token.workflow.top_workflow
    hub, engine = top.event_manager, top.script_engine
    if definition.kind in ("message", "signal"):
        hub.sends()
    own = [b for b in spec.boundaries if isinstance(b, BoundaryEvent) and any(d.same(definition) for d in b.node.definitions)]
    spared = [key for key in token.subscriptions if hub.subscriptions[key].spec in own]
    for boundary in own:
        boundary.caught(token.workflow, token, None, interrupting=False)
    content = (scope.flat() if definition.everything else {}) | engine.parameters(scope, definition.content)
    if definition.kind == "signal":
        outward = SignalSent(token.id, token.element, engine.event_name(scope, definition), content)
        top.tell(outward)
        hub.signal(outward.name, content, spared)
    elif own:
        return
    elif definition.kind == "message":
        name = engine.event_name(scope, definition)
        top.tell(MessageSent(token.id, token.element, name, content, correlation.sent(token, definition, content)))
        correlation.learn(token.workflow, token, definition, content)
    elif definition.kind == "escalation":
        hub.propagate(token, Thrown("escalation", definition.code, definition.name), content)
    elif definition.kind == "error":
        hub.throw_error(token, definition.code, content, reference=definition.name)


__all__ = ["BOUNDARY", "BoundaryEvent", "CatchEvent", "EndEvent", "SendTask", "StartEvent", "ThrowEvent", "throw_behaviour"]
