"""Loops (BPMN 2.0.2 section 13.3.6) and multi-instance activities (13.3.7).

A loop body token drives iteration tokens at a twin of the activity, named `<id> [iteration]`. Bodies are not reported: the outcome shows one
element instance per iteration.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs import defaults

from engine.bpmn.activities import Activity
from engine.bpmn.diagram import Definition, Loop
from engine.bpmn.events import throw_behaviour
from engine.bpmn.failure import ElementFailure
from engine.bpmn.scope import Scope, clean
from engine.bpmn.token import LEAVE, Token
from engine.bpmn.xml_source import whole
from engine.model.events import ElementCompleted, ElementEntered


class LoopBody(Activity):
    """`inner` is the activity's own flow node. `memory["next"]`: index of the next iteration."""

    reported = False
    waits = True
    inner: Any

    @property
    def loop(self) -> Loop:
        assert self.node.loop is not None
        return self.node.loop

    def take_inputs(self, token: Token) -> None:
        """Inputs belong to each iteration."""
        if token.local is None:
            token.local = Scope(token.id, token.workflow.scope, token.workflow.top_workflow.tell)

    def before_leaving(self, token: Token) -> None:
        """Outputs too."""

    def _run_hook(self, my_task: Token) -> bool | None:
        self.arm(my_task)
        self.take_inputs(my_task)
        return self.work(my_task)

    def spawn(self, token: Token, index: int, item: Any = None) -> None:
        """One iteration with variables of its own."""
        workflow = token.workflow
        workflow.top_workflow.admit(1)
        one = Token(workflow, self.inner, body=token.id)
        one.local = Scope(one.id, token.local, workflow.top_workflow.tell)
        one.local.declare("loopCounter", index + self.loop.first_number)
        one.memory["index"] = index
        self.equip(one, item)
        self.inner._update(one)

    def equip(self, iteration: Token, item: Any) -> None:
        """Declare the iteration's variables."""

    def iterations(self, token: Token) -> list[Token]:
        return [one for one in token.workflow.tasks.values() if one.body == token.id]

    def iteration_done(self, token: Token, iteration: Token) -> None:
        if token.open:
            top = token.workflow.top_workflow
            self.note(token, iteration)
            top.attempt(token, lambda: self.advance(token, iteration.local))

    def note(self, token: Token, iteration: Token) -> None:
        """Count it; cannot fail."""

    def advance(self, token: Token, local: Scope | None) -> None:
        """Decide whether to go on."""

    def retry(self, token: Token) -> None:
        token.workflow.top_workflow.attempt(token, lambda: self.advance(token, None))

    def withdraw_iterations(self, token: Token) -> int:
        rest = self.iterations(token)
        for one in rest:
            one.cancel()
        return len(rest)

    def release(self, token: Token) -> None:
        self.withdraw_iterations(token)
        super().release(token)

    def _on_cancel(self, my_task: Token) -> None:
        super()._on_cancel(my_task)
        my_task.workflow.top_workflow.compensation.forget(my_task)

    def completed(self, token: Token) -> None:
        token.workflow.top_workflow.compensation.confirm(token)
        if not token.memory.get("next"):  # no iteration at all: the activity itself still counts as passed
            token.workflow.top_workflow.tell(ElementEntered(token.id, token.element, token.workflow.scope.key, token.flow))
            token.workflow.top_workflow.tell(ElementCompleted(token.id, token.element))


