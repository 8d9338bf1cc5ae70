"""The same inputs give the same events: with and without snapshots in between, in another process, under another hash seed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.model.codec import encode
from engine.model.values import canonical
from tests.support.bpmn_bench import Bench, flows, process, script
from tests.support.random_diagrams import Writer, run

ROOT = Path(__file__).parents[3]


def digest(seeds: range) -> str:
    total = hashlib.sha256()
    for seed in seeds:
        bench = run(Bench(Writer(seed).xml(), roundtrip=False), seed)
        total.update(canonical([encode(event) for event in bench.events]))
        total.update(canonical(bench.execution.snapshot()))
    return total.hexdigest()


@pytest.mark.parametrize("seed", range(60))
def test_a_snapshot_after_every_movement_changes_nothing(seed: int) -> None:
    xml = Writer(seed).xml()
    plain, restored = run(Bench(xml, roundtrip=False), seed), run(Bench(xml, roundtrip=True), seed)
    assert plain.events == restored.events
    assert (plain.state, plain.error) == (restored.state, restored.error)


@pytest.mark.parametrize("seed", range(60))
def test_a_run_ends_with_nothing_left_open(seed: int) -> None:
    bench = run(Bench(Writer(seed).xml(), roundtrip=False), seed, steps=1500)
    if bench.state == "completed":
        assert (bench.open_tasks(), bench.open_jobs("service"), bench.open_jobs("timer"), bench.subscriptions()) == ({}, {}, {}, {})
        assert bench.execution.top.tokens == {}
        assert list(bench.execution.top.live) == [0]
    assert bench.execution.top.incidents == {}


def test_hash_seed_and_process_do_not_matter() -> None:
    code = "from tests.unit.bpmn.test_determinism import digest; print(digest(range(15)))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2", "3")
    }
    assert found == {digest(range(15))}


def test_the_order_of_names_in_a_payload_does_not_matter() -> None:
    called = process('<startEvent id="cs"/>', script("ct", "z = 1; a = 2"), flows("cs ct"), id="q")
    xml = process('<startEvent id="s"/>', '<userTask id="u"/>', '<callActivity id="c" calledElement="q"/>', flows("s u", "u c"))
    runs = []
    for order in (1, -1):
        bench = Bench(xml, called, roundtrip=order > 0)
        values = dict([("b", {"y": 1, "x": 2}), ("a", 1)][::order])
        runs.append(bench.start("p", **values).complete("u", **dict([("m", 1), ("k", {"v": 1, "u": 2})][::order])).events)
    assert runs[0] == runs[1]
