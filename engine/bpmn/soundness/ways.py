"""Which sets of outgoing flows a flow node may take when nothing is known of the data: any decision may go any way that its kind allows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from engine.bpmn.diagram import Flow, Node

ONE = ("exclusiveGateway", "eventBasedGateway")
MERGING = ("inclusiveGateway", "complexGateway")


def ways(node: Node) -> Iterator[tuple[Flow, ...]]:
    """Every choice, the smallest first. Agrees with `choose` of the flow nodes; a choice of nothing that is a failure there is left out."""
    flows = node.outgoing
    if node.type == "endEvent":
        yield ()
    elif node.type == "parallelGateway" or (node.type == "eventBasedGateway" and node.parallel_events):
        yield tuple(flows)
    elif node.type in ONE:
        yield from ((flow,) for flow in flows)
        if not flows:
            yield ()
    else:
        yield from _any(node)


def _any(node: Node) -> Iterator[tuple[Flow, ...]]:
    """Inclusive (section 13.4.3) and the conditional flows of activities and events (section 13.3.1)."""
    flows = node.outgoing
    place = {flow.id: n for n, flow in enumerate(flows)}
    free = [f for f in flows if f.condition is not None and not f.default]
    always = [f for f in flows if f.condition is None and not f.default]
    default = [f for f in flows if f.default]
    for size in range(len(free) + 1):
        for held in combinations(free, size):
            chosen = [*always, *held]
            if not held and (not always or (free and node.type not in MERGING)):
                chosen += default
            if chosen or not flows or node.type == "complexGateway":
                yield tuple(sorted(chosen, key=lambda flow: place[flow.id]))
