"""Comparing figures with those computed again."""

from __future__ import annotations

import pytest

from processes.service_report.rereading import SnapshotDamaged, compare, load, recompute
from tests.unit.service_report import example


def test_figures_of_the_snapshot_match_themselves() -> None:
    matched, checked = compare(example.figures(), recompute(example.snapshot()))
    assert matched == checked > 100


def test_a_changed_figure_is_found() -> None:
    shown = example.figures()
    shown["counts"]["opened"] += 1
    shown["sla_results"].append({"metric_id": "made up"})
    matched, checked = compare(shown, recompute(example.snapshot()))
    assert checked - matched == 2


def test_what_a_later_version_adds_is_no_difference() -> None:
    again = {**example.figures(), "new": [1, 2]}
    assert len(set(compare(example.figures(), again))) == 1


def test_a_damaged_snapshot_is_refused() -> None:
    class Blobs:
        def get(self, digest: str) -> bytes | None:
            return None if digest == "gone" else b"{}"

    for digest in ("gone", "0" * 64):
        with pytest.raises(SnapshotDamaged):
            load(Blobs(), digest)
