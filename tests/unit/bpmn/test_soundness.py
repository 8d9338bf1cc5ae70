"""The explorer of states: its budget, its order, its reduction, and that it agrees with the interpreter about what can happen."""

from __future__ import annotations

import itertools
import random

import pytest

from engine.bpmn import BpmnInterpreter, Limits
from engine.bpmn.diagram import Container, Flow, Node
from engine.bpmn.soundness import check
from engine.bpmn.soundness.game import Game
from engine.bpmn.soundness.net import Net
from engine.bpmn.soundness.search import Search
from engine.errors import InvalidInput
from engine.model import inputs
from engine.model.soundness import Soundness
from engine.testing import EmbeddedEngine
from tests.support.bpmn_bench import Bench, NoDecisions, flows, process
from tests.support.plain_evaluator import PlainEvaluator
from tests.support.random_diagrams import Writer

S, E = '<startEvent id="s"/>', '<endEvent id="e"/>'
GATEWAYS = ("parallelGateway", "exclusiveGateway", "inclusiveGateway")


def container(xml: bytes) -> Container:
    return Bench(xml).model.specs["p"].container


def found(checked: Soundness) -> set[tuple[str, str | None]]:
    return {(one.problem.rule.removeprefix("soundness."), one.problem.element_id) for one in checked.findings}


def block(branches: int, length: int) -> bytes:
    """A parallel block, correct, of some branches with some user tasks each."""
    names = [[f"t{b}x{n}" for n in range(length)] for b in range(branches)]
    tasks = "".join(f'<userTask id="{one}"/>' for one in itertools.chain(*names))
    ways = [f"{a} {b}" for one in names for a, b in itertools.pairwise(["f", *one, "j"])]
    return process(S, E, tasks, '<parallelGateway id="f"/><parallelGateway id="j"/>', flows("s f", "j e", *ways))


def every_container(one: Container) -> list[Container]:
    return [one, *(inner for node in one.nodes.values() if node.inner is not None for inner in every_container(node.inner))]


# --- budget, order --------------------------------------------------------------------------------------------------------
def test_the_budget_ends_the_search_and_says_so() -> None:
    diagram = container(block(12, 3))
    checked = check(diagram, 500, reduce=False)
    assert (checked.states, checked.complete, checked.findings) == (500, False, ())
    whole = check(diagram, 500)
    assert (whole.states < 60, whole.complete, whole.findings) == (True, True, ())


def test_an_incomplete_search_claims_nothing_about_what_it_has_not_seen() -> None:
    endless = process(S, '<exclusiveGateway id="m"/>', '<userTask id="a"/>', '<userTask id="never"/>', E, flows("s m", "m a", "a m", "never e"))
    assert found(check(container(endless))) == {("livelock", "m"), ("dead", "never")}
    assert found(check(container(endless), 1)) == set()


def test_a_split_of_very_many_conditions_needs_neither_memory_nor_time() -> None:
    names = [f"t{n}" for n in range(40)]
    tasks = "".join(f'<userTask id="{one}"/>' for one in names)
    xml = process(S, E, tasks, '<inclusiveGateway id="f"/><inclusiveGateway id="j"/>', flows("s f", "j e", *(f"f {one} if {one}" for one in names), *(f"{one} j" for one in names)))  # fmt: skip
    assert check(container(xml), 300).complete is False
    same = "".join(
        f'<sequenceFlow id="f{n}" sourceRef="f" targetRef="m"><conditionExpression>x{n}</conditionExpression></sequenceFlow>' for n in range(40)
    )
    checked = check(container(process(S, E, '<inclusiveGateway id="f"/><exclusiveGateway id="m"/>', flows("s f", "m e"), same)), 300)
    assert (checked.complete, found(checked)) == (False, {("lack-of-synchronisation", "m")})  # every choice of two leads to no new state


def test_the_same_diagram_gives_the_same_answer() -> None:
    for seed in range(20):
        xml = Writer(seed).xml()
        assert check(container(xml), 300) == check(container(xml), 300)


@pytest.mark.parametrize("budget", [0, -1, 10_000_000])
def test_a_budget_is_bounded(budget: int) -> None:
    interpreter = BpmnInterpreter(PlainEvaluator(), NoDecisions())
    model = interpreter.compile({"a.bpmn": process(S)}, lambda _: None)
    with pytest.raises(InvalidInput):
        interpreter.soundness(model, budget)


