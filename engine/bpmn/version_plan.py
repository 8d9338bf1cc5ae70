"""Which flow node of a new version succeeds which of the old one: a proposal from the difference of two diagrams, and the rules for any plan.

Same id and kind; else the same kind and name, told apart by what lies before and behind where a name stands several times. Whatever remains is left to
a person, with the reason. Pure: two containers in, nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping

from engine.bpmn.diagram import Container, Node
from engine.errors import MigrationProblem
from engine.model.migration import PlanEntry

FAMILIES = {"userTask": "person", "manualTask": "person", "serviceTask": "job", "sendTask": "job", "businessRuleTask": "job"}
"""Types whose open instances wait for the same and so can succeed each other; every other type only itself."""

ROUNDS = 20
"""What one round finds tells others apart in the next; a person does better than more of them."""

Signature = Callable[[Node, Mapping[str, str]], Hashable]


def kind(node: Node) -> str:
    """What an open instance of it is."""
    if node.inner is not None and node.inner.triggered_by_event:
        return "event subprocess"
    return FAMILIES.get(node.type, node.type)


def awaits(node: Node) -> tuple[str, ...]:
    """The kinds of its event definitions, in their order."""
    return tuple(one.kind for one in node.definitions)


def alike(one: Node, other: Node) -> bool:
    return kind(one) == kind(other) and awaits(one) == awaits(other)


# --- proposing --------------------------------------------------------------------------------------------------------
def propose(old: Container, new: Container) -> tuple[tuple[PlanEntry, ...], tuple[str, ...]]:
    """Entries for every flow node of `old`, subprocesses with what is in them, and the nodes of `new` that succeed nothing."""
    elsewhere = {node.id for one in containers(new) for node in one.nodes.values()}
    entries = list(_entries(old, new, elsewhere))
    taken = {one.target for one in entries}
    return tuple(entries), tuple(node.id for one in containers(new) for node in one.nodes.values() if node.id not in taken)


def containers(container: Container) -> Iterator[Container]:
    """The process and its subprocesses, outer ones first."""
    yield container
    for node in container.nodes.values():
        if node.inner is not None:
            yield from containers(node.inner)


def _entries(old: Container, new: Container | None, elsewhere: set[str]) -> Iterator[PlanEntry]:
    pairs = _pairs(old, new) if new is not None else {}
    kinds: dict[Hashable, list[str]] = {}
    for one in sorted(new.nodes.values(), key=lambda node: node.id) if new is not None else ():
        kinds.setdefault((kind(one), awaits(one)), []).append(one.id)
    shared = {sign: tuple(ids) for sign, ids in kinds.items()}
    taken = set(pairs.values())
    for node in old.nodes.values():
        choices = shared.get((kind(node), awaits(node)), ())
        target = pairs.get(node.id)
        if target is not None:
            yield PlanEntry(node.id, target, "same" if target == node.id else "renamed", "", choices)
        else:
            left = [one for one in choices if one not in taken]
            yield PlanEntry(node.id, None, "", _why(node, new, left, elsewhere), choices)
        if node.inner is not None:
            yield from _entries(node.inner, new.nodes[target].inner if new is not None and target is not None else None, elsewhere)


def _why(node: Node, new: Container | None, left: list[str], elsewhere: set[str]) -> str:
    if new is None:
        return "parent"
    if node.id in new.nodes:
        return "boundary" if alike(node, new.nodes[node.id]) else "kind"
    if node.id in elsewhere:
        return "scope"
    return "several" if any(new.nodes[one].name == node.name for one in left) else "gone"


def _pairs(old: Container, new: Container) -> dict[str, str]:
    """Boundary events after what they are attached to, then whatever they tell apart."""
    pairs: dict[str, str] = {}
    for attached in ((False,), (True,), (False, True)):
        taken = set(pairs.values())
        same = ((node, new.nodes[key]) for key, node in old.nodes.items() if key in new.nodes and key not in pairs and key not in taken)
        pairs |= {node.id: twin.id for node, twin in same if _attached(node) in attached and _kept(node, twin, pairs)}
        for _ in range(ROUNDS):
            if not any(_match(old, new, pairs, signature, attached) for signature in (_by_name, _by_place)):
                break
    return pairs


def _attached(node: Node) -> bool:
    return node.attached_to is not None


def _kept(node: Node, same: Node, pairs: Mapping[str, str]) -> bool:
    return alike(node, same) and pairs.get(node.attached_to or "") == same.attached_to


def _match(old: Container, new: Container, pairs: dict[str, str], signature: Signature, attached: tuple[bool, ...]) -> bool:
    """Pair what only one node on either side looks like. True: something was found, which may tell others apart."""
    before = {node.id: signature(node, pairs) for node in old.nodes.values() if node.id not in pairs and _attached(node) in attached}
    taken = {target: target for target in pairs.values()}
    after = {node.id: signature(node, taken) for node in new.nodes.values() if node.id not in taken and _attached(node) in attached}
    often, again = Counter(before.values()), Counter(after.values())
    places = {sign: key for key, sign in after.items()}
    found = {key: places[sign] for key, sign in before.items() if sign is not None and often[sign] == again[sign] == 1}
    pairs |= found
    return bool(found)


def _by_name(node: Node, known: Mapping[str, str]) -> Hashable:
    if not node.name or (node.attached_to is not None and node.attached_to not in known):
        return None
    return kind(node), awaits(node), node.name, known.get(node.attached_to or "")


def _by_place(node: Node, known: Mapping[str, str]) -> Hashable:
    """With the same name, or none, between the same neighbours, all of which must be known already."""
    beside = [{flow.source for flow in node.incoming}, {flow.target for flow in node.outgoing}]
    if node.attached_to is not None:
        beside.append({node.attached_to})
    if not any(beside) or not all(one in known for group in beside for one in group):
        return None
    return kind(node), awaits(node), node.name, tuple(frozenset(known[one] for one in group) for group in beside)


# --- judging ------------------------------------------------------------------------------------------------------------
def judge(old: Container, new: Container, plan: Mapping[str, str]) -> list[MigrationProblem]:
    """What is wrong with a plan whatever the instance: all of it, in the order of the sources."""
    before, after = _index(old), _index(new)
    successors = Counter(plan.values())
    problems: list[MigrationProblem] = []
    for source, target in sorted(plan.items()):
        if source not in before:
            problems.append(MigrationProblem("unknown-source", source, target))
        elif target not in after:
            problems.append(MigrationProblem("unknown", source, target))
        else:
            problems += _wrong(before[source], after[target], plan)
            if successors[target] > 1:
                problems.append(MigrationProblem("twice", source, target))
    return problems


def _index(container: Container) -> dict[str, tuple[Node, Container]]:
    return {node.id: (node, one) for one in containers(container) for node in one.nodes.values()}


def _wrong(old: tuple[Node, Container], new: tuple[Node, Container], plan: Mapping[str, str]) -> Iterator[MigrationProblem]:
    source, target = old[0], new[0]
    if kind(source) != kind(target):
        yield MigrationProblem("kind", source.id, target.id, f"{source.type}, {target.type}")
    elif awaits(source) != awaits(target):
        yield MigrationProblem("event", source.id, target.id)
    around, there = old[1].holder, new[1].holder
    if around is not None and around.id not in plan:
        yield MigrationProblem("parent", source.id, target.id)
    elif (plan[around.id] if around is not None else None) != (there.id if there is not None else None):
        yield MigrationProblem("scope", source.id, target.id)
    elif source.attached_to is not None and plan.get(source.attached_to) != target.attached_to:
        yield MigrationProblem("boundary", source.id, target.id)


# --- sequence flows -----------------------------------------------------------------------------------------------------
def successor_flow(flow_id: str, old: Node, new: Node, plan: Mapping[str, str]) -> str | None:
    """Of a flow into `old`: the same id into `new` from the successor of its source, else the only flow from there."""
    flow = next((one for one in old.incoming if one.id == flow_id), None)
    if flow is None:
        return None
    arriving = [one for one in new.incoming if one.source == plan.get(flow.source)]
    same = next((one.id for one in arriving if one.id == flow_id), None)
    if same is not None or len(arriving) != 1:
        return same
    twins = sum(1 for one in old.incoming if one.source == flow.source)
    return arriving[0].id if twins == 1 else None
