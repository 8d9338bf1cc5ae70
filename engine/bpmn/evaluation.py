"""The bridge from SpiffWorkflow's script engine to the `Evaluator` port: expressions and scripts run on scopes, decisions are explained.

No Python code of a diagram is ever executed by SpiffWorkflow's own environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.script_engine.python_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.script_engine.python_environment import BasePythonScriptEngineEnvironment

from engine.bpmn.computed import named
from engine.bpmn.parts import put
from engine.bpmn.scope import Scope, clean
from engine.bpmn.templates import Template, template
from engine.errors import ExpressionError
from engine.model.events import DecisionTaken
from engine.model.languages import is_feel
from engine.model.values import Json
from engine.ports import CallFunction, Evaluated, Evaluator, Executed, HostFunction, Watch

if TYPE_CHECKING:
    from engine.bpmn.budget import Budget
    from engine.bpmn.diagram import Definition, Parameter
    from engine.bpmn.token import Token


class Sandbox(BasePythonScriptEngineEnvironment):
    """SpiffWorkflow's environment interface over the port. `now`, `call` and `watch` are those of the record that is being made."""

    def __init__(self, evaluator: Evaluator, function_names: Iterable[str]) -> None:
        super().__init__()
        self.evaluator = evaluator
        self.now: datetime | None = None
        self.call: CallFunction | None = None
        self.watch: Watch | None = None
        self.budget: Budget | None = None
        self.functions: dict[str, HostFunction] = {name: self._function(name) for name in sorted(function_names)}

    def _function(self, name: str) -> Callable[..., Json]:
        def host(*args: Any, **kwargs: Any) -> Json:
            assert self.call is not None
            return self.call(name, args, kwargs)

        return host

    def _begin(self) -> tuple[datetime, Watch | None]:
        assert self.now is not None
        if self.budget is not None:
            self.budget.evaluated()
        return self.now, self.watch

    def evaluated(self, expression: str, scope: Mapping[str, Any], functions: Mapping[str, HostFunction] | None = None) -> Evaluated:
        """`functions`: instead of all of them."""
        now, watch = self._begin()
        known = self.functions if functions is None else functions
        if watch is None:
            return self.evaluator.evaluate(expression, scope, known, now)
        return watch.evaluation(lambda: self.evaluator.evaluate(expression, scope, known, now, watch), expression)

    def executed(self, script: str, scope: Scope) -> Executed:
        now, watch = self._begin()
        if watch is None:
            return self.evaluator.execute(script, scope, self.functions, now)
        return watch.evaluation(lambda: self.evaluator.execute(script, scope, self.functions, now, watch), script)

    def evaluate(self, expression: str, context: Scope, external_context: Any = None) -> Any:
        return self.evaluated(expression, context).value

    def execute(self, script: str, context: Scope, external_context: Any = None) -> bool:
        effect = self.executed(script, context)
        for name, value in effect.assigned.items():
            context.assign(name, value)
        for name in effect.removed:
            context.remove(name)
        return True

    def call_service(self, context: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("service tasks are jobs")


class ScriptEngine(PythonScriptEngine):
    """Errors come out as the port raises them (ExpressionError, BpmnError), not wrapped."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.sandbox = sandbox

    def evaluate(self, task: Token, expression: str, external_context: Any = None) -> Any:
        return self.sandbox.evaluate(expression, task.scope)

    def execute(self, task: Token, script: str, external_context: Any = None) -> bool:
        return self.sandbox.execute(script, task.scope)

    def explain(self, token: Token, kind: str, subject: str, expression: str, text: str = "", scope: Scope | None = None) -> Any:
        """Evaluate a condition and tell what it read and gave; a text in FEEL is told with its mark, so that a record shows the language."""
        found = self.sandbox.evaluated(expression, scope if scope is not None else token.scope)
        told = expression if is_feel(expression) else text or expression
        token.workflow.top_workflow.tell(DecisionTaken(token.id, token.element, kind, subject, told, clean(found.value), clean(dict(found.reads))))
        return found.value

    def decide(self, token: Token, kind: str, subject: str, expression: str, text: str = "", scope: Scope | None = None) -> bool:
        """Evaluate a condition, tell what it read and gave, and say whether it holds."""
        return _holds(expression, self.explain(token, kind, subject, expression, text, scope))

    def true(self, condition: str, scope: Scope) -> bool:
        """Whether a condition holds, untold."""
        return _holds(condition, self.sandbox.evaluate(condition, scope))

    def fill(self, scope: Scope, template: Template | None) -> Any:
        """The value of a template: of one expression its value, else text. None for no template."""
        if template is None:
            return None
        if len(template.parts) == 1:
            is_expression, text = template.parts[0]
            return self.sandbox.evaluate(text, scope) if is_expression else text
        values = (self.sandbox.evaluate(text, scope) if is_expression else text for is_expression, text in template.parts)
        return "".join("" if value is None else str(value) for value in values)

    def event_name(self, scope: Scope, definition: Definition) -> str:
        """Of a message or signal. Raises ExpressionError, ElementFailure."""
        return named(self.fill(scope, template(definition.name)) or "", f"the name of the {definition.kind}")

    def parameters(self, scope: Scope, parameters: Iterable[Parameter], into: Scope | None = None) -> dict[str, Any]:
        """Their values by the names of the variables; of a part (`Parameter.path`) the variable of `into` with the part in it."""
        found: dict[str, Any] = {}
        for one in parameters:
            hidden = scope.vars if one.outward else {}  # an activity's own variables come before what leaves it
            earlier = {name: value for name, value in found.items() if name not in hidden} if one.chained else {}
            value = clean(self.fill(scope.over(earlier) if earlier else scope, one.value))
            if one.path:
                value = put(found.get(one.name, into.get(one.name) if into is not None else None), one.path, value)
            found[one.name] = value
        return found


def _holds(condition: str, value: Any) -> bool:
    """Python's truth; in FEEL only true holds, null does not (DMN 1.5, clause 10.3.2.15), and anything else is a mistake of the author."""
    if not is_feel(condition):
        return bool(value)
    if value is None or isinstance(value, bool):
        return value is True
    raise ExpressionError(source=condition[:200], cause=f"a condition is true, false or null, not {value!r}"[:300])
