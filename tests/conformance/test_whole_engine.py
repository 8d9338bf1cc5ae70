"""Random processes through the whole engine: records verify and re-execute to the same outcome; messages and signals between instances."""

from __future__ import annotations

import random

import pytest

from engine.plugins import ServiceContext, service_task
from engine.testing import EmbeddedEngine
from tests.conformance.test_events import CONDITION, MESSAGE, ROOTS, SIGNAL, S, catch, event_sub, p, throw, timer
from tests.support.bpmn_bench import definitions, flows, log
from tests.support.random_diagrams import Writer

REPLY = '<messageEventDefinition messageRef="N"/>'


@service_task("h")
def handler(context: ServiceContext) -> dict[str, int]:
    return {"n": context.variables.get("n", 0) + 1}  # type: ignore[operator, dict-item]


def engine(*files: bytes) -> tuple[EmbeddedEngine, list[str]]:
    lines: list[str] = []
    made = EmbeddedEngine(functions={"log": lines.append}, handlers=[handler])
    made.deploy({f"file{n}.bpmn": data for n, data in enumerate(files)})
    return made, lines


@pytest.mark.parametrize("seed", range(8))
def test_random_runs_verify_and_re_execute(seed: int) -> None:
    chance = random.Random(seed)
    made, _ = engine(Writer(seed).xml())
    with made:
        one = made.start("p", {"n": chance.randrange(5), "rows": []})
        for _ in range(25):
            tasks = made.user_tasks(one)
            action = chance.randrange(4)
            if tasks and action < 2:
                made.complete(chance.choice(tasks).id, {"n": chance.randrange(6)})
            elif action == 2:
                made.advance(seconds=200)
            else:
                made.broadcast_signal("g") if chance.random() < 0.5 else made.publish_message("m")
            if chance.random() < 0.3:
                made.app.services.live.clear()
        assert made.check() > 0


def test_messages_between_pools_and_to_oneself() -> None:
    pools = definitions(
        ROOTS,
        f'<process id="p">{S}{throw("t", MESSAGE)}{catch("c", REPLY)}{log("a")}{flows("s t", "t c", "c a")}</process>',
        f'<process id="q"><startEvent id="qs">{MESSAGE}</startEvent>{log("b")}{throw("qt", REPLY)}{flows("qs b", "b qt")}</process>',
    )
    made, lines = engine(pools)
    with made:
        made.start("p")
        assert lines == ["b", "a"]
        assert [one.state for one in made.instances()] == ["completed", "completed"]
    both = p(S, '<parallelGateway id="f"/>', throw("t", MESSAGE), log("b"), catch("c", MESSAGE), log("a"), flows("s f", "f t", "t b", "f c", "c a"))
    made, lines = engine(both)
    with made:
        made.start("p")
        assert sorted(lines) == ["a", "b"]


def test_a_signal_reaches_others_and_starts() -> None:
    xml = definitions(
        ROOTS,
        f'<process id="p">{S}{catch("c", SIGNAL)}{log("a")}{flows("s c", "c a")}</process>',
        f'<process id="q"><startEvent id="qs"/>{throw("qt", SIGNAL)}{flows("qs qt")}</process>',
        f'<process id="r"><startEvent id="rs">{SIGNAL}</startEvent>{log("b")}{flows("rs b")}</process>',
    )
    made, lines = engine(xml)
    with made:
        made.start("p")
        made.start("p")
        made.start("q")
        assert sorted(lines) == ["a", "a", "b"]


def test_timer_message_and_conditional_starts() -> None:
    made, lines = engine(p(f'<startEvent id="t">{timer("R2/PT1H", "timeCycle")}</startEvent>', log("a"), flows("t a")))
    with made:
        made.advance(3 * 3600)
        assert lines == ["a", "a"]
    made, lines = engine(p(f'<startEvent id="m">{MESSAGE}</startEvent>', log("a"), flows("m a")))
    with made:
        made.publish_message("m", {"x": 1})
        assert (lines, made.variables(made.instances()[0].id)) == (["a"], {"x": 1})
    made, lines = engine(p(f'<startEvent id="c">{CONDITION}</startEvent>', log("a"), flows("c a")))
    with made:
        made.start("p", {"x": 6})
        assert lines == ["a"]


def test_a_signal_reaches_the_sender_once() -> None:
    body = f'<parallelGateway id="f"/><userTask id="u"/>{throw("t", SIGNAL)}{event_sub("h", SIGNAL, False, log("a"), flows("h-s a"))}{flows("s f", "f u", "f t")}'
    made, lines = engine(p(S, body))
    with made:
        made.start("p")
        made.advance(60)
        assert lines == ["a"]
