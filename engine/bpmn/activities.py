"""Tasks (BPMN 2.0.2 sections 10.3 and 13.3): boundary events around them, inputs and outputs, and the work of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.util.task import TaskState

from engine.bpmn import data_stores, payload
from engine.bpmn.computed import names, optional, whole
from engine.bpmn.decision_results import shaped
from engine.bpmn.diagram import Flow
from engine.bpmn.failure import ElementFailure
from engine.bpmn.flow_node import FlowNode
from engine.bpmn.job_work import JobWork
from engine.bpmn.scope import Scope, clean
from engine.bpmn.subscription import BOUNDARY, CATCH, Subscription
from engine.bpmn.token import LEAVE, WAIT, Token
from engine.errors import Conflict
from engine.model.events import DecisionTaken, UserTaskCancelled, UserTaskCompleted, UserTaskCreated
from engine.model.schedule import first
from engine.model.values import iso

if TYPE_CHECKING:
    from datetime import datetime


class Activity(FlowNode):
    """`waits`: it can stay open, so its boundary events that wait for something are armed."""

    is_activity = True
    waits = False

    def arrive(self, workflow: Any, flow: Flow | None = None, *, fired: bool = False) -> None:
        """With a start quantity, that many tokens make one activation (section 13.3.2)."""
        wanted = self.node.start_quantity
        if wanted <= 1 or flow is None:
            super().arrive(workflow, flow, fired=fired)
            return
        leads = workflow.joins.setdefault(self.name, [])
        if not leads:
            lead = Token(workflow, self, flow)
            lead.memory["arrived"] = 1
            lead._set_state(TaskState.WAITING)
            leads.append(lead)
            return
        leads[0].memory["arrived"] += 1
        if leads[0].memory["arrived"] == wanted:
            leads.pop()._ready()

    def _run_hook(self, my_task: Token) -> bool | None:
        self.arm(my_task)
        self.take_inputs(my_task)
        if self.node.pre_script and not my_task.memory.get("prepared"):
            my_task.workflow.script_engine.execute(my_task, self.node.pre_script)
            my_task.memory["prepared"] = True
        return self.work(my_task)

    def work(self, token: Token) -> bool | None:
        """The activity itself. True: done; None: it stays open."""
        return True

    def _update_hook(self, my_task: Token) -> bool:
        """Boundary events that wait for a plain signal are armed on arrival: another branch may throw it in the same step."""
        if self.node.async_before and my_task.body is None:
            return True
        self._arm(my_task, [b for b in self.boundaries if all(d.plain_signal for d in b.node.definitions)])
        return True

    def arm(self, token: Token) -> None:
        """Open the subscriptions of the boundary events."""
        if not token.armed:
            self._arm(token, self.boundaries)
            token.armed = True

    def _arm(self, token: Token, boundaries: list[FlowNode]) -> None:
        if not boundaries or not self.waits:
            return
        hub = token.workflow.top_workflow.event_manager
        already = {hub.subscriptions[key].spec.name for key in token.subscriptions}  # also after a retry
        for boundary in boundaries:
            if boundary.name not in already:
                hub.await_events(BOUNDARY, boundary, token.workflow, token, token.scope)

    def take_inputs(self, token: Token) -> None:
        """Input parameters and properties are variables of the activity alone."""
        node = self.node
        own = (*node.properties, *node.own_outputs)
        if not (node.inputs or node.copied_in or node.stores_in or own):
            return
        values = data_stores.read_in(token)
        values |= {inside: token.scope[name] for name, inside in node.copied_in if name in token.scope}
        visible = Scope(token.id, token.scope, token.workflow.top_workflow.tell, dict(values)) if node.stores_in else token.scope
        values |= token.workflow.script_engine.parameters(visible, node.inputs)
        if token.local is None:
            token.local = Scope(token.id, token.workflow.scope, token.workflow.top_workflow.tell)
        for name in own:
            if name not in token.local.vars:
                token.local.declare(name, None)
        for name, value in values.items():
            token.local.declare(name, value)

    def before_leaving(self, token: Token) -> None:
        node = self.node
        engine = token.workflow.script_engine
        if node.post_script:
            engine.execute(token, node.post_script)
        if node.outputs or node.copied_out:
            outer = token.scope if token.local is None or token.body is not None else token.workflow.scope
            given = ((name, token.scope.get(inside)) for inside, name in node.copied_out)
            values = {name: value for name, value in given if value is not None}  # an output that was never written copies nothing
            outer.assign_all(values | engine.parameters(token.scope, node.outputs, outer))
        if node.stores_out or node.store_outputs:
            data_stores.write_out(token, token.scope)

    def completed(self, token: Token) -> None:
        token.workflow.top_workflow.compensation.note(token)

    def release(self, token: Token) -> None:
        super().release(token)
        leads = token.workflow.joins.get(self.name)
        if leads and token in leads:
            leads.remove(token)


class PlainTask(Activity, defaults.NoneTask):
    """An abstract task: nothing to do (section 13.3.3)."""


class ScriptTask(Activity, defaults.ScriptTask):
    def __init__(self, process: Any, node: Any, name: str | None = None, **stock: Any) -> None:
        super().__init__(process, node, name, script=node.script, **stock)

    def work(self, token: Token) -> bool:
        engine = token.workflow.script_engine
        if self.node.result_variable:  # Camunda's notation: the script is one expression
            token.scope.assign(self.node.result_variable, engine.evaluate(token, self.script))
        else:
            engine.execute(token, self.script)
        return True


class PersonTask(Activity):
    """Waits for a person: user tasks, manual tasks, and whatever else has no trigger of its own."""

    waits = True

    def work(self, token: Token) -> None:
        engine, scope, wanted = token.workflow.script_engine, token.scope, self.node.assignment
        assignee = engine.fill(scope, wanted.assignee)
        priority = engine.fill(scope, wanted.priority)
        form_key = engine.fill(scope, wanted.form_key)
        created = UserTaskCreated(
            token.id,
            token.element,
            self.node.name,
            optional(assignee, "the assignee"),
            names([engine.fill(scope, one) for one in wanted.groups], "the candidate group"),
            names([engine.fill(scope, one) for one in wanted.users], "the candidate user"),
            names([engine.fill(scope, one) for one in wanted.excludes], "the excluded element"),
            optional(form_key, "the form key"),
            moment_text(engine.fill(scope, wanted.due), token.workflow.top_workflow.now),
            moment_text(engine.fill(scope, wanted.follow_up), token.workflow.top_workflow.now),
            50 if priority is None else whole(priority),
        )
        token.workflow.top_workflow.tell(created)
        token.memory["offered"] = True

    def finish_work(self, token: Token, variables: Mapping[str, Any]) -> None:
        """The person is done."""
        token.scope.assign_all(variables)
        del token.memory["offered"]
        token.workflow.top_workflow.tell(UserTaskCompleted(token.id))
        token.resume(LEAVE)

    def release(self, token: Token) -> None:
        if token.memory.pop("offered", None):
            token.workflow.top_workflow.tell(UserTaskCancelled(token.id))
        super().release(token)


class UserTask(PersonTask, defaults.UserTask):
    pass


class ManualTask(PersonTask, defaults.ManualTask):
    pass


class JobTask(JobWork, Activity):
    """Work of a handler outside the interpreter: a job (service task; send and business-rule task with a topic)."""

    waits = True

    def work(self, token: Token) -> bool | None:
        node = self.node
        if node.topic is None:
            return True  # the deployment was warned
        parameters = token.workflow.script_engine.parameters(token.scope, node.parameters)
        if token.local is not None:
            parameters |= {parameter.name: token.local.vars[parameter.name] for parameter in node.inputs}
        self.offer_job(token, parameters)
        return None


class ServiceTask(JobTask, defaults.ServiceTask):
    pass


class BusinessRuleTask(JobTask):
    """Evaluates a decision of the deployment at once (section 13.3.3); without one it is a job like a service task."""

    def work(self, token: Token) -> bool | None:
        if self.node.decision is None:
            return super().work(token)
        engine = token.workflow.script_engine
        decision_id = str(engine.fill(token.scope, self.node.decision))
        model = self.process.model.decisions.get(decision_id)
        if model is None:
            raise ElementFailure(f"there is no decision {decision_id!r} in the deployment")
        decided = model.evaluate(decision_id, token.scope, token.workflow.top_workflow.now)
        value = shaped(clean(decided.value), self.node.decision_shape, model.output_name(decision_id))
        reads = clean(dict(decided.reads))
        token.workflow.top_workflow.tell(
            DecisionTaken(token.id, token.element, "decision", decision_id, decision_id, value, reads, tuple(decided.rules))
        )
        if self.node.result_variable:
            token.scope.assign(self.node.result_variable, value)
        elif isinstance(value, dict):
            token.scope.assign_all(value)
        else:
            token.scope.assign(model.result_name(decision_id), value)
        return True


class ReceiveTask(PersonTask, defaults.ReceiveTask):
    """Waits for its message; one without a message waits for a person."""

    def __init__(self, process: Any, node: Any, name: str | None = None, **stock: Any) -> None:
        super().__init__(process, node, name, event_definition=None, **stock)

    def work(self, token: Token) -> None:
        if not self.node.definitions:
            super().work(token)
        else:
            token.workflow.top_workflow.event_manager.await_events(CATCH, self, token.workflow, token, token.scope)

    def repeats(self, subscription: Subscription) -> bool:
        return False

    def fired(self, subscription: Subscription) -> None:
        token = subscription.workflow.top_workflow.tokens[subscription.owner]
        payload.note(token)
        token.resume(LEAVE)

    def before_leaving(self, token: Token) -> None:
        """Its data outputs are filled from the message."""
        if payload.wanted(self.node):
            if token.local is None:
                token.local = Scope(token.id, token.workflow.scope, token.workflow.top_workflow.tell)
            token.local.vars.update(payload.received(token))
        super().before_leaving(token)


# --- reading evaluated attributes -----------------------------------------------------------------------------------
def moment_text(value: Any, now: datetime) -> str | None:
    """A due date: an ISO date or date-time, or a duration from now; UTC ISO text."""
    if value is None or value == "":
        return None
    return iso(first(str(value), now).due)


def person_key(token: Token | None, key: int) -> Token:
    """The open user task `key`. Raises Conflict."""
    if token is None or not token.memory.get("offered") or token.phase != WAIT:
        raise Conflict(f"There is no open user task {key}.")
    return token
