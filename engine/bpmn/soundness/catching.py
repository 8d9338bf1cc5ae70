"""Boundary events and event subprocesses: what each may catch by itself, and who catches what is thrown (BPMN 2.0.2 section 13.5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.bpmn.diagram import Definition, Node
from engine.bpmn.event_hub import Thrown
from engine.bpmn.soundness.net import RAISING, WAITED_FOR, Net, Place, Scope, waits


@dataclass(frozen=True, slots=True, eq=False)
class Catcher:
    """A boundary event (`place` is its activity) or an event subprocess (`place` is that; `node` its start event).

    `by_itself`: it may happen without a throwing event in the diagram; then one of the places `need` must be marked (0: none in particular).
    `region`: places that only what it begins can mark; a non-interrupting event is looked at with one occurrence at a time.
    """

    node: Node
    place: Place
    handler: bool
    interrupting: bool
    by_itself: bool
    need: int
    region: int

    @property
    def scope(self) -> Scope:
        return self.place.scope


class Catchers:
    """All of a process. `boundary`: by the index of the activity's place; `handlers`: by scope."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.boundary: dict[int, list[Catcher]] = {}
        self.handlers: dict[int, list[Catcher]] = {}
        for place in net.marked(net.root.tokens):
            if place.boundary:
                self.boundary[place.index] = [self._boundary(place, node) for node in place.boundary]
        for scope in net.scopes:
            self.handlers[id(scope)] = [self._handler(place) for place in scope.handlers]
        self.spontaneous = [(scope, one) for scope in net.scopes for one in self.handlers[id(scope)] if one.by_itself]

    # --- building -----------------------------------------------------------------------------------------------------
    def _boundary(self, host: Place, node: Node) -> Catcher:
        kinds = {d.kind for d in node.definitions}
        interrupting = node.interrupting or bool(kinds & {"error", "cancel"})
        free = (waits(host.node) and bool(kinds & WAITED_FOR)) or (host.inner is None and bool(kinds & {"error", "escalation"}))
        need = self._sources(kinds, 0 if host.inner is None else host.inner.tokens)
        region = 0 if interrupting else self._region(host.scope, node)
        return Catcher(node, host, False, interrupting, free or need != 0, 0 if free else need, region)

    def _handler(self, place: Place) -> Catcher:
        assert place.inner is not None
        (node,) = place.inner.container.starts()
        kinds = {d.kind for d in node.definitions}
        free = bool(kinds & WAITED_FOR)
        need = self._sources(kinds, place.scope.tokens & ~place.closed)
        return Catcher(node, place, True, node.interrupting or "error" in kinds, free or need != 0, 0 if free else need, place.closed)

    def _sources(self, kinds: set[str], inside: int) -> int:
        """Activities inside whose work may end with an error, and calls, of which an escalation may come."""
        raising = RAISING if "error" in kinds else ("callActivity",) if "escalation" in kinds else ()
        return sum(one.bit for one in self.net.marked(inside) if one.node.type in raising and one.inner is None)

    def _region(self, scope: Scope, node: Node) -> int:
        """Places that only non-interrupting boundary events of the scope lead to, and this one among them."""
        container = scope.container
        begins = [one for one in container.nodes.values() if not one.incoming and one.type != "boundaryEvent"]
        return self._forward(scope, [node]) & ~self._forward(scope, begins)

    def _forward(self, scope: Scope, begins: list[Node]) -> int:
        seen: set[str] = set()
        todo = list(begins)
        while todo:
            node = todo.pop()
            if node.id in seen:
                continue
            seen.add(node.id)
            todo += [scope.container.nodes[flow.target] for flow in node.outgoing]
            todo += [b for b in node.boundary if _interrupts(b)]
        return sum(p.closed for p in self.net.marked(scope.direct) if p.node.id in seen)

    # --- what is thrown -------------------------------------------------------------------------------------------------
    def catcher(self, state: int, place: Place, definition: Definition) -> Catcher | None:
        """The innermost that catches what the event at `place` throws; as `EventHub` looks for it."""
        thrown = Thrown(definition.kind, definition.code, definition.name)
        inside: Place | None = None
        for scope in place.scope.outwards():
            if state & scope.plain:
                handlers = [one for one in self.handlers[id(scope)] if one.place is not inside]
                if (found := _best(thrown, handlers)) is not None:
                    return found
            inside = scope.host
            if inside is not None and (found := _best(thrown, self.boundary.get(inside.index, []))) is not None:
                return found
        return None

    def transaction(self, place: Place) -> tuple[Place, Catcher | None]:
        """The transaction around a cancel end event, and its cancel boundary event."""
        host = next(one.host for one in place.scope.outwards() if one.host is not None and one.host.node.type == "transaction")
        assert host is not None
        boundary = self.boundary.get(host.index, [])
        return host, next((one for one in boundary if any(d.kind == "cancel" for d in one.node.definitions)), None)

    def happening(self, state: int, place: Place) -> Iterator[Catcher]:
        """Boundary events of an active activity that may happen now."""
        for one in self.boundary.get(place.index, ()):
            if one.by_itself and (not one.need or state & one.need) and (one.interrupting or not state & one.region):
                yield one

    def starting(self, state: int) -> Iterator[Catcher]:
        """Event subprocesses that may start now."""
        for scope, one in self.spontaneous:
            if state & scope.plain and (not one.need or state & one.need) and not state & one.place.bit:
                yield one


def _interrupts(node: Node) -> bool:
    return node.interrupting or any(d.kind in ("error", "cancel") for d in node.definitions)


def _best(thrown: Thrown, candidates: list[Catcher]) -> Catcher | None:
    ranked = [(max((thrown.caught_by(d) for d in one.node.definitions), default=0), one) for one in candidates]
    return next((one for rank in (2, 1) for found, one in ranked if found == rank), None)
