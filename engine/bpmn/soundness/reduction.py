"""Partial-order reduction: in most states one token may go on alone, because nothing that others do first would make a difference.

Without it, twelve parallel branches of three tasks have 4^12 states; with it, 40. A token may go alone when
- all its steps take it from its own places and leave a token in its scope, so that the scope can still be interrupted afterwards;
- its steps do not change what an inclusive join would decide, and it is not what an error or escalation is waited for from;
- no other token could come to where it stands meanwhile: going first would hide that two meet there.
`search` explores a state whole when every step alone leads to what is known, so that no token is put off for ever.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.diagram import Node
from engine.bpmn.soundness.catching import Catcher
from engine.bpmn.soundness.game import Game, Step
from engine.bpmn.soundness.net import CACHED_WAYS, ENDING, Place


class Reduction:
    """Answers for one process; remembers what does not depend on the state."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self.net = game.net
        self.watched = sum({bit for one in self._all_catchers() for bit in _bits(one.need)})
        self.successors = [0] * len(self.net.places)  # places that a token there may mark next
        self.leaving = [0] * len(self.net.places)  # of a subprocess: places marked when it ends or is interrupted
        self.predecessors: list[list[tuple[int, int]]] = [[] for _ in self.net.places]
        self._connect()
        self.free = {place.index for place in self.net.marked(self.net.root.tokens) if self._may_go_alone(place)}
        self._upstream: dict[int, int] = {}

    def _all_catchers(self) -> list[Catcher]:
        catchers = self.game.catchers
        return [one for group in (*catchers.boundary.values(), *catchers.handlers.values()) for one in group]

    # --- structure ------------------------------------------------------------------------------------------------------
    def _connect(self) -> None:
        for place in self.net.marked(self.net.root.tokens):
            index = place.index
            out = 0
            if place.inner is None or not place.inner.container.triggered_by_event:
                out = self._adds(place)
            for catcher in self.game.catchers.boundary.get(index, ()):
                out |= self._begun(catcher)
            if place.inner is None:
                self.successors[index] = out
            else:
                self.leaving[index] = out
                self.successors[index] = self.net.entry(place.node) & ~place.bit
            for catcher in self.game.catchers.handlers[id(place.scope)]:
                if catcher.place is not place:
                    self.successors[index] |= self._begun(catcher)
        self._turn_round()

    def _adds(self, place: Place) -> int:
        """Each flow by itself: that several may be taken together makes no difference here."""
        out = 0
        for flow in place.node.outgoing:
            target = self.net.of_flow.get(flow.id)
            out |= target.bit if target is not None else self.net.entry(self.net.nodes[flow.target])
        return out

    def _begun(self, catcher: Catcher) -> int:
        if catcher.handler:
            return self.net.entry(catcher.place.node)
        return self._adds(Place(-1, catcher.node, catcher.scope))

    def _turn_round(self) -> None:
        for place in self.net.marked(self.net.root.tokens):
            for target in _bits(self.successors[place.index]):
                self.predecessors[target.bit_length() - 1].append((place.bit, -1))
            if place.inner is not None:
                for target in _bits(self.leaving[place.index]):
                    self.predecessors[target.bit_length() - 1].append((place.bit | place.inner.tokens, place.index))

    def _may_go_alone(self, place: Place) -> bool:
        if place.inner is not None or place.bit & self.watched or (place.join is not None and place.join.waits_for_rest):
            return False
        if place.node.type in ("endEvent", "intermediateThrowEvent") and any(d.kind in ENDING for d in place.node.definitions):
            return False
        boundary = self.game.catchers.boundary.get(place.index, ())
        if not all(one.interrupting for one in boundary):
            return False
        nodes = [place.node, *(one.node for one in boundary)]
        return all(self._harmless(place, node) for node in nodes)

    def _harmless(self, place: Place, node: Node) -> bool:
        if sum(f.condition is not None for f in node.outgoing) > CACHED_WAYS:
            return False
        hurries = bool(self.game.joins.decided) and not place.instant and place.join is None
        for outcome in self.net.outcomes(node):
            if outcome.late or not outcome.add or (hurries and outcome.add & self.net.instant):
                return False
            if not all(self._alike(place, to) for to in self.net.marked(outcome.add & place.scope.direct)):
                return False
        return True

    def _alike(self, place: Place, target: Place) -> bool:
        """Do all inclusive joins judge a token at both places the same?"""
        if not self.game.joins.decided:
            return True
        if target.join is not None and target.join.waits_for_rest:
            return False
        if target.join is not None and not place.instant and place.join is None:
            return False
        joins = (join for join in place.scope.joins if join.waits_for_rest)
        return all(bool(one & place.bit) == bool(one & target.bit) for join in joins for pair in join.upstream for one in pair)

    # --- in a state -----------------------------------------------------------------------------------------------------
    def alone(self, state: int, place: Place) -> list[Step] | None:
        """The steps of the token at `place` if they may stand for all that can happen in the state."""
        if place.index not in self.free:
            return None
        mine = place.bit
        if place.join is not None:
            mine = place.join.need
            if state & mine != mine or place is not place.join.places[0]:
                return None
        hosts = sum(one.host.bit for one in place.scope.outwards() if one.host is not None)
        others = state & self.net.root.tokens & ~mine & ~hosts
        if others & self._leads_to(place, mine, hosts) and self._may_come(others, place, mine, hosts):
            return None
        return list(self.game.steps_of(state, place))

    def _leads_to(self, place: Place, mine: int, hosts: int) -> int:
        """Places from which flows lead to this one, whatever joins lie between. What ends a scope around it ends the token too."""
        known = self._upstream.get(place.index)
        if known is None:
            seen = known = 0
            todo = mine
            while todo:
                bit = todo & -todo
                todo ^= bit
                seen |= bit
                for sources, host in self.predecessors[bit.bit_length() - 1]:
                    if host < 0 or not hosts >> host & 1:
                        known |= sources
                        todo |= sources & ~seen
            self._upstream[place.index] = known
        return known

    def _may_come(self, others: int, place: Place, mine: int, hosts: int) -> bool:
        """The same, but a parallel join lets a token pass only when one can come over each of its flows without this token."""
        reached = todo = others
        while todo:
            bit = todo & -todo
            todo ^= bit
            one = self.net.places[bit.bit_length() - 1]
            assert one is not None
            out = self.successors[one.index]
            if one.join is not None and not one.join.waits_for_rest and reached & one.join.need != one.join.need:
                out = 0
            for scope in one.scope.outwards():
                if scope.host is not None and not hosts & scope.host.bit:
                    out |= self.leaving[scope.host.index]
            if one.inner is not None and not hosts & bit:
                out |= self.leaving[one.index]
            if out & mine:
                return True
            todo |= out & ~reached
            reached |= out
        return False


def _bits(mask: int) -> Iterator[int]:
    while mask:
        bit = mask & -mask
        mask ^= bit
        yield bit
