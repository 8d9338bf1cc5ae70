"""Data stores (BPMN 2.0.2 section 10.4.1) as an instance sees them: what it reads is a recorded call, what it writes is part of the outcome.

A store outlives the instances and is shared by all of them; it holds one value. A step sees what it has written itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.bpmn.scope import Scope, clean
from engine.model.events import DataStoreWritten
from engine.model.values import Json
from engine.ports import READ_STORE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.bpmn.token import Token


class StoreAccess:
    """`held`: version and value of the stores that this step has read or written."""

    def __init__(self, top: Any) -> None:
        self.top = top
        self.held: dict[str, tuple[int, Json]] = {}

    def begin_step(self) -> None:
        self.held.clear()

    def read(self, store: str) -> Json:
        """None when nobody has written it. Raises ExpressionError when it cannot be read."""
        return self._now(store)[1]

    def write(self, token: Token, store: str, value: Json) -> None:
        """A new version. The old one is asked for first: so the order of all writes is known to the records."""
        value, version = clean(value), self._now(store)[0] + 1
        self.held[store] = version, value
        self.top.tell(DataStoreWritten(token.id, token.element, store, version, value))

    def _now(self, store: str) -> tuple[int, Json]:
        if store not in self.held:
            found: Any = self.top.script_engine.sandbox.call(READ_STORE, (store,), {})
            self.held[store] = (0, None) if found is None else (found["version"], found["value"])
        return self.held[store]


def read_in(token: Token) -> dict[str, Json]:
    """What the input associations of the token's node read, by the names inside."""
    access = token.workflow.top_workflow.stores
    return {inside: access.read(store) for store, inside in token.task_spec.node.stores_in}


def write_out(token: Token, inner: Scope) -> None:
    """The output associations into stores; an output that was never written copies nothing. Raises ExpressionError before anything is written."""
    node, top = token.task_spec.node, token.workflow.top_workflow
    values: Iterable[tuple[str, Json]] = [(store, inner.get(inside)) for inside, store in node.stores_out]
    computed = token.workflow.script_engine.parameters(inner, node.store_outputs)
    for store, value in (*values, *computed.items()):
        if value is not None or store in computed:
            top.stores.write(token, store, value)
