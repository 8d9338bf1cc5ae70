"""Code that is not ours may raise anything and say anything: it fails by itself, and whoever does the engine's work lives on."""

from __future__ import annotations

import asyncio
import threading

import pytest

from engine.errors import BpmnError
from engine.jobs.dispatcher import Dispatcher
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.plugins import PeriodicTask, service_task
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, process, user

WAYS_OUT = [SystemExit(2), GeneratorExit(), asyncio.CancelledError("stop")]


def service(handler, process_id, more=""):
    task = f'<serviceTask id="do" flowledger:handler="{handler}" flowledger:retry="R3/PT1S"/>{more}'
    return process(START + task + user("next") + END + chain("start", "do", "next", "end"), process_id)


CAUGHT = (
    '<boundaryEvent id="b" attachedToRef="do"><errorEventDefinition/></boundaryEvent><userTask id="mend"/>'
    '<sequenceFlow id="fb" sourceRef="b" targetRef="mend"/><sequenceFlow id="fm" sourceRef="mend" targetRef="end"/>'
)


def handlers(run, *, transactional):
    return [service_task("bad", transactional=transactional)(run), service_task("good")(lambda _: {})]


def raising(error):
    def run(*_):
        raise error

    return run


def open_tasks(engine, instance):
    return [task.element_id for task in engine.user_tasks(instance)]


def causes(engine, instance):
    with engine.app.reading() as read:
        return [one.cause for one in read.incidents(SYSTEM, instance, open_only=True)]


# --- what would end the thread ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("error", WAYS_OUT, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("transactional", [True, False], ids=["inside", "outside"])
def test_a_handler_that_wants_to_leave_has_failed(url, error, transactional):
    with EmbeddedEngine(database=url, handlers=handlers(raising(error), transactional=transactional)) as engine:
        engine.deploy({"a.bpmn": service("bad", "pa")})
        instance = engine.start("pa")
        engine.advance(10)
        [cause] = causes(engine, instance)
        assert cause.startswith("RuntimeError: it raised " + type(error).__name__)


def test_the_threads_that_do_due_work_live_on(url):
    came = threading.Event()

    @service_task("good")
    def good(_):
        came.set()
        return {}

    with EmbeddedEngine(database=url, handlers=[service_task("bad")(raising(SystemExit(2))), good]) as engine:
        engine.deploy({"a.bpmn": service("bad", "pa"), "b.bpmn": service("good", "pb")})
        for process_id in ("pa", "pa", "pb"):  # one thread each, and one more
            engine.app.execute(cmd.Start(process_id), SYSTEM)
        dispatcher = Dispatcher(engine.app.jobs, poll_seconds=0.05, threads=2)
        dispatcher.start()
        try:
            assert came.wait(20)
            assert dispatcher.alive
        finally:
            dispatcher.stop()


@pytest.mark.parametrize("transactional", [True, False], ids=["inside", "outside"])
def test_so_has_periodic_work(url, transactional):
    leaves = PeriodicTask("test.leaves", "R/PT1H", raising(SystemExit(2)), transactional)
    with EmbeddedEngine(database=url, periodic=[leaves]) as engine:
        engine.app.plan()
        engine.advance(24 * 3600)
        with engine.app.reading() as read:
            [stuck] = read.stuck_jobs(SYSTEM).rows
        assert (stuck.id, stuck.cause.partition(",")[0]) == ("periodic-test.leaves", "RuntimeError: it raised SystemExit: 2")


class Leaving:
    """A notifier."""

    server = "nowhere"

    def send(self, _notice):
        raise SystemExit(2)


def test_so_has_a_notifier(url):
    with EmbeddedEngine(database=url, notifier=Leaving(), public_url="http://here") as engine:
        engine.app.execute(cmd.PutUser("li", "Li", groups=("g",), password="long enough 1", notify="all", email="li@example.com"), SYSTEM)
        engine.deploy({"a.bpmn": process(START + user("a", 'camunda:candidateGroups="g"') + END + chain("start", "a", "end"))})
        engine.start("p")
        engine.advance(24 * 3600)
        with engine.app.reading() as read:
            assert [(one.kind, one.cause.partition(",")[0]) for one in read.stuck_jobs(SYSTEM).rows] == [
                ("mail", "RuntimeError: it raised SystemExit: 2")
            ]


def test_so_has_a_function_of_scripts(url):
    text = process(START + '<scriptTask id="s"><script>x = leave()</script></scriptTask>' + END + chain("start", "s", "end"))
    with EmbeddedEngine(database=url, functions={"leave": raising(SystemExit(2))}) as engine:
        engine.deploy({"p.bpmn": text})
        [cause] = causes(engine, engine.start("p"))
        assert "RuntimeError: it raised SystemExit: 2" in cause


# --- what no record and no database holds ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("said", ["cannot read \udce9.txt", "output: a\0b"], ids=["surrogate", "nul"])
@pytest.mark.parametrize("kind", [ValueError, BpmnError])
def test_what_a_function_of_scripts_says_can_be_written_down(url, said, kind):
    text = process(START + '<scriptTask id="s"><script>x = say()</script></scriptTask>' + END + chain("start", "s", "end"))
    with EmbeddedEngine(database=url, functions={"say": raising(kind(said))}) as engine:
        engine.deploy({"p.bpmn": text})
        assert "\ufffd" in (engine.instance(engine.start("p")).error or "")


@pytest.mark.parametrize("said", ["cannot read \udce9.txt", "output: a\0b"], ids=["surrogate", "nul"])
@pytest.mark.parametrize("transactional", [True, False], ids=["inside", "outside"])
def test_a_business_error_reaches_its_event_whatever_it_says(url, said, transactional):
    run = raising(BpmnError(said, said))
    with EmbeddedEngine(database=url, handlers=handlers(run, transactional=transactional)) as engine:
        engine.deploy({"a.bpmn": service("bad", "pa", CAUGHT)})
        assert open_tasks(engine, engine.start("pa")) == ["mend"]
