"""Which conversation a message belongs to (BPMN 2.0.2 section 8.4.2).

A key is bound to the instance's data (correlationSubscription, re-evaluated when variables change), else initialised by the first message that is sent
or received and carries it, else read from variables of the same names, so that instances that were started by hand can be met. A key that has no
value yet is not compared. What is compared is told with the subscription: the values as text, and the expressions that read them from a payload.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from engine.model.correlation import bounded, key_of, retrieved
from engine.model.values import Json

if TYPE_CHECKING:
    from engine.bpmn.diagram import CorrelationKey, Definition
    from engine.bpmn.scope import Scope
    from engine.bpmn.token import Token

Awaited = tuple[str | None, tuple[str, ...]]


def awaited(workflow: Any, owner: Token | None, definition: Definition, scope: Scope) -> Awaited:
    """The key under which a message is awaited and how it is read from a payload. Raises ExpressionError for a vendor's key expression."""
    if definition.correlation is not None or not definition.keys:
        return _vendor(workflow, definition, scope), ()
    values: list[Json] = []
    paths: list[str] = []
    for key in definition.keys:
        found = _value(workflow, owner, key, scope)
        if found is not None:
            values += found
            paths += key.paths
    return (key_of(values), tuple(paths)) if values else (None, ())


def sent(token: Token, definition: Definition, payload: Mapping[str, Json]) -> str | None:
    """The key that a message goes out with: what its payload says, else what the conversation knows."""
    if definition.correlation is not None or not definition.keys:
        return _vendor(token.workflow, definition, token.scope)
    values: list[Json] = []
    for key in definition.keys:
        values += _carried(token.workflow, key, payload) or _value(token.workflow, token, key, token.scope) or []
    return key_of(values) if values else None


def learn(workflow: Any, owner: Token | None, definition: Definition, payload: Mapping[str, Json]) -> None:
    """A message was sent or received: keys that have no value yet get theirs, and what else waits in the conversation is told of it."""
    learned = False
    for key in definition.keys:
        if _known(workflow, owner, key) is None:
            values = _carried(workflow, key, payload)
            if values is not None:
                next(_places(workflow, owner)).setdefault("keys", {})[key.id] = values
                learned = True
    if learned:
        workflow.top_workflow.event_manager.rekey()


def paths_of_data(workflow: Any, key: CorrelationKey) -> tuple[str, ...]:
    """The expressions over the instance's data that give the key; none when it is not bound."""
    *_, process = workflow.spec.container.enclosing()
    bound = process.bindings.get(key.id, {})
    paths = tuple(own or bound.get(prop, "") for prop, own in zip(key.properties, key.bindings, strict=True))
    return paths if all(paths) else ()


def _vendor(workflow: Any, definition: Definition, scope: Scope) -> str | None:
    key = workflow.top_workflow.script_engine.fill(scope, definition.correlation)
    return None if key is None else bounded(str(key))


def _value(workflow: Any, owner: Token | None, key: CorrelationKey, scope: Scope) -> list[Json] | None:
    evaluate = workflow.top_workflow.script_engine.sandbox.evaluate
    bound = paths_of_data(workflow, key)
    found = retrieved(bound, lambda path: evaluate(path, scope)) if bound else None
    if found is None:
        found = _known(workflow, owner, key)
    return found if found is not None else retrieved(key.paths, lambda path: evaluate(path, scope))


def _carried(workflow: Any, key: CorrelationKey, payload: Mapping[str, Json]) -> list[Json] | None:
    """As the application reads it from a message that looks for its receiver: the payload alone, no functions."""
    sandbox = workflow.top_workflow.script_engine.sandbox
    return retrieved(key.paths, lambda path: sandbox.evaluated(path, payload, {}).value)


def _known(workflow: Any, owner: Token | None, key: CorrelationKey) -> list[Json] | None:
    return next((place["keys"][key.id] for place in _places(workflow, owner) if key.id in place.get("keys", ())), None)


def _places(workflow: Any, owner: Token | None) -> Iterator[dict[str, Any]]:
    """Where conversations are remembered, from inside to outside: every instance of a multi-instance activity has its own, so has every process."""
    token = owner
    while True:
        loop = token.task_spec.node.loop if token is not None and token.body is not None else None
        if token is not None and loop is not None and loop.kind != "standard":
            yield token.memory
        if workflow.spec.container.parent is None:
            yield workflow.memory
            return
        token = workflow.holder
        workflow = workflow.holder.workflow
