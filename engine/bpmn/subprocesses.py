"""Activities that hold a scope: embedded subprocess, transaction, ad-hoc subprocess, call activity, event subprocess (section 13.3.4, 13.5.4)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs import defaults

from engine.bpmn import payload
from engine.bpmn.activities import Activity
from engine.bpmn.computed import named
from engine.bpmn.diagram import Mapping
from engine.bpmn.failure import ElementFailure
from engine.bpmn.scope import Scope, same
from engine.bpmn.subscription import Subscription
from engine.bpmn.token import LEAVE, Token
from engine.errors import BpmnError, ExpressionError
from engine.ports import FIND_PROCESS

if TYPE_CHECKING:
    from engine.bpmn.process_spec import ProcessSpec
    from engine.bpmn.workflow import ScopeWorkflow


class Subprocess(Activity, defaults.SubWorkflowTask):
    waits = True
    inner: ProcessSpec

    def __init__(self, process: Any, node: Any, name: str | None = None, **stock: Any) -> None:
        super().__init__(process, node, name, subworkflow_spec=node.inner.id if node.inner else None, **stock)

    def work(self, token: Token) -> None:
        workflow = token.workflow.top_workflow.create_subprocess(token, self.inner)
        self.begin(token, workflow)

    def begin(self, token: Token, workflow: ScopeWorkflow) -> None:
        workflow.starting_at = token.memory.get("start")
        if "payload" in token.memory:
            workflow.memory["payload"] = payload.passed_on(token.memory)
        workflow.begin()

    def scope_done(self, token: Token, workflow: ScopeWorkflow) -> None:
        """The inner scope ended by itself."""
        token.workflow.top_workflow.compensation.keep(token, workflow)
        token.resume(LEAVE)

    def thrown_out(self, token: Token, workflow: ScopeWorkflow) -> None:
        """An error or escalation that is caught outside passes the border of this activity: results come back as far as they exist."""

    def release(self, token: Token) -> None:
        workflow = token.workflow.top_workflow.live.get(token.id)
        if workflow is not None and not workflow.revived:
            workflow.withdraw()
        super().release(token)


class Transaction(Subprocess, defaults.TransactionSubprocess):
    pass


class AdHocSubprocess(Subprocess, defaults.AdHocSubprocess):
    def retry(self, token: Token) -> None:
        workflow = token.workflow.top_workflow.live[token.id]
        token.workflow.top_workflow.attempt(token, lambda: self.inner._go_on(workflow, token))


class EventSubprocess(Subprocess, defaults.EventSubprocess):
    """Not entered by a flow: its start event is armed with the enclosing scope."""

    is_event_subprocess = True

    def start_node(self, start: str | None) -> Any:
        return self.inner.container.nodes[start or ""]

    def repeats(self, subscription: Subscription) -> bool:
        return not self.start_node(subscription.start).interrupting

    def fired(self, subscription: Subscription) -> None:
        self.caught(subscription.workflow, None, subscription.start)

    def caught(self, workflow: Any, host: Token | None, start: str | None) -> None:
        """Its event happened: an interrupting one takes the enclosing scope over (section 13.5.4)."""
        node = self.start_node(start)
        # An error always interrupts, whatever the diagram says (section 10.5.2, table 10.86).
        if node.interrupting or any(d.kind == "error" for d in node.definitions):
            workflow.interrupted = True
            workflow.top_workflow.event_manager.close_scope(workflow)
            workflow.cancel_tokens()
        token = Token(workflow, self)
        token.memory["start"] = start
        payload.note(token)
        token._ready()


class CallActivity(Subprocess, defaults.CallActivity):
    """Runs another process in a scope chain of its own; variables pass by the mapping. Without any mapping all pass, and what changed comes back."""

    def work(self, token: Token) -> None:
        engine = token.workflow.script_engine
        called = token.memory.get("called") or self._choose(token, named(engine.fill(token.scope, self.node.called), "the id of the called process"))
        spec = self.called(called)
        token.memory["called"] = called
        scope = Scope(token.id, None, token.workflow.top_workflow.tell)
        values = self._inward(token, spec)
        workflow = token.workflow.top_workflow.create_subprocess(token, spec, scope)
        scope.declare_all(values)
        token.memory["before"] = {} if self._returned(spec) == () else values
        self.begin(token, workflow)

    def _choose(self, token: Token, process_id: str) -> str:
        """The process to call: of this deployment or pinned by it, else the version that is newest now (a recorded call), as `=<definition id>`."""
        model = self.process.model
        if model.find(process_id) is not None:
            return process_id
        found: Any = token.workflow.script_engine.sandbox.call(FIND_PROCESS, (process_id,), {}) if model.lookup is not None else None
        if found is None:
            raise ElementFailure(f"the called process {process_id!r} is not deployed")
        return f"={found['definition']}"

    def called(self, key: str) -> ProcessSpec:
        """The process that `_choose` chose."""
        model = self.process.model
        spec: ProcessSpec = model.of_definition(key[1:]) if key.startswith("=") else model.find(key)
        return spec

    def _inward(self, token: Token, spec: ProcessSpec) -> dict[str, Any]:
        visible, mapping = token.scope.flat(), self.node.mapping_in
        if not mapping.stated and spec.container.inputs:
            return {name: visible.get(name) for name in spec.container.inputs}
        values: dict[str, Any] = dict(visible) if mapping.everything or not self._mapped() else {}
        if mapping.own:
            values |= {parameter.name: visible[parameter.name] for parameter in self.node.inputs}
        passed: dict[str, Any] = token.workflow.script_engine.parameters(token.scope, mapping.parameters)
        return values | passed

    def _mapped(self) -> bool:
        """Does the diagram say what passes? Then nothing else does, in either direction."""
        return bool(self.node.mapping_in.stated or self.node.mapping_out.stated)

    def _returned(self, spec: ProcessSpec) -> tuple[str, ...] | None:
        """Variables that come back under their own name: the declared outputs, none, or all (None)."""
        mapping: Mapping = self.node.mapping_out
        if spec.container.outputs and not mapping.stated:
            return spec.container.outputs
        return None if mapping.everything or not self._mapped() else ()

    def scope_done(self, token: Token, workflow: ScopeWorkflow) -> None:
        token.memory["results"] = dict(workflow.scope.vars)
        super().scope_done(token, workflow)

    def before_leaving(self, token: Token) -> None:
        """Results come back; what the called process did not change is left alone, so that parallel calls lose no write."""
        if "results" in token.memory:
            results = Scope(token.id, None, token.workflow.top_workflow.tell, dict(token.memory["results"]))
            mapped = token.workflow.script_engine.parameters(results, self.node.mapping_out.parameters, self._outer(token))
            self._give_back(token, results.vars, mapped)
            del token.memory["results"], token.memory["before"]
        super().before_leaving(token)

    def thrown_out(self, token: Token, workflow: ScopeWorkflow) -> None:
        """What cannot be evaluated is left out: the called process did not get so far."""
        results = Scope(token.id, None, token.workflow.top_workflow.tell, dict(workflow.scope.vars))
        mapped: dict[str, Any] = {}
        for parameter in self.node.mapping_out.parameters:
            with suppress(ExpressionError, BpmnError):
                seen = results.over(mapped) if parameter.chained else results
                mapped |= token.workflow.script_engine.parameters(seen, (parameter,), self._outer(token).over(mapped))
        self._give_back(token, results.vars, mapped)

    def _outer(self, token: Token) -> Scope:
        """Where mapped results go."""
        own: Scope = token.scope if token.local is None or token.body is not None else token.workflow.scope
        return own

    def _give_back(self, token: Token, results: dict[str, Any], mapped: dict[str, Any]) -> None:
        before = token.memory["before"]
        returned = self._returned(self.called(token.memory["called"]))
        for name in sorted(results if returned is None else returned):
            if name in results and not (name in before and same(before[name], results[name])):
                token.scope.assign(name, results[name])
        self._outer(token).assign_all(mapped)  # past the activity's own variables: there it would be lost
