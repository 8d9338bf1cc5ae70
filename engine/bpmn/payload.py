"""What events carry (BPMN 2.0.2 section 10.4.2): payloads made of data inputs, data outputs filled from payloads.

A data output that is named like a part of the payload takes that part, any other the payload as a whole. A catching element with data outputs hands
its payload to nothing else; without them the payload becomes variables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engine.bpmn import data_stores
from engine.bpmn.scope import Scope, clean
from engine.model.values import Json

if TYPE_CHECKING:
    from engine.bpmn.diagram import Definition, Node
    from engine.bpmn.token import Token

ALONE = "payload"  # a payload that is no object travels as the only part of one, under this name


# --- throwing -----------------------------------------------------------------------------------------------------------
def content(token: Token, definition: Definition) -> dict[str, Json]:
    """The payload of what a token throws: data inputs, parameters, SpiffWorkflow's payload expression. Raises ExpressionError."""
    node, scope, engine = token.task_spec.node, token.scope, token.workflow.script_engine
    found = scope.flat() if definition.everything else {}
    found |= data_stores.read_in(token)
    found |= {inside: scope[name] for name, inside in node.copied_in if name in scope}
    if node.stores_in:
        scope = Scope(token.id, scope, token.workflow.top_workflow.tell, dict(found))
    own = (*node.inputs, *node.parameters) if definition.kind in ("message", "signal") else node.associated_in
    found |= engine.parameters(scope, (*own, *definition.content))
    if definition.payload is not None:
        value = clean(engine.fill(scope, definition.payload))
        found |= value if isinstance(value, dict) else {ALONE: value}
    return found


# --- catching -----------------------------------------------------------------------------------------------------------
def wanted(node: Node) -> bool:
    """Does the payload go to data outputs?"""
    return bool(node.data_outputs)


def value_of(definition: Definition, payload: Mapping[str, Json]) -> Json:
    """What a variable for the whole payload gets."""
    return payload[ALONE] if definition.unwraps and payload.keys() == {ALONE} else dict(payload)


@contextmanager
def brought(hub: Any, payload: Mapping[str, Json] | None) -> Iterator[None]:
    """The tokens that an event makes inside this block carry its payload to the node that wants it."""
    before, hub.payload = hub.payload, payload
    try:
        yield
    finally:
        hub.payload = before


def note(token: Token) -> None:
    """Give the payload that is just being brought to a token, for its data outputs or to be handed on (`passed_on`)."""
    payload = token.workflow.top_workflow.event_manager.payload
    if payload is not None:
        token.memory["payload"] = dict(payload)


def passed_on(memory: dict[str, Any]) -> Mapping[str, Json] | None:
    """The payload that was noted, taken away."""
    found: Mapping[str, Json] | None = memory.pop("payload", None)
    return found


def received(token: Token) -> dict[str, Json]:
    """The data outputs of the token's node by name, and the parts of the payload; None is what never came."""
    node, payload = token.task_spec.node, token.memory.get("payload") or {}
    return {**payload, **{name: payload or None for name in node.data_outputs if name not in payload}}


def hand_out(token: Token) -> None:
    """Data output associations and output parameters of an event. Raises ExpressionError; a retry finds everything as it was."""
    node, engine = token.task_spec.node, token.workflow.script_engine
    inner = Scope(token.id, token.scope, token.workflow.top_workflow.tell, received(token) if wanted(node) else {})
    given = ((name, inner.vars.get(inside)) for inside, name in node.copied_out)
    values = {name: value for name, value in given if value is not None}  # an output that was never written copies nothing
    token.scope.assign_all(values | engine.parameters(inner, node.outputs, token.scope))
    data_stores.write_out(token, inner)
    token.memory.pop("payload", None)
