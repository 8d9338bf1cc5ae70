"""Port Definitions: versions count up, content finds its version, files come back byte for byte, only the newest version is started by events."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import ConcurrentChange
from engine.model.definition import Deployment, ProcessDefinition, ProcessInfo, StartTrigger
from engine.testing import START


def definition(version=1, process_id="p", content="c", deployment="d1"):
    return ProcessDefinition(
        id=f"{process_id}:{version}",
        process_id=process_id,
        version=version,
        name="流程",
        deployment_id=deployment,
        content_hash=content,
        file="p.bpmn",
        deployed_at=START,
        deployed_by="li",
        comment="为什么",
        called={"q": "q:3"},
    )


def info(process_id="p", *starts):
    return ProcessInfo(process_id, "流程", "p.bpmn", starts, {})


def add(uow, one, *starts, files=None):
    uow.definitions.add(Deployment(one.deployment_id, (one,), ()), files or {"p.bpmn": b"<x/>"}, {one.process_id: info(one.process_id, *starts)})


def test_a_version_comes_back_whole(work):
    one, files = definition(), {"b.dmn": "表".encode(), "a.bpmn": b"\x00\xff"}
    with work() as uow:
        add(uow, one, files=files)
    with work() as uow:
        assert uow.definitions.get("p:1") == uow.definitions.latest("p") == uow.definitions.by_content("p", "c") == one
        assert uow.definitions.files("d1") == files
        assert list(uow.definitions.files("d1")) == ["a.bpmn", "b.dmn"]
        assert uow.definitions.get("p:2") is uow.definitions.latest("q") is uow.definitions.by_content("q", "c") is None
        assert uow.definitions.files("d2") == {}


def test_the_newest_version_is_the_one_with_the_greatest_number(work):
    with work() as uow:
        for version in (1, 2, 10, 9):
            add(uow, definition(version, content=f"c{version}", deployment=f"d{version}"))
    with work() as uow:
        assert uow.definitions.latest("p").version == 10
        assert uow.definitions.by_content("p", "c9").version == 9


def test_a_taken_version_is_a_concurrent_change_and_nothing_of_the_deployment_stays(work):
    with work() as uow:
        add(uow, definition())
    with pytest.raises(ConcurrentChange):  # noqa: PT012, SIM117 - the whole unit of work is meant
        with work() as uow:
            add(uow, definition(1, "q", deployment="d2"))
            add(uow, replace(definition(), deployment_id="d3"))
    with work() as uow:
        assert uow.definitions.latest("q") is None
        assert uow.definitions.files("d2") == uow.definitions.files("d3") == {}


def test_events_start_the_newest_version_only(work):
    paid, stop = StartTrigger("s1", "message", "paid"), StartTrigger("s2", "signal", "stop")
    with work() as uow:
        add(uow, definition(), paid, stop)
        add(uow, definition(1, "o", deployment="d2"), paid)
        add(uow, definition(2, deployment="d3"), stop)
    with work() as uow:
        assert uow.definitions.starts("message", "paid") == [("o:1", "s1")]
        assert uow.definitions.starts("signal", "stop") == [("p:2", "s2")]
        assert uow.definitions.starts("signal", "paid") == []
