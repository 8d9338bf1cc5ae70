"""What a deployment costs, and completions of processes whose loops hold parallel and inclusive gateways; in memory, with the embedded engine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import pairwise

from engine.testing import EmbeddedEngine
from tests.benchmarks.completion import Loop
from tests.benchmarks.results import Figure, Target
from tests.support.diagrams import END, START, chain, flow, process, user

RUNS = 5
WINDOW = 200
ELEMENTS = 10_000  # completed, when the last window is measured
CHAIN = Target(1.0, at_least=False)
REALISTIC = Target(0.3, at_least=False)
FLAT = Target(1.5, at_least=False)


def long_chain(length: int) -> bytes:
    """`length` flow nodes in a row, every tenth a user task, else script tasks."""
    ids = [f"n{number}" for number in range(length - 2)]
    nodes = [
        user(one) if number % 10 == 0 else f'<scriptTask id="{one}"><script>x = {number}</script></scriptTask>' for number, one in enumerate(ids)
    ]
    return process(START + "".join(nodes) + END + chain("start", *ids, "end"), "chain")


def section(number: int) -> tuple[str, str, str]:
    """(first element, last element, XML) of 25 flow nodes as they occur in offices: check, choose, work side by side, remind, settle."""
    n = f"s{number}_"
    inside = (
        f'<startEvent id="{n}begin"/>{user(n + "write")}{user(n + "check", f"""camunda:candidateGroups="group{number}" """)}<endEvent id="{n}done"/>'
        f'<exclusiveGateway id="{n}good" default="{n}good_{n}done"/>'
        + chain(f"{n}begin", f"{n}write", f"{n}check", f"{n}good", f"{n}done") + flow(f"{n}good", f"{n}write", f"again{number}")
    )  # fmt: skip
    timer = "<timerEventDefinition><timeCycle>R3/P1D</timeCycle></timerEventDefinition>"
    parts = [
        user(n + "ask", f'camunda:assignee="${{owner{number}}}" camunda:dueDate="P{number + 1}D"'),
        f'<exclusiveGateway id="{n}choose" default="{n}choose_{n}small"/>', user(n + "small"), f'<inclusiveGateway id="{n}some"/>',
        user(n + "first"), user(n + "second"), f'<serviceTask id="{n}third" flowledger:handler="h"/>', f'<inclusiveGateway id="{n}gather"/>',
        f'<exclusiveGateway id="{n}merge"/>', f'<parallelGateway id="{n}fork"/>', user(n + "left"), f'<subProcess id="{n}right">{inside}</subProcess>',
        f'<boundaryEvent id="{n}late" attachedToRef="{n}right" cancelActivity="false">{timer}</boundaryEvent>',
        f'<sendTask id="{n}remind"/>', f'<endEvent id="{n}reminded"/>', f'<parallelGateway id="{n}join"/>',
        f'<scriptTask id="{n}count"><script>total{number} = 1\nfor x in rows:\n    total{number} += x</script></scriptTask>', user(n + "settle"), user(n + "file"),
        f'<intermediateCatchEvent id="{n}wait"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></intermediateCatchEvent>',
        flow(f"{n}choose", f"{n}some", f"amount &gt; {number}00"), flow(f"{n}some", f"{n}first", f"a{number} &gt; 1"), flow(f"{n}some", f"{n}second", f"b{number}"),
        flow(f"{n}some", f"{n}third", "True"), chain(f"{n}ask", f"{n}choose", f"{n}small", f"{n}merge", f"{n}fork", f"{n}left", f"{n}join", f"{n}count"),
        chain(f"{n}first", f"{n}gather", f"{n}merge"), chain(f"{n}second", f"{n}gather"), chain(f"{n}third", f"{n}gather"),
        chain(f"{n}fork", f"{n}right", f"{n}join"), chain(f"{n}late", f"{n}remind", f"{n}reminded"), chain(f"{n}count", f"{n}settle", f"{n}file", f"{n}wait"),
    ]  # fmt: skip
    return f"{n}ask", f"{n}wait", "".join(parts)


def realistic(sections: int = 12) -> bytes:
    """Twelve sections: 300 flow nodes, and as many conditions, assignments and timers as such processes have."""
    made = [section(number) for number in range(sections)]
    links = "".join(flow(one[1], other[0]) for one, other in pairwise(made))
    return process(START + "".join(one[2] for one in made) + END + flow("start", made[0][0]) + links + flow(made[-1][1], "end"), "office")


def gateway_loop(kind: str) -> bytes:
    """A user task in a loop behind a split and join of that kind: seven elements a round."""
    split, join = f'<{kind}Gateway id="split"/>', f'<{kind}Gateway id="join"/>'
    condition = "True" if kind == "inclusive" else ""
    body = START + '<exclusiveGateway id="merge"/>' + split + '<task id="a"/><task id="b"/>' + join + user("work")
    body += '<exclusiveGateway id="more" default="more_end"/>' + END
    body += chain("start", "merge", "split") + flow("split", "a", condition) + flow("split", "b", condition)
    body += chain("a", "join") + chain("b", "join") + chain("join", "work", "more") + flow("more", "merge", "again") + flow("more", "end")
    return process(body, kind)


# --- measuring ------------------------------------------------------------------------------------------------------------
def figures() -> Iterator[Figure]:
    """Deployments, then completions."""
    yield _deployment("deploying a chain of 1,000 elements, in memory", long_chain(1_000), CHAIN)
    yield _deployment("deploying a realistic process of 300 elements, in memory", realistic(), REALISTIC)
    for kind in ("parallel", "inclusive"):
        yield _completions(kind)


def _deployment(name: str, xml: bytes, target: Target) -> Figure:
    samples = []
    for _ in range(RUNS):
        with EmbeddedEngine() as engine:
            before = time.perf_counter()
            engine.deploy({"process.bpmn": xml})
            samples.append(time.perf_counter() - before)
    return Figure(name, statistics.median(samples), "s", tuple(samples), target)


def _completions(kind: str) -> Figure:
    """Completions of an instance with 10,000 completed elements against those of a new one, in turn, so that noise meets both."""
    with EmbeddedEngine() as engine:
        engine.deploy({"loop.bpmn": gateway_loop(kind)})
        old, young = Loop(engine.app, kind), Loop(engine.app, kind)
        old.run_to(ELEMENTS // 7)
        taken = [(young.complete(), old.complete()) for _ in range(WINDOW)]
    early, late = (statistics.median(one) for one in zip(*taken, strict=True))
    note = f"{early * 1e3:.2f} ms at the beginning, {late * 1e3:.2f} ms at the end"
    return Figure(f"{kind} gateways in a loop: ratio after {ELEMENTS:,} elements / at the beginning", late / early, "x", target=FLAT, note=note)
