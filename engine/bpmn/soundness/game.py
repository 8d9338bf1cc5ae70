"""The abstract token game: every step that a state allows. No data: decisions go any way, awaited events happen, activities end or are interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import NamedTuple

from engine.bpmn.diagram import Flow, Node
from engine.bpmn.soundness.catching import Catcher, Catchers
from engine.bpmn.soundness.joins import Joins
from engine.bpmn.soundness.net import ENDING, Join, Net, Outcome, Place, triggered

THROWING = ("endEvent", "intermediateThrowEvent")


class Step(NamedTuple):
    """`names`: the flow nodes that it passes; `twice`: places that would hold a second token. `extra`: an event that interrupts nothing
    happens beside the rest; a state that allows nothing else does not get on by it.
    """

    names: tuple[str, ...]
    flows: tuple[Flow, ...]
    state: int
    twice: int = 0
    extra: bool = False


class Game:
    """The rules for one process; `steps` is the only question."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.joins = Joins(net)
        self.catchers = Catchers(net)
        self.hosts = [place for place in net.marked(net.root.tokens) if place.inner is not None]

    def begins(self) -> Iterator[int]:
        """The states in which an instance may start. Plain starts belong to one beginning, each event start is one of its own."""
        root = self.net.root
        plain = [node for node in root.container.starts() if not triggered(node)]
        if plain:
            yield reduce(or_, (self.net.entry(node) for node in plain))
        for node in root.container.starts():
            if triggered(node):
                yield self.net.entry(node)

    # --- steps ----------------------------------------------------------------------------------------------------------
    def steps(self, state: int) -> Iterator[Step]:
        for place in self.net.marked(state):
            yield from self.steps_of(state, place)
        for catcher in self.catchers.starting(state):
            yield from self.begin(state, catcher, extra=not catcher.interrupting)
        if state & self.joins.watched and self._at_rest(state):
            for join, left, fires in self.joins.at_rest(state):
                yield from self._go(left, join.node) if fires else (Step((), (), left),)

    def steps_of(self, state: int, place: Place) -> Iterator[Step]:
        """Everything that may become of the token at `place` by itself."""
        if place.join is not None:
            yield from self._join(state, place, place.join)
        elif place.inner is not None:
            yield from self._subprocess(state, place)
        elif place.node.type in THROWING and any(d.kind in ENDING for d in place.node.definitions):
            yield from self._throw(state, place)
        else:
            yield from self._go(state & ~place.bit, place.node)
        for catcher in self.catchers.happening(state, place):
            yield from self.begin(state, catcher, extra=not catcher.interrupting)

    def put(self, state: int, outcome: Outcome) -> tuple[int, int]:
        """Tokens on their way: (new state, places that hold two)."""
        twice = state & outcome.add | outcome.twice
        state |= outcome.add
        for place in outcome.late:
            state, more = self.joins.late(state, place)
            twice |= more
        return state, twice

    def _go(self, left: int, node: Node, before: tuple[str, ...] = ()) -> Iterator[Step]:
        for outcome in self.net.outcomes(node):
            yield Step((*before, node.id), outcome.flows, *self.put(left, outcome))

    def _join(self, state: int, place: Place, join: Join) -> Iterator[Step]:
        left = self.joins.at_once(state, join)
        if left is not None and place.bit == state & join.need & -(state & join.need):  # once, for the first of its places
            yield from self._go(left, join.node)

    def _subprocess(self, state: int, place: Place) -> Iterator[Step]:
        inner = place.inner
        assert inner is not None
        left = state & ~place.closed
        if state & inner.tokens and not (inner.container.ad_hoc is not None and inner.container.ad_hoc.condition):
            return  # an ad-hoc subprocess with a condition may end before all is done
        if inner.container.triggered_by_event:
            yield Step((place.node.id,), (), left)
        else:
            yield from self._go(left, place.node)

    # --- events ---------------------------------------------------------------------------------------------------------
    def begin(self, state: int, catcher: Catcher, before: tuple[str, ...] = (), *, extra: bool = False) -> Iterator[Step]:
        """The event happens."""
        names = (*before, catcher.node.id)
        if catcher.handler:
            left = state & ~catcher.scope.everything if catcher.interrupting else state
            entry = self.net.entry(catcher.place.node)
            yield Step(names, (), left | entry, left & entry, extra)
            return
        left = state & ~catcher.place.closed if catcher.interrupting else state
        for outcome in self.net.outcomes(catcher.node):
            yield Step(names, outcome.flows, *self.put(left, outcome), extra)

    def _throw(self, state: int, place: Place) -> Iterator[Step]:
        name = (place.node.id,)
        kinds = {d.kind: d for d in reversed(place.node.definitions)}
        if "terminate" in kinds:
            yield Step(name, (), state & ~place.scope.everything)
        elif "cancel" in kinds:
            host, catcher = self.catchers.transaction(place)
            yield from self.begin(state, catcher, name) if catcher is not None else (Step(name, (), state & ~host.closed),)
        elif "error" in kinds:
            catcher = self.catchers.catcher(state, place, kinds["error"])
            yield from self.begin(state, catcher, name) if catcher is not None else (Step(name, (), 0),)  # the instance fails
        else:
            yield from self._escalate(state, place, self.catchers.catcher(state, place, kinds["escalation"]))

    def _escalate(self, state: int, place: Place, catcher: Catcher | None) -> Iterator[Step]:
        if catcher is not None and catcher.interrupting:
            yield from self.begin(state, catcher, (place.node.id,))
        elif catcher is not None and not state & catcher.region:
            for begun in self.begin(state & ~place.bit, catcher, (place.node.id,)):
                for one in self._go(begun.state, place.node):
                    yield Step(begun.names, (*begun.flows, *one.flows), one.state, begun.twice | one.twice)
        else:
            yield from self._go(state & ~place.bit, place.node)

    def _at_rest(self, state: int) -> bool:
        """Does the engine have nothing left to run? Only then are inclusive joins decided."""
        if state & self.net.instant:
            return False
        if any(self.joins.must(state, join) for join in self.net.joins if state & join.need):
            return False
        return not any(state & host.bit and host.inner is not None and not state & host.inner.tokens for host in self.hosts)
