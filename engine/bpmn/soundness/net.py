"""The places of a process: where a token can stand. A state of the abstract token game is a set of places, kept as the bits of one number.

A flow node is a place; a subprocess is one more around the places inside it; a join has a place for every incoming flow. Boundary events have
none (they begin in the state of their activity), nor have end events that only end their way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from engine.bpmn.builder import SPECS
from engine.bpmn.diagram import Container, Flow, Node
from engine.bpmn.soundness.ways import ways

JOINS = ("parallelGateway", "inclusiveGateway", "complexGateway")
ENDING = {"terminate", "error", "cancel", "escalation"}  # what an end event can do besides ending its way
WAITED_FOR = {"message", "signal", "timer", "conditional"}
RAISING = ("scriptTask", "serviceTask", "sendTask", "businessRuleTask", "callActivity")  # their work may end with a BPMN error
CACHED_WAYS = 8  # conditional flows of a node; more are made anew each time, so that 2^n of them need no memory


@dataclass(slots=True, eq=False)
class Scope:
    """A process or the inside of a subprocess. `tokens` are all places inside, `direct` those not inside a further subprocess."""

    container: Container
    parent: Scope | None
    host: Place | None
    tokens: int = 0
    direct: int = 0
    memory: int = 0  # of complex gateways that wait for their reset: no tokens
    handlers: list[Place] = field(default_factory=list)  # event subprocesses
    joins: list[Join] = field(default_factory=list)

    plain: int = 0  # `direct` without event subprocesses: a token there keeps the scope open for new ones (section 13.5.4)
    everything: int = 0  # tokens and memory

    def outwards(self) -> Iterator[Scope]:
        """From here to the process itself."""
        one: Scope | None = self
        while one is not None:
            yield one
            one = one.parent


@dataclass(slots=True, eq=False)
class Place:
    """`flow`: the incoming flow, when it is a place of a join; `inner`: of a subprocess; `instant`: the token does not wait for anything."""

    index: int
    node: Node
    scope: Scope
    flow: Flow | None = None
    join: Join | None = None
    inner: Scope | None = None
    instant: bool = False
    boundary: list[Node] = field(default_factory=list)
    bit: int = 0

    @property
    def closed(self) -> int:
        """Everything that goes when it is interrupted."""
        return self.bit | (0 if self.inner is None else self.inner.everything)


@dataclass(slots=True, eq=False)
class Join:
    """A gateway with several incoming flows. `upstream`: per flow the places from which a token can still come over it, and those of them from
    which sequence flows alone lead to it.

    A complex gateway remembers with `reset` that it has fired, and with the bits of `spent` which flows have brought a token since.
    """

    node: Node
    scope: Scope
    places: list[Place] = field(default_factory=list)
    upstream: list[tuple[int, int]] = field(default_factory=list)
    need: int = 0
    reset: int = 0
    spent: list[int] = field(default_factory=list)

    @property
    def waits_for_rest(self) -> bool:
        """Is it decided by where the other tokens are?"""
        return self.node.type != "parallelGateway"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Taking `flows` marks the places `add`; `twice`: places that get two tokens at once; `late`: arrivals that a complex gateway judges."""

    flows: tuple[Flow, ...]
    add: int
    twice: int = 0
    late: tuple[Place, ...] = ()