class StandardLoop(LoopBody, defaults.StandardLoopTask):
    """While the condition holds, at most `loopMaximum` times; tested before or after (section 13.3.6)."""

    def __init__(self, process: Any, node: Any, name: str | None = None, **stock: Any) -> None:
        loop = node.loop
        super().__init__(
            process,
            node,
            name,
            task_spec=f"{node.id} [iteration]",
            maximum=loop.maximum,
            condition=loop.condition,
            test_before=loop.test_before,
            **stock,
        )

    def work(self, token: Token) -> bool | None:
        token.memory["next"] = 0
        assert token.local is not None
        token.local.declare("loopCounter", 0, told=False)
        if self.loop.maximum == 0 or (self.loop.test_before and not self.goes_on(token)):
            return True
        self.next(token)
        return None

    def goes_on(self, token: Token) -> bool:
        loop = self.loop
        if loop.maximum is not None and token.memory["next"] >= loop.maximum:
            return False
        if loop.condition is None:
            return True
        return bool(token.workflow.script_engine.decide(token, "loop", self.node.id, loop.condition, loop.text))

    def next(self, token: Token) -> None:
        index = token.memory["next"]
        token.memory["next"] += 1
        self.spawn(token, index)

    def note(self, token: Token, iteration: Token) -> None:
        assert token.local is not None
        token.local.declare("loopCounter", token.memory["next"], told=False)
        token.workflow.top_workflow.event_manager.look_again()

    def advance(self, token: Token, local: Scope | None) -> None:
        if self.goes_on(token):
            self.next(token)
        else:
            token.resume(LEAVE)


