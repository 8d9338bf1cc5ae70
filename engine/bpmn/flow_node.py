"""What every flow node does with a token: take it in, run it, choose its way, pass it on. Mixed in before SpiffWorkflow's task specs.

SpiffWorkflow's prediction, data inheritance and tree walks are switched off here; each kind of node overrides `_run_hook` and `choose`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin

from engine.bpmn import continuation, payload
from engine.bpmn.diagram import Flow, Node
from engine.bpmn.failure import ElementFailure
from engine.bpmn.token import CHOOSE, ENTER, LEAVE, Token
from engine.model.events import ElementCompleted, FlowTaken

if TYPE_CHECKING:
    from engine.bpmn.process_spec import ProcessSpec


class FlowNode(BpmnSpecMixin):
    """`reported`: its tokens appear in the outcome (loop bodies and scope starts do not)."""

    reported = True
    is_activity = False
    is_event_subprocess = False
    listens = False  # it waits for a signal, which another branch may throw in the same step: it comes first

    def __init__(self, process: ProcessSpec, node: Node, name: str | None = None, **stock: Any) -> None:
        super().__init__(process, name or node.id, **stock)
        self.process = process
        self.node = node
        self.bpmn_id = node.id
        self.bpmn_name = node.name
        self.boundaries: list[FlowNode] = []
        self.handler: FlowNode | None = None

    # --- arriving ---------------------------------------------------------------------------------------------------
    def arrive(self, workflow: Any, flow: Flow | None = None, *, fired: bool = False) -> None:
        """A token comes over `flow`. `fired`: the event that the node waits for has already happened."""
        token = Token(workflow, self, flow)
        if fired:
            token.phase = LEAVE
            payload.note(token)
            continuation.note(token)
        self._update(token)

    def _update(self, my_task: Token) -> None:
        if self._update_hook(my_task):
            my_task._ready()

    def _update_hook(self, my_task: Token) -> bool:
        return True

    def _predict(self, my_task: Token, *args: Any, **kwargs: Any) -> None:
        """No future tasks are drawn up."""

    def test(self) -> None:
        """The diagram was checked when it was deployed."""

    def _on_ready(self, my_task: Token) -> None:
        top = my_task.workflow.top_workflow
        (top.listening if self.listens and my_task.phase == ENTER else top.queue).append(my_task)

    # --- running ----------------------------------------------------------------------------------------------------
    def _run(self, my_task: Token) -> bool | None:
        """True: the token may leave. Everything that can fail happens here, before the token counts as completed."""
        if my_task.phase == ENTER:
            if continuation.stops(my_task) or not self._run_hook(my_task):
                return None
            my_task.phase = LEAVE
        if my_task.phase == LEAVE and my_task.open:
            if continuation.stops(my_task):
                return None
            self.before_leaving(my_task)
            my_task.phase = CHOOSE
            if continuation.stops(my_task):
                return None
        # The flows of an iteration are its body's business; a compensating activity has none.
        if my_task.open and my_task.body is None and my_task.driver is None:
            my_task.chosen = self.choose(my_task)
            my_task.workflow.top_workflow.admit(len(my_task.chosen) * self.node.completion_quantity)
        return True

    def _run_hook(self, my_task: Token) -> bool | None:
        return True

    def before_leaving(self, token: Token) -> None:
        """The work of the LEAVE phase: output parameters, data output associations."""
        node = self.node
        if node.outputs or node.copied_out or node.stores_out or node.store_outputs:
            payload.hand_out(token)

    def choose(self, token: Token) -> list[Flow]:
        """Outgoing flows (section 13.3.1): all without condition and those whose condition holds; the default when no condition holds.

        As after an inclusive gateway, it is a failure when there are flows and none can be taken.
        """
        flows = self.node.outgoing
        if len(flows) == 1 and flows[0].condition is None:
            return flows
        plain = [f for f in flows if not f.default and f.condition is None]
        conditional = [f for f in flows if not f.default and f.condition is not None]
        held = [f for f in conditional if self.holds(token, f)]
        default = [f for f in flows if f.default] if not held and (conditional or not plain) else []
        chosen = [f for f in flows if f in plain or f in held or f in default]
        if flows and not chosen:
            raise ElementFailure("no condition holds and there is no default flow")
        return chosen

    def holds(self, token: Token, flow: Flow) -> bool:
        assert flow.condition is not None
        return bool(token.workflow.script_engine.decide(token, "condition", flow.id, flow.condition, flow.text))

    def retry(self, token: Token) -> None:
        """An operator retries a token that waits: only nodes that can fail while waiting override it."""

    def step_done(self, token: Token) -> None:
        """One handler of the compensation that the token drives has finished."""
        token.workflow.top_workflow.compensation.next_step(token)

    # --- ending -----------------------------------------------------------------------------------------------------
    def _on_complete(self, my_task: Token) -> None:
        self.release(my_task)
        workflow = my_task.workflow
        workflow.drop(my_task)
        if self.reported:
            workflow.top_workflow.tell(ElementCompleted(my_task.id, my_task.element))
        self.completed(my_task)
        self.pass_on(my_task)
        workflow._task_completed_notify(my_task)

    def completed(self, token: Token) -> None:
        """Right after completion, before the token moves on."""

    def pass_on(self, token: Token) -> None:
        """Give the control to whom it belongs: the loop body, the compensation, or the outgoing flows."""
        top = token.workflow.top_workflow
        if token.body is not None:
            top.tokens[token.body].task_spec.iteration_done(top.tokens[token.body], token)
        elif token.driver is not None:
            top.tokens[token.driver].task_spec.step_done(top.tokens[token.driver])
        else:
            self.leave(token)

    def leave(self, token: Token) -> None:
        workflow = token.workflow
        specs = workflow.spec.task_specs
        for _ in range(self.node.completion_quantity):
            for flow in token.chosen:
                if flow.drawn:
                    workflow.top_workflow.tell(FlowTaken(token.id, flow.id))
                self.hand_over(token, specs[flow.target], flow)

    def hand_over(self, token: Token, target: FlowNode, flow: Flow) -> None:
        target.arrive(token.workflow, flow)

    def _on_cancel(self, my_task: Token) -> None:
        self.release(my_task)

    def release(self, token: Token) -> None:
        """Give up what the token holds: subscriptions, incident. Called when it completes and when it is withdrawn."""
        top = token.workflow.top_workflow
        continuation.give_up(token)
        top.compensation.abandon(token)
        top.event_manager.close_all(token)
        top.forget_incident(token.id)
