"""Chains of messages and signals that lead to each other across instances: each ends with an incident of the event that would have gone on."""

from __future__ import annotations

import pytest

from engine.bpmn import Limits
from engine.model import inputs
from engine.model.actors import SYSTEM
from engine.model.chains import after, reaching
from engine.model.commands import RetryIncident
from engine.testing import EmbeddedEngine
from tests.conformance.test_events import MESSAGE, ROOTS, SIGNAL, catch, event_sub, throw, timer
from tests.support.bpmn_bench import definitions, flows, process

LIMIT = 30


def engine_with(*diagrams: bytes) -> EmbeddedEngine:
    engine = EmbeddedEngine()
    engine.app.services.library.interpreter.limits = Limits(chain=LIMIT)
    engine.deploy({f"{number}.bpmn": xml for number, xml in enumerate(diagrams)})
    return engine


def begins(event: str, *inside: str, id: str = "p") -> bytes:
    return process(f'<startEvent id="s">{event}</startEvent>', *inside, id=id, before=ROOTS)


def lengths(engine: EmbeddedEngine) -> list[int]:
    """Of the chains of all inputs that messages and signals led to."""
    kinds = (inputs.StartInstance, inputs.DeliverSignal, inputs.CorrelateMessage)
    made = engine.instances()
    with engine.app.reading() as read:
        found = [record.input for one in made for record in read.records(SYSTEM, one.id)]
    return [one.chain for one in found if isinstance(one, kinds)]


def stands(engine: EmbeddedEngine) -> set[tuple[str, str]]:
    """Process and element of each open incident."""
    processes = {one.id: one.process_id for one in engine.instances()}
    with engine.app.reading() as read:
        found = [incident for one in processes for incident in read.incidents(SYSTEM, one, open_only=True)]
    assert all("led to each other" in incident.cause and f"the process {processes[incident.instance_id]};" in incident.cause for incident in found)
    return {(processes[incident.instance_id], incident.element_id) for incident in found}


@pytest.mark.parametrize("event", [SIGNAL, MESSAGE])
def test_a_start_event_that_is_thrown_by_its_own_process(event: str) -> None:
    with engine_with(begins(event, throw("t", event), flows("s t"))) as engine:
        engine.broadcast_signal("g") if event == SIGNAL else engine.publish_message("m")
        assert lengths(engine) == list(range(LIMIT + 1))
        assert stands(engine) == {("p", "t")}
        engine.check()


@pytest.mark.parametrize(
    "between",
    [catch("w", timer("PT0S")), '<task id="w" camunda:asyncBefore="true"/>', '<task id="w" camunda:asyncAfter="true"/>'],
    ids=["timer that is due at once", "asyncBefore", "asyncAfter"],
)
def test_a_transaction_boundary_does_not_begin_a_new_chain(between: str) -> None:
    with engine_with(begins(SIGNAL, between, throw("t", SIGNAL), flows("s w", "w t"))) as engine:
        engine.broadcast_signal("g")
        assert lengths(engine) == list(range(LIMIT + 1))
        assert stands(engine) == {("p", "t")}


def test_a_new_process_of_the_server_knows_the_chain_too() -> None:
    with engine_with(begins(SIGNAL, '<task id="w" camunda:asyncBefore="true"/>', throw("t", SIGNAL), flows("s w", "w t"))) as engine:
        engine.app.services.live.take = lambda _: None  # type: ignore[method-assign]
        engine.broadcast_signal("g")
        assert len(engine.instances()) == LIMIT + 1


def test_two_instances_that_answer_each_other() -> None:
    asks = begins(
        "",
        throw("t", MESSAGE),
        catch("c", '<messageEventDefinition messageRef="N"/>'),
        '<exclusiveGateway id="m"/>',
        flows("s m", "m t", "t c", "c m"),
    )
    answers = begins(MESSAGE, throw("a", '<messageEventDefinition messageRef="N"/>'), catch("d", MESSAGE), '<exclusiveGateway id="m"/>',
        flows("s m", "m a", "a d", "d m"), id="q")  # fmt: skip
    with engine_with(asks, answers) as engine:
        engine.start("p")
        assert max(lengths(engine)) == LIMIT
        assert len(stands(engine)) == 1


