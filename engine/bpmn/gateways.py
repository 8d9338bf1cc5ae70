"""Gateways (BPMN 2.0.2 section 13.4). A join keeps one waiting lead token per activation; later arrivals are absorbed by it."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.util.task import TaskState

from engine.bpmn import payload
from engine.bpmn.diagram import Flow
from engine.bpmn.failure import ElementFailure
from engine.bpmn.flow_node import FlowNode
from engine.bpmn.scope import Scope
from engine.bpmn.subscription import RACE, Subscription
from engine.bpmn.token import LEAVE, Token


class ExclusiveGateway(FlowNode, defaults.ExclusiveGateway):
    """The first flow whose condition holds, in document order (section 13.4.2)."""

    def choose(self, token: Token) -> list[Flow]:
        flows = self.node.outgoing
        if len(flows) == 1 and flows[0].condition is None:
            return flows
        for flow in flows:
            if not flow.default and (flow.condition is None or self.holds(token, flow)):
                return [flow]
        default = [flow for flow in flows if flow.default]
        if flows and not default:
            raise ElementFailure("no condition holds and there is no default flow")
        return default


class Join(FlowNode):
    """Collects tokens of several incoming flows."""

    def arrive(self, workflow: Any, flow: Flow | None = None, *, fired: bool = False) -> None:
        if len(self.node.incoming) <= 1 or flow is None:
            super().arrive(workflow, flow)
            return
        leads = workflow.joins.setdefault(self.name, [])
        lead = next((one for one in leads if flow.id not in one.memory["arrived"]), None)
        if lead is None:
            lead = Token(workflow, self, flow)
            lead.memory["arrived"] = [flow.id]
            lead._set_state(TaskState.WAITING)
            leads.append(lead)
        else:
            lead.memory["arrived"].append(flow.id)
        self.absorbed(workflow, lead)

    def absorbed(self, workflow: Any, lead: Token) -> None:
        """A token joined the lead token."""
        if len(lead.memory["arrived"]) == len(self.node.incoming):
            self.activate(workflow, lead)

    def activate(self, workflow: Any, lead: Token) -> None:
        workflow.joins[self.name].remove(lead)
        lead._ready()

    def release(self, token: Token) -> None:
        super().release(token)
        leads = token.workflow.joins.get(self.name)
        if leads and token in leads:
            leads.remove(token)


class ParallelGateway(Join, defaults.ParallelGateway):
    """Waits for one token of every incoming flow; leaves by all outgoing ones, conditions or not (section 13.4.1)."""

    def choose(self, token: Token) -> list[Flow]:
        return self.node.outgoing


class InclusiveGateway(Join, defaults.InclusiveGateway):
    """Waits until no other token can still arrive (section 13.4.3); decided when nothing else moves."""

    def absorbed(self, workflow: Any, lead: Token) -> None:
        if len(lead.memory["arrived"]) == len(self.node.incoming) and workflow.joins[self.name][0] is lead:
            self.activate(workflow, lead)
        else:
            workflow.top_workflow.or_joins[workflow.key, self.name] = None

    def undecided(self, workflow: Any) -> bool:
        return bool(workflow.joins.get(self.name))

    def decide(self, workflow: Any, lenient: bool) -> bool:
        """Go on if nothing more can come. `lenient` ignores tokens that wait at other such joins, else two joins could wait for each other."""
        lead = workflow.joins[self.name][0]
        if self.may_still_come(workflow, lead.memory["arrived"], lenient):
            return False
        self.activate(workflow, lead)
        return True

    def choose(self, token: Token) -> list[Flow]:
        flows = self.node.outgoing
        held = [f for f in flows if not f.default and (f.condition is None or self.holds(token, f))]
        if not held:
            held = [f for f in flows if f.default]
        if flows and not held:
            raise ElementFailure("no condition holds and there is no default flow")
        return held

    def may_still_come(self, workflow: Any, arrived: list[str], lenient: bool = False) -> bool:
        """Is there a token with a path to an empty incoming flow, and none to a full one (section 13.4.3)?

        The paths of the standard are made of sequence flows. What a boundary event may still send is waited for, too; but that an activity has one
        with a way to a full flow does not mean that the activity's own token will not come over an empty one.
        """
        reach = self.process.reach(self.node)
        empty = [reach[f.id][0] for f in self.node.incoming if f.id not in arrived]
        full = [reach[flow][1] for flow in arrived]
        specs = workflow.spec.task_specs
        for element in workflow.population:
            if element == self.node.id or (lenient and isinstance(specs.get(element), InclusiveGateway) and workflow.joins.get(element)):
                continue
            if any(element in one for one in empty) and not any(element in one for one in full):
                return True
        return False


class ComplexGateway(InclusiveGateway):
    """Fires when its activation condition holds, then swallows late tokens until none can come (section 13.4.5).

    `activationCount` is the number of tokens waiting; without a condition the first token activates. The reset sends nothing out.
    `workflow.memory` holds, while the gateway waits for its reset, the flows that have already brought a token.
    """

    def _key(self) -> str:
        return f"reset {self.name}"

    def arrive(self, workflow: Any, flow: Flow | None = None, *, fired: bool = False) -> None:
        spent = workflow.memory.get(self._key())
        if spent is not None and flow is not None and flow.id not in spent:
            spent.append(flow.id)  # a late token of the activation that is over
            if len(spent) == len(self.node.incoming):
                self._reset(workflow)
        else:
            super().arrive(workflow, flow)

    def absorbed(self, workflow: Any, lead: Token) -> None:
        if self._key() not in workflow.memory:
            workflow.top_workflow.attempt(workflow.joins[self.name][0], lambda: self._try(workflow))

    def _try(self, workflow: Any) -> None:
        lead = workflow.joins[self.name][0]
        if self.node.activation is None or self._activated(workflow, lead):
            workflow.memory[self._key()] = list(lead.memory["arrived"])
            workflow.top_workflow.or_joins[workflow.key, self.name] = None
            self.activate(workflow, lead)

    def _activated(self, workflow: Any, lead: Token) -> bool:
        count = sum(len(one.memory["arrived"]) for one in workflow.joins[self.name])
        scope = Scope(lead.id, workflow.scope, workflow.scope.journal, {"activationCount": count})
        engine = workflow.script_engine
        return bool(engine.decide(lead, "condition", self.node.id, self.node.activation, self.node.activation, scope))

    def retry(self, token: Token) -> None:
        token.workflow.top_workflow.attempt(token, lambda: self._try(token.workflow))

    def undecided(self, workflow: Any) -> bool:
        return self._key() in workflow.memory

    def decide(self, workflow: Any, lenient: bool) -> bool:
        """Reset when nothing more can come; tokens of a next activation are looked at then."""
        if self.may_still_come(workflow, workflow.memory[self._key()], lenient):
            return False
        self._reset(workflow)
        return True

    def _reset(self, workflow: Any) -> None:
        del workflow.memory[self._key()]
        leads = workflow.joins.get(self.name)
        if leads:
            workflow.top_workflow.attempt(leads[0], lambda: self._try(workflow))

    def choose(self, token: Token) -> list[Flow]:
        flows = self.node.outgoing
        held = [f for f in flows if not f.default and (f.condition is None or self.holds(token, f))]
        return held or [f for f in flows if f.default]


class EventBasedGateway(FlowNode, defaults.EventBasedGateway):
    """The first of the events that follow decides the way (section 13.4.4)."""

    def __init__(self, process: Any, node: Any, name: str | None = None, **stock: Any) -> None:
        super().__init__(process, node, name, event_definition=None, **stock)
        targets = [process.container.nodes[flow.target] for flow in node.outgoing]
        self.listens = any(d.kind == "signal" for target in targets for d in target.definitions)

    def _run_hook(self, my_task: Token) -> bool | None:
        if self.node.parallel_events:
            return True  # all of them must happen
        for flow in self.node.outgoing:
            target = self.process.task_specs[flow.target]
            my_task.workflow.top_workflow.event_manager.await_events(RACE, target, my_task.workflow, my_task, my_task.scope)
        return None

    def won(self, token: Token, subscription: Subscription) -> None:
        """An event happened: the others are given up."""
        token.memory["winner"] = subscription.spec.name
        payload.note(token)
        token.workflow.top_workflow.event_manager.close_all(token)
        token.resume(LEAVE)

    def choose(self, token: Token) -> list[Flow]:
        if self.node.parallel_events:
            return self.node.outgoing
        winner = token.memory["winner"]
        return [flow for flow in self.node.outgoing if flow.target == winner][:1]

    def hand_over(self, token: Token, target: FlowNode, flow: Flow) -> None:
        with payload.brought(token.workflow.top_workflow.event_manager, payload.passed_on(token.memory)):
            target.arrive(token.workflow, flow, fired=not self.node.parallel_events)
