"""Every conformance case (`cases/`, described in `case.py`): it runs as it says, in whatever order its
elements are written, or is refused as it says, and its records replay.
"""

from __future__ import annotations

from collections import defaultdict
from zlib import crc32

import pytest
from lxml import etree

from tests.conformance.case import Case, cases, phrases
from tests.conformance.order import Reordered, shuffled
from tests.conformance.stage import Stage, engine_for, problem_line, problems_of
from tests.conformance.table import DATA, PAGE, data, markdown, rows

ALL = list(cases())
RUNNING = [(case, number) for case in ALL for number in range(len(case.runs))]


@pytest.mark.parametrize(("case", "number"), RUNNING, ids=[f"{case.id}-{number + 1}" for case, number in RUNNING])
def test_runs(case: Case, number: int) -> None:
    with engine_for(case) as engine:
        stage = Stage(case, engine)
        stage.play(case.runs[number], stage.deploy())
        if engine.instances():
            assert stage.replay() > 0
        told = stage.story()
    seed = crc32(f"{case.id} {number}".encode())  # any order will do; every run has another one, always the same
    with engine_for(case) as engine:
        stage = Reordered(case, engine, lambda xml: shuffled(xml, seed))
        stage.play(case.runs[number], stage.deploy())
        assert stage.story() == told, "the order in which the document is written changes what happens"


REFUSED = [case for case in ALL if case.refused]


@pytest.mark.parametrize("case", REFUSED, ids=[case.id for case in REFUSED])
def test_is_refused(case: Case) -> None:
    found = problems_of(case)
    assert sorted(problem_line(one) for one in found if one.severity == "error") == sorted(case.refused)
    with engine_for(case) as engine:
        assert engine.app.lint(case.contents()) == found  # the modeler's lint has the same rules
    for one in found:
        assert one.message
        assert one.line is not None or one.element_id is None, one


WARNED = [case for case in ALL if case.warnings is not None]


@pytest.mark.parametrize("case", WARNED, ids=[case.id for case in WARNED])
def test_warns(case: Case) -> None:
    with engine_for(case) as engine:
        found = engine.app.lint(case.contents())
    assert [problem_line(one) for one in found] == list(case.warnings or ())


SOUND = [case for case in ALL if case.sound is not None]


@pytest.mark.parametrize("case", SOUND, ids=[case.id for case in SOUND])
def test_soundness(case: Case) -> None:
    with engine_for(case) as engine:
        found = [one for answer in engine.app.soundness(case.contents()) for one in answer.findings]
    assert [problem_line(one.problem) for one in found] == list(case.sound or ())
    assert all(one.trace for one in found)


def test_cases_are_about_elements_of_their_files() -> None:
    for case in ALL:
        ids = {one.get("id") for path in case.all_files() for one in _elements(path.read_bytes())}
        assert set(case.elements) <= ids, case.id
        assert case.elements or case.refused, case.id


def _elements(data: bytes) -> list[etree._Element]:
    try:
        return list(etree.fromstring(data, etree.XMLParser(resolve_entities=False)).iter())
    except etree.XMLSyntaxError:
        return []


def test_every_phrase_is_shown_in_both_directions() -> None:
    known = phrases()
    works, fails = defaultdict(list), defaultdict(list)
    for case in ALL:
        if case.shows_that_it_works:
            works[case.phrase].append(case.id)
        if case.shows_what_does_not_happen:
            fails[case.phrase].append(case.id)
    assert {case.phrase for case in ALL} - set(known) == set()
    assert set(known) - set(works) - {key for key, said in known.items() if said.get("only") == "refused"} == set()
    assert set(known) - set(fails) - {key for key, said in known.items() if said.get("only") == "works"} == set()


def test_the_table_of_supported_elements_is_up_to_date() -> None:
    assert (PAGE.read_text(encoding="utf-8"), DATA.read_text(encoding="utf-8")) == (markdown(), data()), "run: make table"


def test_the_table_tells_element_event_position_and_attributes() -> None:
    found = {(row.element, row.event, row.position): row for row in rows()}
    row = found["boundaryEvent", "timer", "at userTask"]
    assert {"cancelActivity=false", "timeCycle", "timeDuration"} <= row.attributes
    assert "events/timer_cycle_boundary" in row.works
    assert ("intermediateCatchEvent", "signal", "process") in found  # by reference too
    assert found["boundaryEvent", "terminate", "at userTask"].works == []