# --- random diagrams ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("chunk", range(4))
def test_block_structured_processes_are_sound(chunk: int) -> None:
    for seed in range(chunk * 40, chunk * 40 + 40):
        checked = check(container(Writer(seed).xml()), 3000)
        rest = {one for one in found(checked) if one[0] != "dead"}  # an escalation that nothing throws is dead, and that is true
        assert rest == set(), seed


def disturb(diagram: Container, chance: random.Random) -> None:
    """Exchange gateways, and sometimes draw one flow too many."""
    everything = every_container(diagram)
    gateways = [node for one in everything for node in one.nodes.values() if node.type in GATEWAYS]
    for node in chance.sample(gateways, min(len(gateways), chance.choice([1, 1, 2]))):
        node.type = chance.choice(GATEWAYS)
        if node.type == "inclusiveGateway":
            for flow in node.outgoing:
                flow.condition = flow.condition or "x"
    if chance.random() < 0.4:
        _connect(chance.choice(everything), chance)


def _connect(one: Container, chance: random.Random) -> None:
    sources = [node for node in one.nodes.values() if node.outgoing and node.type not in ("startEvent", "eventBasedGateway")]
    targets = [node for node in one.nodes.values() if node.incoming]
    if sources and targets:
        source, target = chance.choice(sources), chance.choice(targets)
        flow = Flow("extra", source.id, target.id, condition=None if source.type == "parallelGateway" else "q")
        source.outgoing.append(flow)
        target.incoming.append(flow)
        one.flows.append(flow)


@pytest.mark.parametrize("chunk", range(4))
def test_the_reduction_hides_nothing(chunk: int) -> None:
    """Every interleaving and the reduced search find the same; where tokens meet, at least that they do."""
    flawed = 0
    for seed in range(chunk * 60, chunk * 60 + 60):
        diagram = container(Writer(seed).xml())
        disturb(diagram, random.Random(seed))
        whole = check(diagram, 2000, reduce=False)
        if whole.complete:
            reduced = check(diagram, 2000)
            meeting = {one for one in found(whole) if one[0] == "lack-of-synchronisation"}
            flawed += bool(found(whole))
            assert reduced.complete
            assert bool(meeting) == any(rule == "lack-of-synchronisation" for rule, _ in found(reduced)), seed
            assert meeting or found(whole) == found(reduced), seed
    assert flawed > 10


