"""Gateways that join (BPMN 2.0.2 section 13.4), on states: what arrives, when they fire. The twin of `engine.bpmn.gateways`."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.soundness.net import Join, Net, Place


class Joins:
    """`decided` are the inclusive and complex joins, which look at where the other tokens are."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.decided = [one for one in net.joins if one.waits_for_rest]
        self.watched = sum(one.need | one.reset for one in self.decided)

    # --- arriving -----------------------------------------------------------------------------------------------------
    def late(self, state: int, place: Place) -> tuple[int, int]:
        """A token comes to a complex gateway: (new state, place that has two now). After it has fired it swallows one token of each other flow."""
        join = place.join
        assert join is not None
        spent = join.spent[join.places.index(place)]
        if state & join.reset and not state & spent:
            state |= spent
            if all(state & one for one in join.spent):
                state &= ~(join.reset | sum(join.spent))
            return state, 0
        return state | place.bit, state & place.bit

    # --- firing -------------------------------------------------------------------------------------------------------
    def at_once(self, state: int, join: Join) -> int | None:
        """The state without the tokens that fire the join now, whatever else there is; None: they do not."""
        arrived = state & join.need
        if join.reset:
            return self._activated(state, join) if arrived and not state & join.reset else None
        return state & ~join.need if arrived == join.need else None

    def must(self, state: int, join: Join) -> bool:
        """Would the engine let it fire before anything else? A complex gateway with a condition may also wait for more."""
        return self.at_once(state, join) is not None and (join.node.activation is None or state & join.need == join.need)

    def _activated(self, state: int, join: Join) -> int:
        arrived = state & join.need
        if arrived == join.need:
            return state & ~join.need  # nothing is late: it is ready again
        spent = sum(bit for place, bit in zip(join.places, join.spent, strict=True) if state & place.bit)
        return state & ~join.need | join.reset | spent

    def at_rest(self, state: int) -> Iterator[tuple[Join, int, bool]]:
        """What is decided when nothing else moves: (join, new state, does it fire). Joins that wait only for each other: any of them."""
        for lenient in (False, True):
            found = [one for join in self.decided if (one := self._decide(state, join, lenient)) is not None]
            if found:
                yield from found
                return

    def _decide(self, state: int, join: Join, lenient: bool) -> tuple[Join, int, bool] | None:
        if join.reset:
            if not state & join.reset:
                return None
            arrived = [bool(state & bit) for bit in join.spent]
            if self._may_still_come(state, join, arrived, lenient):
                return None
            return join, state & ~(join.reset | sum(join.spent)), False
        if not state & join.need:
            return None
        if self._may_still_come(state, join, [bool(state & place.bit) for place in join.places], lenient):
            return None
        return join, state & ~join.need, True

    def _may_still_come(self, state: int, join: Join, arrived: list[bool], lenient: bool) -> bool:
        """Is there a token with a path to an empty flow, and none to a full one (section 13.4.3)?"""
        empty = full = 0
        for there, (upstream, drawn) in zip(arrived, join.upstream, strict=True):
            if there:
                full |= drawn
            else:
                empty |= upstream
        others = state & join.scope.direct & ~join.need
        if lenient:
            others &= ~sum(one.need for one in self.decided)
        return bool(others & empty & ~full)
