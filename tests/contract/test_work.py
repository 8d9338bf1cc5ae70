"""Ports Jobs and Waiting: in which order work is done, and whom a message reaches."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.model.events import InstanceStarted, SubscriptionOpened
from engine.model.inputs import StartInstance
from engine.ports import Carried, Due, Head
from engine.testing import START
from tests.support.sealing import sealed

pytestmark = pytest.mark.parametrize("url", ["memory", "sqlite", "postgresql"], indirect=True)

SECOND = timedelta(seconds=1)


def job(job_id, at=START, **more):
    values = {"kind": "timer", "instance_id": "i1", "key": 1, "element_id": "e", "handler": None, "parameters": {}, "attempts": 0, "retries": 3}
    return Due(**{**values, "id": job_id, "due_at": at, **more})


def ids(uow, now=START):
    """Due jobs in order, each left out of the next question."""
    found = []
    while (due := uow.jobs.next_due(now, found)) is not None:
        found.append(due.id)
    return found


# --- jobs -----------------------------------------------------------------------------------------------------------------
def test_jobs_run_by_due_time_then_by_creation(work):
    with work() as uow:
        for one in (job("z", START), job("b", START - SECOND), job("a", START), job("later", START + SECOND), job("c", START - SECOND)):
            uow.jobs.add(one)
    with work() as uow:
        assert ids(uow) == ["b", "c", "z", "a"]
        assert ids(uow, START + SECOND) == ["b", "c", "z", "a", "later"]
        assert uow.jobs.earliest(START - 2 * SECOND) == START - SECOND
        assert uow.jobs.earliest(START) == START + SECOND, "what is due already is not waited for"


def test_a_job_comes_back_whole_and_the_same_id_replaces_it(work):
    one = job("j", kind="service", handler="h", parameters={"名": ["值", 1.5, None]}, attempts=2, retries=5)
    with work() as uow:
        uow.jobs.add(job("j"))
        uow.jobs.add(one)
    with work() as uow:
        assert uow.jobs.get("j") == one
        assert ids(uow) == ["j"]
        assert uow.jobs.remove("j")
        assert not uow.jobs.remove("j")
        assert uow.jobs.get("j") is None


def test_a_node_that_comes_late_does_not_take_the_next_time_of_a_cycle(work):
    with work() as uow:
        uow.jobs.add(job("start-p:1-start", START, kind="start", instance_id=None, key=None))
    with work() as uow:  # the other node was first and planned the next time under the same id
        uow.jobs.add(job("start-p:1-start", START + SECOND, kind="start", instance_id=None, key=None))
    with work() as uow:
        assert not uow.jobs.remove("start-p:1-start", START)
        assert uow.jobs.remove("start-p:1-start", START + SECOND)


def test_a_leased_job_is_nobody_elses_until_the_lease_ends(work):
    with work() as uow:
        uow.jobs.add(job("j"))
        uow.jobs.lease("j", "node 1", START + 300 * SECOND)
    with work() as uow:
        assert ids(uow, START + 299 * SECOND) == []
        assert uow.jobs.still_due("j", START) is None
        assert ids(uow, START + 301 * SECOND) == ["j"]
        assert uow.jobs.still_due("j", START + 301 * SECOND) is not None


def test_a_postponed_job_waits_and_a_failed_one_waits_for_an_operator(work):
    with work() as uow:
        uow.jobs.add(job("j"))
        uow.jobs.lease("j", "node 1", START + 300 * SECOND)
        uow.jobs.postpone("j", 1, START + 5 * SECOND, "stack")
    with work() as uow:
        assert ids(uow) == []
        assert uow.jobs.still_due("j", START) is None
        assert uow.jobs.next_due(START + 5 * SECOND).attempts == 1
        uow.jobs.postpone("j", 3, None, "stack")
        assert ids(uow, START + 3600 * SECOND) == []
        assert uow.jobs.earliest(START) is None
        assert uow.jobs.still_due("j", START + 3600 * SECOND) is None
        uow.jobs.revive("j", START + SECOND)
        assert uow.jobs.next_due(START + SECOND).attempts == 0


def test_start_jobs_are_found_by_definition_literally(work):
    with work() as uow:
        for job_id in ("start-a_b:1-s", "start-axb:1-s", "start-a_b:1-t", "start-a_b:11-s"):
            uow.jobs.add(job(job_id, kind="start", instance_id=None, key=None))
    with work() as uow:
        assert sorted(uow.jobs.of_definition("a_b:1")) == ["start-a_b:1-s", "start-a_b:1-t"]


# --- who waits for what ------------------------------------------------------------------------------------------------
def wait(uow, instance, key, name, correlation_key=None, business_key=None, kind="message", at=START):
    one = sealed(instance, StartInstance("p"), InstanceStarted("p"), SubscriptionOpened(key, "e", kind, name, correlation_key), at=at)
    uow.append(one, Head(instance, "p:1", "p", business_key, "active", 1, one.hash))


def test_a_message_reaches_its_exact_key_then_whoever_has_none_oldest_first(work):
    with work() as uow:
        wait(uow, "i5", 1, "paid", at=START)
        wait(uow, "i4", 1, "paid", at=START)
        wait(uow, "i3", 1, "paid", "A", at=START + 2 * SECOND)
        wait(uow, "i2", 1, "paid", "A", at=START + SECOND)
        wait(uow, "i1", 1, "other", "A")
        wait(uow, "i6", 1, "paid", "A", kind="signal")
    with work() as uow:
        assert uow.waiting.match("message", "paid", "A") == ("i2", 1)
        assert uow.waiting.match("message", "paid", "B") == ("i4", 1)
        assert uow.waiting.match("message", "paid", None) == ("i4", 1)
        assert uow.waiting.match("message", "nobody", "A") is None
        assert uow.waiting.is_open("i2", 1)
        assert not uow.waiting.is_open("i2", 2)


def test_a_subscription_without_a_key_waits_under_the_business_key(work):
    with work() as uow:
        wait(uow, "i1", 1, "paid", business_key="K")
    with work() as uow:
        assert uow.waiting.match("message", "paid", "K") == ("i1", 1)
        assert uow.waiting.match("message", "paid", "L") is None


def test_a_signal_reaches_every_instance_once_oldest_first(work):
    with work() as uow:
        wait(uow, "i2", 1, "stop", kind="signal", at=START)
        wait(uow, "i1", 1, "stop", kind="signal", at=START + SECOND)
        wait(uow, "i3", 1, "stop", at=START)
    with work() as uow:
        assert uow.waiting.instances("stop") == [("i2", False), ("i1", False)]
        assert [uow.waiting.waits(one, "stop") for one in ("i1", "i2", "i3")] == [True, True, False]


def test_kept_messages_are_taken_oldest_first_once_and_before_they_expire(work):
    later = START + 60 * SECOND
    with work() as uow:
        uow.waiting.keep("m1", "paid", "A", {"n": 1}, later)
        uow.waiting.keep("m2", "paid", "A", {"n": 2}, later)
        uow.waiting.keep("m3", "paid", None, {"n": 3}, later)
        uow.waiting.keep("m4", "paid", "A", {"n": 4}, START)
    with work() as uow:
        assert uow.waiting.take_kept("other", "A", START) is None
        assert uow.waiting.take_kept("paid", "B", START) == (None, {"n": 3})
        assert uow.waiting.take_kept("paid", "A", START) == ("A", {"n": 1})
        assert uow.waiting.forget_expired(START) == 1
        assert uow.waiting.take_kept("paid", None, START) == ("A", {"n": 2})
        assert uow.waiting.take_kept("paid", "A", START) is None


def test_a_message_without_a_key_reaches_whoever_reads_that_key_from_it(work):
    def reads(uow, instance, key, *paths, at=START):
        one = sealed(instance, StartInstance("p"), InstanceStarted("p"), SubscriptionOpened(1, "e", "message", "paid", key, paths), at=at)
        uow.append(one, Head(instance, "p:1", "p", None, "active", 1, one.hash))

    with work() as uow:
        reads(uow, "i1", "A", "a")
        reads(uow, "i2", '["A","B"]', "a", "b")
        reads(uow, "i3", "B", "a")
    with work() as uow:
        assert uow.waiting.retrievals("paid") == [("a", "b"), ("a",)]
        assert uow.waiting.retrievals("other") == []
        assert uow.waiting.match("message", "paid", None) is None
        assert uow.waiting.match("message", "paid", None, [Carried(("a",), "B")]) == ("i3", 1)
        assert uow.waiting.match("message", "paid", None, [Carried(("a", "b"), "B")]) is None
        assert uow.waiting.match("message", "paid", None, [Carried(("a", "b"), '["A","B"]'), Carried(("a",), "A")]) == ("i2", 1)
        assert uow.waiting.match("message", "paid", "B", [Carried(("a",), "A")]) == ("i3", 1)  # a key that is said goes before one that is read
        wait(uow, "i4", 1, "paid")
        assert uow.waiting.match("message", "paid", None, [Carried(("a",), "C")]) == ("i4", 1)


def test_a_kept_message_without_a_key_is_taken_by_whoever_accepts_its_payload(work):
    later = START + 60 * SECOND
    with work() as uow:
        uow.waiting.keep("m1", "paid", None, {"n": 1}, later)
        uow.waiting.keep("m2", "paid", None, {"n": 2}, later)
        uow.waiting.keep("m3", "paid", "A", {"n": 3}, later)
    with work() as uow:
        assert uow.waiting.take_kept("paid", "A", START, lambda payload: payload["n"] == 2) == (None, {"n": 2})
        assert uow.waiting.take_kept("paid", "A", START, lambda _: False) == ("A", {"n": 3})
        assert uow.waiting.take_kept("paid", "A", START, lambda _: False) is None
