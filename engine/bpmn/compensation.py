"""Compensation (BPMN 2.0.2 section 13.5.5) and cancelled transactions (13.5.2).

What may have to be undone is noted when it completes: activities with a handler, and finished subprocesses whose inside can be compensated, with
their variables as they were then. Handlers run one after the other in reverse order of completion. Iterations count only once their whole
multi-instance activity has completed: what is still active cannot be compensated. A handler reads and writes the variables as they are now, in a finished subprocess those it left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.bpmn.diagram import Definition
from engine.bpmn.scope import Scope
from engine.bpmn.token import LEAVE, WAIT, Token
from engine.bpmn.workflow import ScopeWorkflow

Reached = tuple[Any, Collection[str] | None]


@dataclass(slots=True, eq=False)
class Kept:
    """The inside of a finished subprocess."""

    variables: dict[str, Any]
    compensable: list[Completed]


@dataclass(slots=True, eq=False)
class Completed:
    """A completed activity that may be compensated. `spec`: name of its flow node; `body`: its loop body, while that is open."""

    key: int
    spec: str
    body: int | None = None
    local: dict[str, Any] | None = None
    called: str | None = None
    kept: Kept | None = None


@dataclass(slots=True)
class Compensation:
    """Notes and runs compensation for one instance."""

    pending: dict[int, Kept] = field(default_factory=dict)  # finished scopes whose activity has not left yet

    # --- noting -----------------------------------------------------------------------------------------------------
    def keep(self, token: Token, workflow: ScopeWorkflow) -> None:
        """A subprocess ended: keep what compensating it would need."""
        if workflow.compensable or workflow.spec.compensation_start is not None:
            self.pending[token.id] = Kept(dict(workflow.scope.vars), workflow.compensable)

    def note(self, token: Token) -> None:
        """An activity completed."""
        kept = self.pending.pop(token.id, None)
        spec = token.task_spec
        if token.driver is not None or not token.task_spec.is_activity:
            return
        if spec.handler is not None or kept is not None:
            local = dict(token.local.vars) if token.local is not None else None
            token.workflow.compensable.append(Completed(token.id, spec.name, token.body, local, token.memory.get("called"), kept))

    def confirm(self, body: Token) -> None:
        """A loop or multi-instance activity completed as a whole."""
        for one in body.workflow.compensable:
            if one.body == body.id:
                one.body = None

    def forget(self, body: Token) -> None:
        """It was withdrawn: its completed iterations cannot be compensated any more."""
        body.workflow.compensable[:] = [one for one in body.workflow.compensable if one.body != body.id]

    # --- running ------------------------------------------------------------------------------------------------------
    def begin(self, token: Token, definitions: Collection[Definition]) -> bool:
        """Plan and start what all of an event's definitions ask for together. True: there was nothing to do."""
        if any(definition.kind == "cancel" for definition in definitions):
            way = [scope for scope, _ in token.task_spec.process.way_to_transaction(token)]
            steps = [step for scope in way for step in self._plan(token, scope, None)]
            return self._run(token, steps + self._other_iterations(token, way[-1].holder))
        return self._run(token, [step for scope, activities in list(_reached(token, definitions)) for step in self._plan(token, scope, activities)])

    def begin_apart(self, token: Token, definition: Definition) -> None:
        """For an event that does not wait: another token drives the handlers."""
        driver = Token(token.workflow, token.workflow.spec.apart)
        driver.phase = WAIT
        if self.begin(driver, (definition,)):
            driver.complete()

    def _run(self, token: Token, steps: list[list[Any]]) -> bool:
        if not steps:
            return True
        token.memory["steps"] = steps
        self.next_step(token)
        return False

    def _plan(self, driver: Token, workflow: Any, activities: Collection[str] | None) -> list[list[Any]]:
        """Steps [scope key, flow node, local variables], last completed first. Takes them off the notes. `activities`: None for all."""
        specs = workflow.spec.task_specs
        chosen = [one for one in workflow.compensable if one.body is None and (activities is None or specs[one.spec].bpmn_id in activities)]
        workflow.compensable[:] = [one for one in workflow.compensable if one not in chosen]
        return [step for one in reversed(chosen) for step in self._steps_of(driver, workflow, one)]

    def _steps_of(self, driver: Token, workflow: Any, one: Completed) -> list[list[Any]]:
        spec = workflow.spec.task_specs[one.spec]
        if spec.handler is not None:
            return [[workflow.key, spec.handler.name, one.local]]
        return [] if one.kept is None else self._inside(driver, workflow, one, one.kept)

    def _other_iterations(self, driver: Token, host: Token) -> list[list[Any]]:
        """A multi-instance transaction is one activity: with an instance of it the others are cancelled and undone, too, the finished ones last."""
        if host.body is None:
            return []
        workflow = host.workflow
        body = workflow.top_workflow.tokens[host.body]
        steps: list[list[Any]] = []
        for other in reversed(body.task_spec.iterations(body)):
            if other is host:
                continue
            inside = workflow.top_workflow.live.get(other.id)
            kept = self.pending.pop(other.id, None) or (Kept(dict(inside.scope.vars), inside.compensable) if inside is not None else None)
            other.cancel()
            if kept is not None:
                local = dict(other.local.vars) if other.local is not None else None
                steps += self._plan(driver, self._revive(driver, workflow, Completed(other.id, other.task_spec.name, local=local), kept), None)
        done = [one for one in workflow.compensable if one.body == host.body]
        workflow.compensable[:] = [one for one in workflow.compensable if one not in done]
        return steps + [step for one in reversed(done) for step in self._steps_of(driver, workflow, one)]

    def _inside(self, driver: Token, workflow: Any, one: Completed, kept: Kept) -> list[list[Any]]:
        """What undoes a finished scope: its event subprocess for that, else the handlers in it."""
        revived = self._revive(driver, workflow, one, kept)
        if revived.spec.compensation_start is not None:
            return [[revived.key, revived.spec.compensation_start.name, None]]
        return self._plan(driver, revived, None)

    def _revive(self, driver: Token, workflow: Any, one: Completed, kept: Kept) -> ScopeWorkflow:
        """The scope lives again while its handlers run."""
        spec = workflow.spec.task_specs[one.spec]
        inner = spec.called(one.called) if one.called is not None else spec.inner
        outer = None
        if one.called is None:
            outer = workflow.scope if one.local is None else Scope(one.key, workflow.scope, workflow.scope.journal, one.local)
        scope = Scope(one.key, outer, workflow.scope.journal, kept.variables)
        revived = ScopeWorkflow(inner, driver, scope, key=workflow.top_workflow.next_key())
        revived.revived = True
        revived.origin = [workflow.key, one.spec, one.called]
        revived.compensable = kept.compensable
        driver.memory.setdefault("revived", []).append(revived.key)
        return revived

    def next_step(self, driver: Token) -> None:
        """Run the next handler, or let the throwing event go on."""
        top = driver.workflow.top_workflow
        if not driver.open:
            return
        if not driver.memory["steps"]:
            self._close_revived(driver)
            del driver.memory["steps"]
            driver.resume(LEAVE)
            return
        key, name, local = driver.memory["steps"].pop(0)
        workflow = top.live[key]
        spec = workflow.spec.task_specs[name]
        token = Token(workflow, spec, driver=driver.id)
        if local is not None:
            token.local = Scope(token.id, workflow.scope, top.tell, dict(local))
        if spec.is_event_subprocess:
            token.memory["start"] = spec.inner.starts[0].id
        token._ready()

    def abandon(self, driver: Token) -> None:
        """The throwing event was withdrawn or is done."""
        top = driver.workflow.top_workflow
        if "steps" in driver.memory:
            for key in sorted(top.tokens):
                token = top.tokens.get(key)
                if token is not None and token.driver == driver.id:
                    token.cancel()
            self._close_revived(driver)
            del driver.memory["steps"]

    def _close_revived(self, driver: Token) -> None:
        for key in driver.memory.pop("revived", ()):
            workflow = driver.workflow.top_workflow.live.get(key)
            if workflow is not None:
                workflow.withdraw()


def _reached(token: Token, definitions: Collection[Definition]) -> Iterator[Reached]:
    """The scopes in which a throwing event compensates, from inside to outside, each with the activities that are meant there (None: all).

    Without a name all of its own scope; from an event subprocess also those of the scope that it belongs to (section 10.5.5).
    """
    named = {definition.activity for definition in definitions if definition.activity}
    everything = any(not definition.activity for definition in definitions)
    workflow = token.workflow
    while everything or named:
        container = workflow.spec.container
        here = named & container.nodes.keys()
        if everything or here:
            yield workflow, None if everything else sorted(here)
        named -= here
        everything = everything and container.triggered_by_event
        if container.parent is None:
            return
        workflow = workflow.holder.workflow