class MultiInstance(LoopBody):
    """Once per item or index. The counters `nrOf...Instances` (and `numberOf...`) are variables of the body."""

    sequential = False

    def work(self, token: Token) -> bool | None:
        items, count = self._items(token)
        memory = token.memory
        memory.update(items=items, next=0, count=count, out=[None] * count if self.loop.output else None)
        self._counters(token, Instances=count, ActiveInstances=0, CompletedInstances=0, TerminatedInstances=0)
        if count == 0:
            self._hand_out(token)
            return True
        token.workflow.top_workflow.admit(1 if self.sequential else count)
        for _ in range(1 if self.sequential else count):
            self.next(token)
        return None

    def _items(self, token: Token) -> tuple[list[Any] | None, int]:
        loop, limit = self.loop, token.workflow.top_workflow.limits.cardinality
        if loop.cardinality is not None:
            items, count = None, self._cardinality(token, loop.cardinality)
        else:
            items = self._collection(token)
            count = len(items)
        if count > limit:
            raise ElementFailure(f"{count} instances are asked for, the limit is {limit}")
        return items, count

    def _cardinality(self, token: Token, expression: str) -> int:
        engine = token.workflow.script_engine
        value = engine.explain(token, "multiInstance", self.node.id, expression)
        if isinstance(value, str) and (read := whole(value)) is not None:
            value = read
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value) or value < 0:
            raise ElementFailure(f"the loop cardinality must be a whole number of at least 0, not {value!r}")
        return int(value)

    def _collection(self, token: Token) -> list[Any]:
        loop = self.loop
        if loop.collection_expression is not None:
            value = clean(token.workflow.script_engine.sandbox.evaluate(loop.collection_expression, token.scope))
        else:
            name = next((name for name in loop.collection if name in token.scope), None)
            if name is None:
                raise ElementFailure(f"the collection variable {loop.collection[0]!r} does not exist")
            value = token.scope[name]
        if isinstance(value, dict):
            return [[key, item] for key, item in value.items()]
        if not isinstance(value, list):
            raise ElementFailure(f"the collection must be a list, not {value!r}")
        return list(value)

    def _counters(self, token: Token, **values: int) -> None:
        assert token.local is not None
        for name, value in values.items():
            token.local.vars[f"nrOf{name}"] = token.local.vars[f"numberOf{name}"] = value
        token.workflow.top_workflow.event_manager.look_again()

    def _count(self, token: Token, name: str, by: int) -> None:
        assert token.local is not None
        self._counters(token, **{name: token.local.vars[f"nrOf{name}"] + by})

    def next(self, token: Token) -> None:
        memory = token.memory
        index = memory["next"]
        memory["next"] += 1
        self._count(token, "ActiveInstances", 1)
        self.spawn(token, index, memory["items"][index] if memory["items"] is not None else index)

    def equip(self, iteration: Token, item: Any) -> None:
        assert iteration.local is not None
        if self.loop.item:
            iteration.local.declare(self.loop.item, item)
        if self.loop.output_item and self.loop.output_item not in iteration.local.vars:
            iteration.local.declare(self.loop.output_item, None, told=False)

    def note(self, token: Token, iteration: Token) -> None:
        self._count(token, "ActiveInstances", -1)
        self._count(token, "CompletedInstances", 1)

    def iteration_done(self, token: Token, iteration: Token) -> None:
        if token.open:
            self.note(token, iteration)
            left = iteration.local.vars if iteration.local is not None else {}
            token.memory.setdefault("ended", []).append([iteration.memory["index"], left, False])
            token.workflow.top_workflow.attempt(token, lambda: self.advance(token, iteration.local))

    def advance(self, token: Token, local: Scope | None) -> None:
        """After an iteration: collect its output, throw behaviour events, look at the completion condition.

        Several are waiting for that when some ended while the activity stood with an incident.
        """
        ended = token.memory["ended"]
        tell = token.workflow.top_workflow.tell
        scopes = [Scope(token.id, token.local, tell, left) for _, left, _ in ended]
        for (index, _, _), scope in zip(ended, scopes, strict=True):
            self._collect(token, index, scope)
        for scope in scopes:
            if not ended[0][2]:
                ended[0][2] = True  # a retry does not throw again
                self._behave(token, scope)
            if not token.open or self._ends(token, scope, last=len(ended) == 1):
                return
            ended.pop(0)

    def _ends(self, token: Token, local: Scope, *, last: bool) -> bool:
        """Is the activity over after this iteration? If not, a sequential one goes on."""
        counts = token.local
        assert counts is not None
        done = last and counts["nrOfCompletedInstances"] >= token.memory["count"]
        if not done and self.loop.condition and self._stops(token, local):
            self._count(token, "TerminatedInstances", self.withdraw_iterations(token))
            done = True
        if done:
            self._hand_out(token)
            token.resume(LEAVE)
        elif self.sequential:
            self.next(token)
        return done

    def _collect(self, token: Token, index: int, local: Scope) -> None:
        loop, out = self.loop, token.memory["out"]
        if out is None:
            return
        if loop.output_expression is not None:
            out[index] = token.workflow.script_engine.sandbox.evaluate(loop.output_expression, local)
        elif loop.output_item:
            out[index] = local.get(loop.output_item)

    def _stops(self, token: Token, local: Scope) -> bool:
        loop = self.loop
        assert loop.condition is not None
        return bool(token.workflow.script_engine.decide(token, "multiInstance", self.node.id, loop.condition, loop.text, local))

    def _hand_out(self, token: Token) -> None:
        if token.memory["out"] is not None and self.loop.output:
            token.workflow.scope.assign(self.loop.output, token.memory["out"])

    def _behave(self, token: Token, local: Scope) -> None:
        """Behaviour events reach the boundary events of this activity, which they never interrupt, and whoever else waits for them."""
        for definition in self._thrown(token, local):
            if token.open:
                throw_behaviour(self, token, definition, local)

    def _thrown(self, token: Token, local: Scope) -> list[Definition]:
        loop, assess = self.loop, token.workflow.script_engine.true
        assert token.local is not None
        if loop.behaviour == "None" and loop.none_event is not None:
            return [loop.none_event]
        if loop.behaviour == "One" and loop.one_event is not None and token.local["nrOfCompletedInstances"] == 1:
            return [loop.one_event]
        if loop.behaviour == "Complex":
            return [definition for condition, definition in loop.complex_events if assess(condition, local)]
        return []


class ParallelMultiInstance(MultiInstance, defaults.ParallelMultiInstanceTask):
    def __init__(self, process: Any, node: Any, name: str | None = None, **stock: Any) -> None:
        super().__init__(process, node, name, task_spec=f"{node.id} [iteration]", **stock)


class SequentialMultiInstance(MultiInstance, defaults.SequentialMultiInstanceTask):
    sequential = True

    def __init__(self, process: Any, node: Any, name: str | None = None, **stock: Any) -> None:
        super().__init__(process, node, name, task_spec=f"{node.id} [iteration]", **stock)
