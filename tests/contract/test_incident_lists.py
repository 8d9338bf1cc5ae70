"""Lists of what failed, page by page: every row once, also among those of one moment, and only what may be seen."""

from __future__ import annotations

from functools import partial

import pytest

from engine.errors import InvalidInput, NotAllowed
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.model.views import IncidentFilter
from engine.ports import Due
from engine.projections.rebuild import rebuild
from engine.testing import START as NOW
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, process

ANN = Actor("ann", "Ann", roles=frozenset({"operator"}))
AUDITOR = Actor("aud", "Aud", roles=frozenset({"auditor"}))
CLERK = Actor("clerk", "", roles=frozenset({"staff"}))
SCRIPT = START + '<scriptTask id="sum"><script>total = 1 / count</script></scriptTask>' + END + chain("start", "sum", "end")
JOB = START + '<serviceTask id="do" flowledger:handler="nothing"/>' + END + chain("start", "do", "end")


@pytest.fixture
def engine(url):
    with EmbeddedEngine(database=url) as one:
        one.deploy({"sums.bpmn": process(SCRIPT, "sums"), "jobs.bpmn": process(JOB, "jobs")})
        yield one


def walk(read):
    """All rows, page by page; `read` gets the cursor."""
    pages = [read(None)]
    while pages[-1].next is not None:
        pages.append(read(pages[-1].next))
    return pages


def test_every_incident_is_on_one_page(engine):
    """Seven of one moment and one later one."""
    instances = [engine.start("sums", {"count": 0}) for _ in range(7)]
    engine.advance(60)
    newest = engine.start("sums", {"count": 0})
    with engine.app.reading() as read:
        pages = walk(lambda cursor: read.incident_page(ANN, IncidentFilter(cursor=cursor, size=3)))
        assert read.open_incidents(ANN) == 8
    assert [len(page.rows) for page in pages] == [3, 3, 2]
    found = [one.instance_id for page in pages for one in page.rows]
    assert (found[0], sorted(found)) == (newest, sorted([*instances, newest]))


def test_an_instance_tells_its_oldest_open_incident_until_none_is_open(engine):
    two = START + "".join(f'<scriptTask id="{one}"><script>x_{one} = 1 / {one}</script></scriptTask>' for one in "ab")
    engine.deploy({"both.bpmn": process(two + chain("start", "a") + chain("start", "b"), "both")})
    instance = engine.start("both", {"a": 0, "b": "x"})
    older, newer = sorted(page(engine, instance_id=instance), key=lambda one: one.id)
    assert engine.instance(instance).error == older.cause != newer.cause
    engine.app.execute(cmd.RetryIncident(older.id, "mended", {"a": 1}), SYSTEM)
    assert engine.instance(instance).error == newer.cause
    engine.app.execute(cmd.RetryIncident(newer.id, "again"), SYSTEM)
    assert engine.instance(instance).error == newer.cause
    rebuild(engine.app.store)
    assert engine.instance(instance).error == newer.cause
    engine.app.execute(cmd.RetryIncident(newer.id, "mended", {"b": 1}), SYSTEM)
    assert (engine.instance(instance).error, engine.instance(instance).state) == (None, "completed")


def test_filters(engine):
    first, second = engine.start("sums", {"count": 0}), engine.start("sums", {"count": 0})
    job = engine.start("jobs")
    engine.app.run_due()
    [incident] = page(engine, instance_id=first)
    engine.app.execute(cmd.RetryIncident(incident.id, "mended", {"count": 1}), SYSTEM)
    assert {one.instance_id for one in page(engine)} == {second, job}
    assert {one.instance_id for one in page(engine, open_only=False)} == {first, second, job}
    assert {one.instance_id for one in page(engine, process_id="sums")} == {second}
    assert page(engine, process_id="nothing") == []


def page(engine, actor=ANN, **filters):
    with engine.app.reading() as read:
        return list(read.incident_page(actor, IncidentFilter(**filters)).rows)


def test_the_stack_is_for_operators(engine):
    engine.start("jobs")
    engine.app.run_due()
    assert "Traceback" in page(engine)[0].stack
    assert page(engine, AUDITOR)[0].stack is None
    with pytest.raises(NotAllowed):
        page(engine, CLERK)
    with engine.app.reading() as read, pytest.raises(NotAllowed):
        read.open_incidents(CLERK)


def test_all_open_incidents_of_an_instance_are_found(engine, monkeypatch):
    """Whoever mends one of very many must find it; of those that are resolved the newest are enough."""
    monkeypatch.setattr("engine.store.incident_queries.OF_ONE", 2)
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>5</loopCardinality></multiInstanceLoopCharacteristics>"
    engine.deploy({"many.bpmn": process(SCRIPT.replace("</script>", f"</script>{loop}"), "many")})
    instance = engine.start("many", {"count": 0})
    with engine.app.reading() as read:
        assert len(read.incidents(ANN, instance, open_only=True)) == 5
        assert len(read.incidents(ANN, instance)) == 2


def test_every_stuck_job_is_on_one_page(engine, monkeypatch):
    monkeypatch.setattr("engine.store.operations.STUCK", 3)
    for n in range(7):
        job = Due(f"mail-{n}", "mail", None, None, "", None, {}, NOW, 3, 3, state="failed")
        engine.app._transact(partial(lambda job, uow: uow.jobs.add(job), job))
    with engine.app.reading() as read:
        pages = walk(lambda cursor: read.stuck_jobs(ANN, cursor))
    assert [[one.id for one in page.rows] for page in pages] == [[f"mail-{n}" for n in ns] for ns in ((0, 1, 2), (3, 4, 5), (6,))]


@pytest.mark.parametrize("cursor", ["x", "WzFd"])
def test_an_address_that_is_no_page_is_refused(engine, cursor):
    with engine.app.reading() as read:
        with pytest.raises(InvalidInput):
            read.incident_page(ANN, IncidentFilter(cursor=cursor))
        with pytest.raises(InvalidInput):
            read.stuck_jobs(ANN, cursor)