def test_an_event_subprocess_that_sends_itself_its_message() -> None:
    xml = begins(
        "", '<userTask id="u"/>', event_sub("h", MESSAGE, False, throw("a", MESSAGE), flows("h-s a")), throw("t", MESSAGE), flows("s t", "t u")
    )
    with engine_with(xml) as engine:
        engine.start("p")
        assert stands(engine) == {("p", "a")}


def test_branches_make_a_chain_longer() -> None:
    thrice = begins(SIGNAL, *[throw(f"t{n}", SIGNAL) for n in range(3)], flows("s t0", "t0 t1", "t1 t2"))
    with engine_with(thrice) as engine:
        engine.broadcast_signal("g")
        assert len(engine.instances()) == 1 + 3 + 9  # at a limit of 1,000 some 4,000
        assert sorted(set(lengths(engine))) == [0, 1, 162]
    assert (after(0, 1000), after(1, 1), after(5, 2), after(5, 1000)) == (1, 2, 86, 806)
    assert (reaching(1, 20_000), reaching(2, 1), reaching(2, 2), reaching(2, 20_000)) == (1, 2, 82, 1202)


def test_waiting_instances_that_signal_each_other() -> None:
    xml = begins("", '<userTask id="u"/>', event_sub("h", SIGNAL, False, throw("a", SIGNAL), flows("h-s a")), flows("s u"))
    with engine_with(xml) as engine:
        engine.app.services.library.interpreter.limits = Limits(chain=LIMIT, events=300)
        for _ in range(3):
            engine.start("p")
        engine.broadcast_signal("g")
        found = {element for _, element in every_incident(engine)}
        assert found and found <= {"a", "h", "h-s"}
        engine.check()


def every_incident(engine: EmbeddedEngine) -> set[tuple[str, str]]:
    made = engine.instances()
    with engine.app.reading() as read:
        return {(one.id, incident.element_id) for one in made for incident in read.incidents(SYSTEM, one.id, open_only=True)}


def test_a_person_begins_a_new_chain_and_so_does_a_retry() -> None:
    with engine_with(begins(SIGNAL, '<userTask id="u"/>', throw("t", SIGNAL), flows("s u", "u t"))) as engine:
        engine.broadcast_signal("g")
        for _ in range(LIMIT + 5):
            [task] = engine.user_tasks()
            engine.complete(task.id)
        assert stands(engine) == set()
        assert max(lengths(engine)) == 1
    with engine_with(begins(SIGNAL, throw("t", SIGNAL), flows("s t"))) as engine:
        engine.broadcast_signal("g")
        made = engine.instances()
        with engine.app.reading() as read:
            [stopped] = [incident.id for one in made for incident in read.incidents(SYSTEM, one.id, open_only=True)]
        engine.app.execute(RetryIncident(stopped, "wanted"), SYSTEM)
        engine.app.run_due()
        assert len(engine.instances()) == 2 * LIMIT + 1


def test_a_message_that_was_kept_goes_on_with_the_chain_of_its_receiver() -> None:
    """The send is committed before anybody waits, so it is kept; nevertheless the circle ends."""
    body = (throw("t", MESSAGE), '<task id="w" camunda:asyncBefore="true"/>', catch("c", MESSAGE), '<exclusiveGateway id="m"/>')
    with engine_with(begins("", *body, flows("s m", "m t", "t w", "w c", "c m"))) as engine:
        engine.start("p")
        assert stands(engine) == {("p", "t")}


def test_definitions_without_a_chain_are_as_they_were() -> None:
    xml = definitions(f'{ROOTS}<process id="p"><startEvent id="s"/>{throw("t", MESSAGE)}{flows("s t")}</process>')
    with engine_with(xml) as engine:
        one = engine.start("p")
        with engine.app.reading() as read:
            assert b"chain" not in next(iter(read.records(SYSTEM, one))).body