# --- the interpreter agrees -------------------------------------------------------------------------------------------------
class Maze:
    """A random process of user tasks, exclusive and parallel gateways, wired without regard for sense. The exclusive ones ask a variable."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.parts: list[str] = []
        self.count = 0

    def node(self, tag: str) -> str:
        self.count += 1
        key = f"n{self.count}"
        self.parts.append(f'<{tag} id="{key}"/>')
        return key

    def flow(self, source: str, target: str, condition: str = "") -> None:
        self.parts.append(flows(f"{source} {target}" + (f" if {condition}" if condition else "")))

    def block(self, depth: int) -> tuple[str, str]:
        if depth == 0 or self.random.random() < 0.2:
            key = self.node("userTask")
            return key, key
        if self.random.random() < 0.3:
            one, other = self.block(depth - 1), self.block(depth - 1)
            self.flow(one[1], other[0])
            return one[0], other[1]
        kind = self.random.choice(["exclusiveGateway", "parallelGateway"])
        split, join = self.node(kind), self.node(self.random.choice([kind, kind, "exclusiveGateway", "parallelGateway"]))
        for number in range(2):
            one = self.block(depth - 1)
            self.flow(split, one[0], f"way_{split} == {number}" if kind == "exclusiveGateway" else "")
            self.flow(one[1], join)
        return split, join

    def xml(self) -> bytes:
        entry, leave = self.block(3)
        self.flow("s", entry)
        self.flow(leave, "e")
        return process(S, E, *self.parts)


def play(xml: bytes, trace: tuple[str, ...], taken: tuple[str, ...], nodes: dict[str, Node]) -> tuple[str, list[str]]:
    """Run an instance along a trace; afterwards its state and open user tasks."""
    ways = {}
    for node in nodes.values():
        if node.type == "exclusiveGateway" and len(node.outgoing) > 1:
            ways[f"way_{node.id}"] = next((n for n, flow in enumerate(node.outgoing) if flow.id in taken), 0)
    with EmbeddedEngine() as engine:
        engine.deploy({"p.bpmn": xml})
        instance = engine.start("p", ways)
        for element in trace:
            if nodes[element].type == "userTask":
                task = next(one for one in engine.user_tasks(instance) if one.element_id == element)
                engine.complete(task.id)
        return engine.instance(instance).state, [one.element_id for one in engine.user_tasks(instance)]


def test_a_deadlock_that_is_told_is_one_in_the_engine() -> None:
    """No loops, so a gateway decides once and a variable can hold its choice."""
    played = 0
    for seed in range(120):
        xml = Maze(seed).xml()
        diagram = container(xml)
        for one in check(diagram).findings:
            if one.problem.rule == "soundness.deadlock":
                assert one.trace[0] == "s" and one.trace[-1] == one.problem.element_id
                assert play(xml, one.trace, one.flows, diagram.nodes) == ("active", []), (seed, one)
                played += 1
        if played >= 25:
            break
    assert played >= 25


def test_where_no_deadlock_is_told_every_run_ends() -> None:
    """The other direction, for all decisions of small processes."""
    tried = 0
    for seed in range(60):
        xml = Maze(seed).xml()
        diagram = container(xml)
        checked = check(diagram)
        asking = [node.id for node in diagram.nodes.values() if node.type == "exclusiveGateway" and len(node.outgoing) > 1]
        if any(one.problem.rule != "soundness.dead" for one in checked.findings) or len(asking) > 3:
            continue
        for choice in itertools.product((0, 1), repeat=len(asking)):
            bench = Bench(xml, roundtrip=False).start(**{f"way_{key}": way for key, way in zip(asking, choice, strict=True)})
            while bench.waiting():
                bench.complete(bench.waiting()[0])
            assert bench.state == "completed", (seed, choice)
            tried += 1
    assert tried > 30


# --- every state of the interpreter is one that the explorer knows -------------------------------------------------------------
def marking(net: Net, bench: Bench) -> int | None:
    """The open tokens as the explorer's state; None where it looks at one occurrence at a time, or at a compensation as one step."""
    places: list[int] = []
    scopes = list(bench.execution.top.live.values())
    if any(scope.revived for scope in scopes) or len({id(scope.spec) for scope in scopes}) < len(scopes):
        return None
    for scope in scopes:
        for token in scope.tasks.values():
            if token.driver is not None or token.id in bench.execution.top.incidents:
                return None
            if token in scope.joins.get(token.task_spec.name, []):
                places += [net.of_flow[flow].bit for flow in token.memory["arrived"]]
            elif token.body is None:
                places.append(net.of_node[token.element].bit)
    return sum(places) if len(set(places)) == len(places) else None


def moves(bench: Bench, chance: random.Random) -> list[inputs.Movement]:
    choices: list[inputs.Movement] = [inputs.CompleteUserTask(key, {"n": chance.randrange(6)}) for key in bench.open_tasks()]
    choices += [inputs.CompleteJob(key, {"n": chance.randrange(6)}) for key in bench.open_jobs("service")]
    choices += [inputs.TriggerTimer(key) for key in bench.open_jobs("timer")]
    choices += [inputs.CorrelateMessage(key, one.name) for key, one in bench.subscriptions().items() if one.kind == "message"]
    choices += [inputs.DeliverSignal("g")] if any(one.kind == "signal" for one in bench.subscriptions().values()) else []
    return [*choices, inputs.SetVariables({"n": chance.randrange(6)})]


def test_whatever_the_interpreter_does_the_explorer_has_foreseen() -> None:
    """Subprocesses, events of all kinds, inclusive gateways, loops: random runs, each state looked up in those of a complete search."""
    compared = 0
    for seed in range(200):
        bench = Bench(Writer(seed).xml(), roundtrip=False, limits=Limits(steps=300))
        net = Net(bench.model.specs["p"].container)
        search = Search(Game(net), 2000, reduce=False)
        search.run()
        chance = random.Random(seed)
        bench.start(n=chance.randrange(5), rows=[])
        for _ in range(40):
            if not search.complete or bench.state != "active" or (state := marking(net, bench)) is None:
                break
            assert state in search.numbers, (seed, [place.node.id for place in net.marked(state)])
            compared += 1
            bench.do(chance.choice(moves(bench, chance)))
    assert compared > 500
