"""What a search means for people: the flaws, each with the element, what to do, and the way that leads there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.bpmn.diagram import Container, Node
from engine.bpmn.soundness.net import Join, Net, Place
from engine.bpmn.soundness.search import Meeting, Search
from engine.errors import Problem
from engine.model.soundness import Finding

DEADLOCK = (
    "Join with the kind of gateway that split: exclusive after exclusive, parallel after parallel; an inclusive join waits only for what can come."
)
MEETING = "Join the parallel branches before this element by a parallel gateway, or by an inclusive one if not all of them are always taken."
ENDLESS = "Give the loop a way out that leads to an end event."
DEAD = "Connect it with a branch that can be taken, or remove it."
UNCAUGHT = "Attach the event to an activity that waits or can fail in this way, or remove it."


class Verdict:
    """Reads one finished search."""

    def __init__(self, process: Container, search: Search) -> None:
        self.process = process
        self.search = search
        self.net: Net = search.game.net

    def findings(self) -> Iterator[Finding]:
        """Deadlocks, then tokens that meet; what only a complete search can know comes last."""
        stuck = self._stuck()
        yield from self._deadlocks(stuck)
        yield from (self._meeting(one) for place, one in sorted(self.search.meetings.items()) if not self._follows(place))
        if self.search.complete:
            yield from self._endless(stuck)
            if not self.search.meetings:  # else nobody has looked at what follows
                yield from self._dead()

    def _find(self, rule: str, node: Node, message: str, advice: str, way: tuple[tuple[str, ...], tuple[str, ...]], tokens: Iterable[str]) -> Finding:
        severity = "error" if rule == "deadlock" else "warning"
        problem = Problem(self.process.file, f"soundness.{rule}", message, node.id, node.name or None, node.line, advice, severity)
        names, flows = way
        trace = names if not names or names[-1] == node.id else (*names, node.id)
        return Finding(problem, trace, tuple(dict.fromkeys(flows)), tuple(tokens))

    # --- nothing can happen -------------------------------------------------------------------------------------------------
    def _stuck(self) -> list[int]:
        """States that cannot get on. Where only extra events are left, one must know that they do not help."""
        search = self.search
        hard = [n for n in search.standing if not self._has_extra(n)]
        if not search.complete:
            return hard
        rescued = search.leading_to({search.numbers[0]}) if 0 in search.numbers else set()
        return [n for n in search.standing if n not in rescued and n not in search.unsafe]

    def _has_extra(self, number: int) -> bool:
        return any(True for _ in self.search.game.steps(self.search.states[number]))

    def _deadlocks(self, stuck: list[int]) -> Iterator[Finding]:
        told: set[str] = set()
        for number in stuck:
            state = self.search.states[number]
            joins = [join for join in self.net.joins if state & join.need]
            joins.sort(key=lambda join: join.waits_for_rest)  # a parallel one is what the others wait for
            node = joins[0].node if joins else next(self.net.marked(state)).node
            if node.id not in told:
                told.add(node.id)
                message = self._waiting(joins[0], state) if joins else "the instance stands here for ever"
                yield self._find("deadlock", node, message, DEADLOCK, self.search.way(number), self._tokens(state))

    def _waiting(self, join: Join, state: int) -> str:
        come = self._sources([one for one in join.places if state & one.bit])
        missing = self._sources([one for one in join.places if not state & one.bit])
        return f"the join waits for ever: a token has come from {come}, none can come from {missing} any more"

    def _sources(self, places: list[Place]) -> str:
        nodes = (self.net.nodes[one.flow.source] for one in places if one.flow is not None)
        return ", ".join(dict.fromkeys(f"{(node.name or node.id)!r}" for node in nodes))

    def _tokens(self, state: int) -> list[str]:
        return [one.node.id if one.flow is None else one.flow.id for one in self.net.marked(state) if one.inner is None]

    # --- two tokens -----------------------------------------------------------------------------------------------------------
    def _meeting(self, meeting: Meeting) -> Finding:
        place = self.net.places[meeting.place]
        assert place is not None
        names, flows = self.search.way(meeting.before)
        way = (*names, *meeting.step.names), (*flows, *(flow.id for flow in meeting.step.flows))
        if place.flow is not None:
            message = f"a second token comes from {self._sources([place])} before the join has taken the first"
        else:
            message = "two tokens can be here at once: parallel branches meet without a join, and what follows runs twice"
        return self._find("lack-of-synchronisation", place.node, message, MEETING, way, self._tokens(meeting.step.state))

    def _follows(self, place: int) -> bool:
        """Is it but the same two tokens one after the other, on a way that no other joins since they met before?"""
        seen: set[str] = set()
        here = self.net.places[place]
        flows = [] if here is None else [here.flow] if here.flow is not None else here.node.incoming
        met = {one.node.id for number in self.search.meetings if (one := self.net.places[number]) is not None and number != place}
        while len(flows) == 1 and flows[0] is not None and flows[0].source not in seen:
            source = self.net.nodes[flows[0].source]
            if source.id in met:
                return True
            seen.add(source.id)
            flows = source.incoming
        return False

    # --- only after a complete search -------------------------------------------------------------------------------------------
    def _endless(self, stuck: list[int]) -> Iterator[Finding]:
        """A state to which there is a way back, but from which none leads to an end or to a flaw that was already told."""
        search = self.search
        goals = {*stuck, *search.unsafe} | ({search.numbers[0]} if 0 in search.numbers else set())
        good = search.leading_to(goals)
        for number, state in enumerate(search.states):
            if number not in good and any(before >= number for before in search.before[number]):
                place = next(one for one in self.net.marked(state) if one.inner is None)
                yield self._find("livelock", place.node, "from here on the instance can never end", ENDLESS, search.way(number), self._tokens(state))
                return

    def _dead(self) -> Iterator[Finding]:
        """Elements that no way leads to, from the first on: what follows a dead element need not be told."""
        told = {one.problem.element_id for one in self._deadlocks(self._stuck())}
        for scope in self.net.scopes:
            if scope.host is not None and not self.search.marked & scope.host.bit:
                continue  # the subprocess itself is dead
            for node in scope.container.nodes.values():
                if node.id in self.net.nodes and node.id not in told and not self._reached(node) and self._first(node):
                    boundary = node.type == "boundaryEvent"
                    message = "the event can never happen while its activity runs" if boundary else "no token can ever come here"
                    yield self._find("dead", node, message, UNCAUGHT if boundary else DEAD, ((), ()), ())

    def _reached(self, node: Node) -> bool:
        place = self.net.of_node.get(node.id)
        if place is not None and self.search.marked & place.bit:
            return True
        joins = node.id not in self.net.of_node and node.incoming and node.incoming[0].id in self.net.of_flow
        return node.id in self.search.passed or (not joins and any(flow.id in self.search.taken for flow in node.incoming))

    def _first(self, node: Node) -> bool:
        nodes = self.net.nodes
        if node.attached_to is not None:
            return self._reached(nodes[node.attached_to])
        return not node.incoming or any(flow.source in self.search.passed for flow in node.incoming)
