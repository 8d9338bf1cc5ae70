"""One live instance: turns inputs (`Movement`) into steps of the interpreter and gives back what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from engine.bpmn import continuation, correlation, interventions, payload, waiting
from engine.bpmn import snapshot as snapshots
from engine.bpmn.activities import person_key
from engine.bpmn.compensation import Compensation
from engine.bpmn.diagram import Container
from engine.bpmn.evaluation import Sandbox, ScriptEngine
from engine.bpmn.interventions import open_job
from engine.bpmn.limits import Limits
from engine.bpmn.migration import migrated
from engine.bpmn.model import BpmnModel
from engine.bpmn.scope import Scope
from engine.bpmn.workflow import InstanceWorkflow
from engine.errors import Conflict, InstanceNotActive, InstanceSuspended, InvalidInput, MigrationProblem, MigrationRefused, NotFound
from engine.model import chains, inputs
from engine.model.events import Event, InstanceCancelled, InstanceStarted
from engine.model.values import Json
from engine.model.waits import OpenToken
from engine.ports import CallFunction, Evaluator, Watch

OWN = (inputs.TriggerTimer, inputs.CompleteJob, inputs.FailJob)


class BpmnExecution:
    """Implements the port `Execution`."""

    def __init__(
        self, model: BpmnModel, process_id: str, instance_id: str, evaluator: Evaluator, function_names: frozenset[str], limits: Limits, restored: Any
    ) -> None:
        self.instance_id = instance_id
        self.process_id = process_id
        self.container: Container = model.specs[process_id].container
        self.sandbox = Sandbox(evaluator, function_names)
        self.top = InstanceWorkflow(model.specs[process_id], ScriptEngine(self.sandbox), limits, Compensation())
        self.sandbox.budget = self.top.budget
        self.started = restored is not None
        self.lookup = model.lookup
        if restored is not None:
            snapshots.restore(self.top, restored)

    @property
    def state(self) -> str:
        return self.top.ended or ("suspended" if self.top.suspended else "active")

    @property
    def error(self) -> str | None:
        """Why it failed, or what the oldest open incident says."""
        return self.top.failure or next(iter(self.top.incidents.values()), None)

    def apply(self, movement: inputs.Movement | inputs.FailJob, now: datetime, call: CallFunction, watch: Watch | None = None) -> tuple[Event, ...]:
        """Run to the next wait state. Raises Conflict (unknown or finished key), InvalidInput (values that JSON cannot hold)."""
        if self.top.ended is not None:
            raise InstanceNotActive(id=self.instance_id, state=self.state)
        if self.started == isinstance(movement, inputs.StartInstance):
            raise Conflict("The instance was already started." if self.started else "The instance was not started yet.")
        if self.top.suspended and not isinstance(movement, interventions.WHILE_SUSPENDED):
            raise InstanceSuspended(id=self.instance_id)
        self.top.now = self.sandbox.now = now
        self.sandbox.call, self.sandbox.watch = call, watch
        self.top.budget.open(watch)
        self.top.stores.begin_step()
        self._begin_chain(movement)
        if not isinstance(movement, inputs.MigrateInstance):
            self.top.undoable = None
        _HANDLERS[type(movement)](self, movement)
        self.started = True
        if not self.top.suspended:
            told = len(self.top.events)
            self.top.do_engine_steps()
            if len(self.top.events) > told:  # it has gone on: a migration cannot be taken back any more
                self.top.undoable = None
        return self.top.take_events()

    @property
    def chain(self) -> int:
        """What the last movement sent is so far from what began it."""
        hub = self.top.event_manager
        return chains.after(hub.cause, hub.sent)

    def _begin_chain(self, movement: inputs.Movement | inputs.FailJob) -> None:
        """What a job of the instance does goes on where the instance stands; what persons do begins anew. For timers see `trigger_timer`."""
        hub = self.top.event_manager
        hub.chain = hub.sent = 0
        if not isinstance(movement, OWN):
            hub.cause = getattr(movement, "chain", 0)

    def migration_problems(self, movement: inputs.MigrateInstance, now: datetime, call: CallFunction) -> tuple[MigrationProblem, ...]:
        """What stands in the way; the execution stays as it is."""
        self.top.now = self.sandbox.now = now
        self.sandbox.call, self.sandbox.watch = call, None
        self.top.budget.open(None)
        try:
            migrated(self.top, self._spec_of(movement.definition), movement)
        except MigrationRefused as refused:
            return refused.problems
        return ()

    def snapshot(self) -> Json:
        """Everything needed to go on; what is finished is not in it."""
        return snapshots.take(self.top)

    def variables(self, scope: int = 0) -> dict[str, Json]:
        """Variables visible in a scope or to an open element. Raises NotFound."""
        return self._scope(scope).flat()

    def open_elements(self) -> dict[int, str]:
        """Keys and element ids of what the outcome has shown as entered and not as left, oldest first."""
        return {key: token.element for key, token in sorted(self.top.tokens.items()) if token.task_spec.reported}

    def open_tokens(self) -> tuple[OpenToken, ...]:
        """The same with what each waits for, and what else waits (`engine.bpmn.waiting`)."""
        return waiting.open_tokens(self.top)

    def targets(self, key: int) -> tuple[str, ...]:
        """Elements to which the open element `key` can be moved."""
        return interventions.targets(self.top, key)

    def timer_due(self, key: int) -> datetime | None:
        """When the diagram lets the open timer `key` fire; None when there is none of its kind."""
        one = self.top.event_manager.subscriptions.get(key)
        return one.schedule.due if one is not None and one.schedule is not None else None

    def _scope(self, key: int) -> Scope:
        """What is inside an open element: of a subprocess its inner scope. Raises NotFound."""
        holder = self.top.live.get(key) or self.top.tokens.get(key)
        if holder is None:
            raise NotFound(kind="scope", id=key)
        found: Scope = holder.scope
        return found

    # --- inputs -----------------------------------------------------------------------------------------------------
    def _intervene(self, movement: Any) -> None:
        interventions.ACTS[type(movement)](self.top, movement)

    def _signal(self, movement: inputs.DeliverSignal) -> None:
        self.top.event_manager.signal(movement.name, movement.payload)

    def _migrate(self, movement: inputs.MigrateInstance) -> None:
        spec, watch = self._spec_of(movement.definition), self.sandbox.watch
        self.top = migrated(self.top, spec, movement)
        self.process_id, self.container, self.lookup = spec.container.id, spec.container, spec.model.lookup
        self.sandbox.budget = self.top.budget
        self.top.budget.open(watch)

    def _spec_of(self, definition_id: str) -> Any:
        if self.lookup is None:
            raise NotFound(kind="process definition", id=definition_id)
        return self.lookup(definition_id).specs[definition_id.rpartition(":")[0]]

    def _start(self, movement: inputs.StartInstance) -> None:
        top, nodes = self.top, self.container.nodes
        if movement.start_element is not None and movement.start_element not in nodes:
            raise InvalidInput(f"The process {self.process_id} has no start event {movement.start_element}.")
        top.tell(InstanceStarted(self.process_id))
        top.scope.declare_all(self._start_variables(movement))
        begun = [nodes[movement.start_element]] if movement.start_element else self.container.starts()
        for node in begun:
            if node.initiator and (movement.start_element or not node.definitions):
                top.scope.declare(node.initiator, movement.initiator)
        for node in begun if movement.start_element else ():
            for definition in node.definitions:
                correlation.learn(top, None, definition, movement.variables)  # the payload of the message that starts it
        top.starting_at = movement.start_element
        top.begin()

    def _start_variables(self, movement: inputs.StartInstance) -> Mapping[str, Json]:
        """The payload of a message or signal that starts the instance goes where its start event says."""
        node = self.container.nodes.get(movement.start_element or "")
        events = [one for one in node.definitions if one.kind in ("message", "signal")] if node is not None else []
        if node is not None and payload.wanted(node):
            self.top.memory["payload"] = dict(movement.variables)
        if events and all(one.variable and one.variable == events[0].variable for one in events):
            return {str(events[0].variable): payload.value_of(events[0], movement.variables)}
        return {} if events and node is not None and payload.wanted(node) else movement.variables

    def _complete_user_task(self, movement: inputs.CompleteUserTask) -> None:
        token = person_key(self.top.tokens.get(movement.key), movement.key)
        token.task_spec.finish_work(token, movement.variables)

    def _subscription(self, key: int, kind: str) -> None:
        one = self.top.event_manager.subscriptions.get(key)
        if one is None or one.kind != kind:
            raise Conflict(f"The instance does not wait for {kind} {key} (any more).")

    def _correlate_message(self, movement: inputs.CorrelateMessage) -> None:
        self._subscription(movement.key, "message")
        self.top.event_manager.fire(self.top.event_manager.subscriptions[movement.key], movement.payload)

    def _trigger_timer(self, movement: inputs.TriggerTimer) -> None:
        if continuation.go_on(self.top, movement.key):
            return
        self._subscription(movement.key, "timer")
        self.top.event_manager.trigger_timer(movement.key)

    def _complete_job(self, movement: inputs.CompleteJob) -> None:
        token = open_job(self.top, movement.key)
        token.task_spec.finish_work(token, movement.variables)

    def _set_variables(self, movement: inputs.SetVariables) -> None:
        self._scope(movement.scope).declare_all(movement.variables)

    def _start_activity(self, movement: inputs.StartActivity) -> None:
        offering = [one for key, one in self.top.live.items() if one.spec.offers(one, movement.element) and movement.key in (0, key)]
        if not offering:
            raise Conflict(f"No open ad-hoc subprocess offers {movement.element} now.")
        if len(offering) > 1:
            raise Conflict(
                f"{len(offering)} ad-hoc subprocesses offer {movement.element}; name the key of one: {', '.join(str(o.key) for o in offering)}."
            )
        offering[0].spec.start_activity(offering[0], movement.element)

    def _cancel(self, movement: inputs.CancelInstance) -> None:
        self.top.stop()
        self.top.ended = "cancelled"
        self.top.tell(InstanceCancelled(movement.reason))


_HANDLERS: dict[type[Any], Callable[[BpmnExecution, Any], None]] = {
    inputs.StartInstance: BpmnExecution._start,
    inputs.CompleteUserTask: BpmnExecution._complete_user_task,
    inputs.CorrelateMessage: BpmnExecution._correlate_message,
    inputs.DeliverSignal: BpmnExecution._signal,
    inputs.TriggerTimer: BpmnExecution._trigger_timer,
    inputs.CompleteJob: BpmnExecution._complete_job,
    inputs.SetVariables: BpmnExecution._set_variables,
    inputs.StartActivity: BpmnExecution._start_activity,
    inputs.CancelInstance: BpmnExecution._cancel,
    inputs.MigrateInstance: BpmnExecution._migrate,
    **dict.fromkeys(interventions.ACTS, BpmnExecution._intervene),
}
