"""Port Records: (instance, seq) and request ids are taken once; what is written comes back byte for byte."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from engine.errors import ConcurrentChange, RequestIdReused
from engine.history.chain import check
from engine.model.events import CommentAdded, VariableSet
from engine.model.inputs import AddComment, StartInstance
from engine.ports import Head
from engine.testing import START
from tests.support.sealing import sealed

pytestmark = pytest.mark.parametrize("url", ["memory", "sqlite", "postgresql"], indirect=True)


def record(instance="i1", seq=1, request_id=None, text="审核 ✓ \x00 \U0001f600", previous="", at=START):
    more = {"seq": seq, "request_id": request_id, "previous": previous, "at": at}
    if seq == 1:
        return sealed(instance, StartInstance("p", {"text": text}), VariableSet(0, "text", text), **more)
    text = text.replace("\x00", "")  # comments stand in a text column, too, and PostgreSQL's texts hold no NUL
    return sealed(instance, AddComment(text), CommentAdded(text), **more)


def append(uow, *records):
    """Each with the head that it makes."""
    for one in records:
        uow.append(one, Head(one.instance_id, "p:1", "p", "键", "active", one.seq, one.hash, "system"))


def test_records_come_back_as_written_in_order(work):
    first = record(request_id="r-1")
    second = record(seq=2, previous=first.hash)
    with work() as uow:
        append(uow, first, second)
        append(uow, record("i2"))
    with work() as uow:
        assert uow.records.of("i1") == [first, second]
        assert uow.records.of("i1", after=1) == [second]
        assert uow.records.of("i1", after=2) == []
        assert uow.records.by_request("r-1") == first
        assert uow.records.by_request("r-2") is None
        assert check("i1", uow.records.of("i1")) == 2


def test_a_taken_seq_is_a_concurrent_change_and_the_transaction_is_lost(work):
    with work() as uow:
        append(uow, record())
    with pytest.raises(ConcurrentChange):  # noqa: PT012, SIM117 - the whole unit of work is meant
        with work() as uow:
            append(uow, record("i9"))
            append(uow, record(text="other"))
    with work() as uow:
        assert uow.records.of("i9") == []
        assert uow.records.of("i1") == [record()]


def test_a_taken_request_id_is_told_from_a_taken_seq(work):
    with work() as uow:
        append(uow, record(request_id="r"))
    with pytest.raises(RequestIdReused), work() as uow:
        append(uow, record("i2", request_id="r"))
    with work() as uow:  # none at all is no clash
        append(uow, record("i3"))
        append(uow, record("i4"))


def test_heads_keep_moments_to_the_microsecond_in_utc(work):
    at = datetime(2026, 3, 29, 3, 30, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    one = record(at=at)
    with work() as uow:
        append(uow, one)
    with work() as uow:
        assert uow.instances.head("i1", lock=True) == Head("i1", "p:1", "p", "键", "active", 1, one.hash, "system")
        assert uow.instances.head("i2") is None
        [stored] = uow.records.of("i1")
        assert stored.at == at
        assert stored.at.tzinfo is UTC


def test_a_snapshot_replaces_the_one_before_and_is_for_one_engine_only(work):
    with work() as uow:
        uow.instances.keep_snapshot("i1", 100, "1", {"a": [1, "二"]})
    with work() as uow:
        uow.instances.keep_snapshot("i1", 200, "1", {"a": 2})
    with work() as uow:
        assert uow.instances.snapshot("i1", "1") == (200, {"a": 2})
        assert uow.instances.snapshot("i1", "2") is None


def test_the_same_bytes_are_stored_once(work):
    with work() as uow:
        first = uow.blobs.put(b"\x00\xff", "image/png")
        assert uow.blobs.put(b"\x00\xff") == first
    with work() as uow:
        assert uow.blobs.get(first) == b"\x00\xff"
        assert uow.blobs.get("0" * 64) is None