class Net:
    """Built once for a process, never changed. Order of places: as in the diagram, a subprocess before its inside."""

    def __init__(self, process: Container) -> None:
        self.places: list[Place | None] = []  # None: a bit of a complex gateway's memory
        self.of_node: dict[str, Place] = {}
        self.of_flow: dict[str, Place] = {}
        self.joins: list[Join] = []
        self.scopes: list[Scope] = []
        self.nodes: dict[str, Node] = {}
        self.root = self._scope(process, None, None)
        self.instant = sum(p.bit for p in self.places if p is not None and p.instant)
        self._outcomes: dict[str, tuple[Outcome, ...]] = {}
        self._entries: dict[str, int] = {}
        for join in self.joins:
            self._look_upstream(join)

    # --- building -----------------------------------------------------------------------------------------------------
    def _scope(self, container: Container, parent: Scope | None, host: Place | None) -> Scope:
        made = Scope(container, parent, host)
        self.scopes.append(made)
        for node in container.nodes.values():
            if not undoing(node):
                self.nodes[node.id] = node
                self._node(node, made)
        made.plain = made.direct & ~sum(one.bit for one in made.handlers)
        made.everything = made.tokens | made.memory
        return made

    def _node(self, node: Node, scope: Scope) -> None:
        if node.type in JOINS and len(node.incoming) > 1:
            self._join(node, scope)
        elif node.type != "boundaryEvent" and not only_ends(node):
            place = self.of_node[node.id] = self._place(node, scope)
            place.instant = node.inner is None and not waits(node)
            place.boundary = [b for b in node.boundary if not undoing(b)]
            if node.inner is not None:
                place.inner = self._scope(node.inner, scope, place)
                if node.inner.triggered_by_event:
                    scope.handlers.append(place)

    def _place(self, node: Node, scope: Scope, flow: Flow | None = None) -> Place:
        made = Place(len(self.places), node, scope, flow, bit=1 << len(self.places))
        self.places.append(made)
        scope.direct |= made.bit
        for one in scope.outwards():
            one.tokens |= made.bit
        return made

    def _join(self, node: Node, scope: Scope) -> None:
        join = Join(node, scope)
        scope.joins.append(join)
        self.joins.append(join)
        for flow in node.incoming:
            place = self.of_flow[flow.id] = self._place(node, scope, flow)
            place.join = join
            join.places.append(place)
            join.need |= place.bit
        if node.type == "complexGateway":
            join.reset = self._memory(scope)
            join.spent = [self._memory(scope) for _ in node.incoming]

    def _memory(self, scope: Scope) -> int:
        self.places.append(None)
        bit = 1 << (len(self.places) - 1)
        for one in scope.outwards():
            one.memory |= bit
        return bit

    def _look_upstream(self, join: Join) -> None:
        by_name: dict[str, int] = {}
        for place in self.marked(join.scope.direct):
            by_name[place.node.id] = by_name.get(place.node.id, 0) | place.bit
        for flow in join.node.incoming:
            upstream = join.scope.container.upstream
            names, drawn = upstream(flow, join.node), upstream(flow, join.node, boundaries=False)
            join.upstream.append((sum(by_name.get(name, 0) for name in names), sum(by_name.get(name, 0) for name in drawn)))

    # --- asking -------------------------------------------------------------------------------------------------------
    def marked(self, state: int) -> Iterator[Place]:
        """The places of a state, lowest first."""
        while state:
            bit = state & -state
            state ^= bit
            place = self.places[bit.bit_length() - 1]
            if place is not None:
                yield place

    def outcomes(self, node: Node) -> Iterable[Outcome]:
        """What may happen when a token leaves the node."""
        known = self._outcomes.get(node.id)
        if known is not None:
            return known
        found = (self._outcome(flows) for flows in ways(node))
        if sum(f.condition is not None for f in node.outgoing) > CACHED_WAYS:
            return found
        known = self._outcomes[node.id] = tuple(found)
        return known

    def _outcome(self, flows: tuple[Flow, ...]) -> Outcome:
        add = twice = 0
        late: list[Place] = []
        for flow in flows:
            place = self.of_flow.get(flow.id)
            if place is not None and place.join is not None and place.join.reset:
                late.append(place)
                continue
            more = place.bit if place is not None else self.entry(self.nodes[flow.target])
            twice |= add & more
            add |= more
        return Outcome(flows, add, twice, tuple(late))

    def entry(self, node: Node) -> int:
        """The places that a token which comes to the node marks; for a subprocess also those where its inside begins."""
        found = self._entries.get(node.id)
        if found is None:
            place = self.of_node.get(node.id)
            found = 0 if place is None else place.bit
            if place is not None and place.inner is not None:
                found |= reduce(or_, (self.entry(start) for start in self.begins(place.inner)), 0)
            self._entries[node.id] = found
        return found

    def begins(self, scope: Scope) -> list[Node]:
        """Where a scope that is entered plainly begins: as `ScopeStart` does."""
        nodes = scope.container.starts()
        if scope.container.ad_hoc is not None:
            return nodes
        return [node for node in nodes if not triggered(node)] or nodes


def undoing(node: Node) -> bool:
    """Compensation is one step of the event that throws it: its catching events and handlers are not part of the game."""
    if node.for_compensation or (node.type == "boundaryEvent" and any(d.kind == "compensate" for d in node.definitions)):
        return True
    inner = node.inner
    return inner is not None and inner.triggered_by_event and any(d.kind == "compensate" for s in inner.starts() for d in s.definitions)


def triggered(node: Node) -> bool:
    """Does it begin by an event, not by a plain start?"""
    return node.instantiate or (node.type == "startEvent" and bool(node.definitions))


def only_ends(node: Node) -> bool:
    return node.type == "endEvent" and not any(d.kind in ENDING for d in node.definitions)


def waits(node: Node) -> bool:
    """Does a token stay there until something happens outside? Only then are boundary events armed that wait for something."""
    if node.type == "intermediateCatchEvent":
        return any(d.kind != "link" for d in node.definitions)
    if node.type == "eventBasedGateway":
        return not node.parallel_events
    if node.type == "intermediateThrowEvent":
        return node.topic is not None  # a handler sends its message
    return node.loop is not None or bool(getattr(SPECS[node.type], "waits", False))
