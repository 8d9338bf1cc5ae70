"""Timer texts (BPMN 2.0.2 table 10.101): each tag takes its kind; cycles of ISO 8601 and cron; nothing returns without a pause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import DeploymentRejected
from engine.model import events as ev
from engine.model import inputs
from engine.testing import EmbeddedEngine
from tests.conformance.test_events import S, boundary, catch, event_sub, p, timer
from tests.support.bpmn_bench import START, Bench, flows, log

USER = '<userTask id="u"/>'


def problems(xml: bytes) -> list[tuple[str, str | None, str]]:
    with pytest.raises(DeploymentRejected) as refused:
        Bench(xml)
    return [(one.rule, one.element_id, one.message) for one in refused.value.problems]


# --- each tag its kind ---------------------------------------------------------------------------------------------------
KINDS = {"timeDate": "2030-01-01T00:00:00Z", "timeDuration": "PT1H", "timeCycle": "R3/PT1H"}


@pytest.mark.parametrize("tag", KINDS)
@pytest.mark.parametrize("text", KINDS.values())
def test_a_literal_of_another_kind_is_refused(tag: str, text: str) -> None:
    xml = p(S, catch("c", timer(text, tag)), flows("s c"))
    if KINDS[tag] == text:
        assert Bench(xml).start().open_jobs("timer")
    else:
        ((rule, element, message),) = problems(xml)
        assert (rule, element, f"{tag} takes" in message) == ("bpmn.timer", "c", True)


@pytest.mark.parametrize("tag", KINDS)
@pytest.mark.parametrize("text", KINDS.values())
def test_an_expression_that_gives_another_kind_is_an_incident(tag: str, text: str) -> None:
    bench = Bench(p(S, catch("c", timer("${when}", tag)), flows("s c"))).start(when=text)
    assert (bench.error is None) == (KINDS[tag] == text)
    assert [one.element for one in bench.of(ev.IncidentRaised)] == ([] if KINDS[tag] == text else ["c"])


@pytest.mark.parametrize(("text", "tag"), [("-PT1H", "timeDuration"), ("R/PT0.000001S", "timeCycle"), ("R/PT0.9S", "timeCycle"), ("R/PT0S", "timeCycle"),
                                           ("R3/2026-01-02/2026-01-01", "timeCycle"), ("61 * * * *", "timeCycle"), ("0 0 9 ? * 2", "timeCycle"),
                                           ("0 9 * * *", "timeDuration"), ("0 9 * * *", "timeDate")])  # fmt: skip
def test_refused_when_deployed_and_an_incident_when_evaluated(text: str, tag: str) -> None:
    for xml in (
        p(S, catch("c", timer(text, tag)), flows("s c")),
        p(S, USER, boundary("c", "u", timer(text, tag), False), flows("s u")),
    ):
        assert [found[:2] for found in problems(xml)] == [("bpmn.timer", "c")]
    bench = Bench(p(S, USER, boundary("c", "u", timer("${when}", tag), False), flows("s u"))).start(when=text)
    assert [one.element for one in bench.of(ev.IncidentRaised)] == ["u"]


def test_the_time_of_a_start_is_no_expression() -> None:
    ((rule, element, message),) = problems(p(f'<startEvent id="s">{timer("${when}")}</startEvent>', log("a"), flows("s a")))
    assert (rule, element, "cannot be an expression" in message) == ("bpmn.timer", "s", True)
    assert Bench(p(f'<startEvent id="s">{timer("PT1H")}</startEvent>', log("a"), flows("s a"))).model.processes["p"].starts[0].schedule == "PT1H"


# --- cycles -----------------------------------------------------------------------------------------------------------------
def fired(text: str, **span: float) -> list[timedelta]:
    """When a non-interrupting boundary event with that cycle fires."""
    bench = Bench(p(S, USER, boundary("k", "u", timer(text, "timeCycle"), False), log("a"), flows("s u", "k a"))).start()
    moments, end = [], START + timedelta(**span)
    while jobs := bench.open_jobs("timer"):
        ((key, job),) = jobs.items()
        due = datetime.fromisoformat(job.due or "")
        if due > end:
            break
        bench.now = due
        bench.do(inputs.TriggerTimer(key))
        moments.append(due - START)
    assert len(bench.lines) == len(moments)
    return moments


def hours(*numbers: float) -> list[timedelta]:
    return [timedelta(hours=number) for number in numbers]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R2/PT1H", hours(1, 2)),
        ("R-1/PT2H", hours(2, 4, 6)),
        ("R/PT3H", hours(3, 6)),
        ("R2/2026-01-31T09:00:00Z/PT2H", hours(1, 3)),
        ("R3/2026-01-31T09:00:00Z/2026-01-31T10:30:00Z", hours(1, 2.5, 4)),
        ("R/PT2H/2026-01-31T12:00:00Z", hours(2, 4)),
        ("0 */3 * * *", hours(1, 4)),
        ("0 30 9 ? * SAT", hours(1.5)),
        ("CRON_TZ=+08:00 0 17 * * *", hours(1)),
    ],
)
def test_cycles(text: str, expected: list[timedelta]) -> None:
    assert fired(text, hours=6) == expected


def test_months_end_where_the_calendar_ends() -> None:
    assert [(START + one).date().isoformat() for one in fired("R/P1M", days=100)] == ["2026-02-28", "2026-03-31", "2026-04-30"]


def test_cron_starts_instances_and_late_ones_once() -> None:
    begun = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
    with EmbeddedEngine(functions={"log": (lines := []).append}, start=begun) as engine:
        engine.deploy({"p.bpmn": p(f'<startEvent id="s">{timer("0 * * * *", "timeCycle")}</startEvent>', log("a"), flows("s a"))})
        engine.advance(3 * 3600)
        assert len(lines) == 3
        engine.clock.set(begun + timedelta(days=10, minutes=5))  # nobody was there
        engine.advance(0)
        assert len(lines) == 4
        engine.advance(3600)
        assert len(lines) == 5


def test_a_cron_event_subprocess() -> None:
    bench = Bench(p(S, USER, event_sub("h", timer("@daily", "timeCycle"), False, log("a"), flows("h-s a")), flows("s u"))).start().advance(days=3)
    assert bench.lines == ["a"] * 3


# --- without a pause ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("text", "tag"), [("PT0S", "timeDuration"), ("PT0.5S", "timeDuration"), ("2020-01-01", "timeDate")])
def test_timers_that_follow_each_other_at_once_end_with_an_incident(text: str, tag: str) -> None:
    xml = p(S, '<exclusiveGateway id="m"/>', catch("c", timer(text, tag)), log("a"), flows("s m", "m c", "c a", "a m"))
    with EmbeddedEngine(functions={"log": (lines := []).append}) as engine:
        engine.deploy({"p.bpmn": xml})
        one = engine.start("p")
        engine.advance(3600)
        assert "followed each other at once" in (engine.instance(one).error or "")
        assert len(lines) == 100


def test_timers_with_a_pause_go_on() -> None:
    xml = p(S, '<exclusiveGateway id="m"/>', catch("c", timer("PT1S")), log("a"), flows("s m", "m c", "c a", "a m"))
    bench = Bench(xml).start().advance(seconds=150)
    assert (bench.error, len(bench.lines)) == (None, 150)


def test_many_timers_that_are_due_at_once_are_no_loop() -> None:
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>300</loopCardinality></multiInstanceLoopCharacteristics>"
    inside = f'<subProcess id="b"><startEvent id="bs"/>{catch("c", timer("PT0S"))}{flows("bs c")}{loop}</subProcess>'
    bench = Bench(p(S, inside, flows("s b")), roundtrip=False).start().advance(seconds=1)
    assert (bench.error, bench.state) == (None, "completed")


def test_a_cycle_that_began_long_ago_does_not_make_up_for_all_of_it() -> None:
    bench = Bench(p(S, USER, boundary("k", "u", timer("R/2020-01-01T00:00:00Z/PT1S", "timeCycle"), False), log("a"), flows("s u", "k a"))).start()
    bench.advance(seconds=10)
    assert len(bench.lines) == 11
    bench = Bench(p(S, USER, boundary("k", "u", timer("R999999/2020-01-01T00:00:00Z/PT1S", "timeCycle"), False), flows("s u"))).start()
    assert "are past" in (bench.error or "")
