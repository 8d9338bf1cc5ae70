"""Figures of a small snapshot that was worked out by hand, and properties that hold for every snapshot."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from processes.service_report.metrics import Period, compute

TARGETS = [
    {"metric_id": "on_time_response", "name": "响应及时率", "unit": "%", "comparator": ">=", "target": 95},
    {"metric_id": "on_time_resolution", "name": "解决及时率", "unit": "%", "comparator": ">=", "target": 60},
    {"metric_id": "availability", "name": "可用性", "unit": "%", "comparator": ">=", "target": 99.5},
    {"metric_id": "csat", "name": "满意度", "unit": "%", "comparator": ">=", "target": 90},
]
TIMES = [
    {"priority": "P1", "response_min": 30, "resolution_min": 240, "clock": "calendar"},
    {"priority": "P2", "response_min": 60, "resolution_min": 480, "clock": "working"},
]


def _ticket(number: str, opened: str, **values: Any) -> dict[str, Any]:
    base = {
        "number": number, "process": "incident", "title": "", "priority": "P1", "category": "网络", "location": "A", "ci": "", "close_code": "",
        "opened_at": opened, "responded_at": None, "resolved_at": None, "closed_at": None, "pauses": [], "downtime_min": None, "made_sla": None,
        "reopen_count": 0, "synthetic": True,
    }  # fmt: skip
    return {**base, **values}


def _snapshot(tickets: list[dict[str, Any]], **over: Any) -> dict[str, Any]:
    base = {
        "schema": 1,
        "period": {"start": "2026-06-01", "end": "2026-06-30", "time_zone": "UTC"},
        "window": {"from": "2026-01-01T00:00:00.000000Z", "to": "2026-07-01T00:00:00.000000Z"},
        "sla": {"version": "1", "times": TIMES, "targets": TARGETS},
        "calendar": {"opens": "09:00", "closes": "18:00", "days_off": ["2026-06-06", "2026-06-07"], "estimated": False},
        "maintenance": [{"from": "2026-05-31T23:00:00Z", "to": "2026-06-01T01:00:00Z"}],
        "tickets": tickets,
    }
    return {**base, **over}


def _result(figures: dict[str, Any], metric: str) -> dict[str, Any]:
    return next(r for r in figures["sla_results"] if r["metric_id"] == metric)


HAND = [
    _ticket("a", "2026-06-02T10:00:00Z", responded_at="2026-06-02T10:30:00Z", resolved_at="2026-06-02T14:00:00Z", downtime_min=240, ci="核心交换机"),
    _ticket("b", "2026-06-03T10:00:00Z", responded_at="2026-06-03T10:31:00Z", resolved_at="2026-06-03T14:01:00Z", downtime_min=0, ci="核心交换机"),
    # a pause of two hours makes it in time
    _ticket("c", "2026-06-04T10:00:00Z", responded_at="2026-06-04T10:05:00Z", resolved_at="2026-06-04T15:00:00Z",
            pauses=[["2026-06-04T11:00:00Z", "2026-06-04T13:00:00Z"], ["2026-06-04T12:00:00Z", "2026-06-04T13:00:00Z"]]),
    # Friday 17:00 to Monday 16:00 is eight office hours: just in time
    _ticket("d", "2026-06-05T17:00:00Z", priority="P2", responded_at="2026-06-05T17:30:00Z", resolved_at="2026-06-08T16:00:00Z", reopen_count=1),
    # still open at the end of the period and long overdue; answered
    _ticket("e", "2026-06-10T10:00:00Z", responded_at="2026-06-10T10:10:00Z", resolved_at="2026-07-02T10:00:00Z"),
    # open, not yet due at the cut-off: cannot be measured
    _ticket("f", "2026-06-30T23:50:00Z"),
    _ticket("old", "2026-05-20T10:00:00Z", resolved_at="2026-05-20T11:00:00Z", closed_at="2026-06-02T00:00:00Z"),
]  # fmt: skip


def test_rates_by_hand() -> None:
    figures = compute(_snapshot(HAND))
    response, resolution = _result(figures, "on_time_response"), _result(figures, "on_time_resolution")
    assert (response["successes"], response["n"], response["unmeasured"]) == (4, 5, 1)
    assert response["actual"] == 80.0
    assert response["attained"] is False
    assert (resolution["successes"], resolution["n"], resolution["attained"]) == (3, 5, True)
    assert resolution["interval"] == pytest.approx([23.0722, 88.2383], abs=1e-3)
    assert figures["numerators"]["late_response"] == ["b"]
    assert figures["numerators"]["late_resolution"] == ["b", "e"]


def test_counts_by_hand() -> None:
    figures = compute(_snapshot(HAND))
    assert figures["counts"] == {"opened": 6, "resolved": 4, "closed": 1, "backlog": 2, "reopened": 1}
    assert figures["previous_counts"]["opened"] == 1


def test_availability_leaves_out_maintenance_and_says_what_mtrs_is() -> None:
    found = compute(_snapshot(HAND))["availability"]
    agreed = 30 * 1440 - 60
    assert (found["agreed_min"], found["downtime_min"], found["failures"]) == (agreed, 240, 1)
    assert found["availability_pct"] == pytest.approx(100 * (agreed - 240) / agreed, abs=1e-4)
    assert found["mtbf_h"] == pytest.approx((agreed - 240) / 60, abs=0.01)
    assert found["mtrs_h"] == 4.0


def test_no_denominator_is_no_data_never_a_hundred_percent() -> None:
    figures = compute(_snapshot([]))
    assert all(r["actual"] is None and r["attained"] is None for r in figures["sla_results"])
    assert _result(figures, "on_time_response")["reason"] == "no_data"
    assert _result(figures, "csat")["reason"] == "not_measured"
    assert figures["sla_attainment"] == {
        "attained": 0, "measurable": 0, "value": None, "unmeasured": ["on_time_response", "on_time_resolution", "availability", "csat"],
    }  # fmt: skip


def test_below_five_only_counts_are_given() -> None:
    row = _result(compute(_snapshot(HAND[:3])), "on_time_response")
    assert (row["actual"], row["interval"], row["successes"], row["n"], row["reason"]) == (None, None, 2, 3, "too_few")


def test_the_sources_own_flag_counts_where_the_sla_sets_no_time() -> None:
    rows = [_ticket(str(i), "2026-06-02T10:00:00Z", priority="P9", resolved_at="2026-06-02T11:00:00Z", made_sla=i != 0) for i in range(8)]
    row = _result(compute(_snapshot(rows)), "on_time_resolution")
    assert (row["successes"], row["n"]) == (7, 8)


def test_periods_before() -> None:
    assert Period("2026-04-01", "2026-06-30", "UTC").before() == ("2026-01-01", "2026-03-31")
    assert Period("2026-01-01", "2026-01-31", "UTC").before() == ("2025-12-01", "2025-12-31")
    assert Period("2026-06-08", "2026-06-14", "UTC").before() == ("2026-06-01", "2026-06-07")
    assert Period("2025-02-01", "2025-02-28", "UTC").year_before() == ("2024-02-01", "2024-02-29")
    assert Period("2024-02-01", "2024-02-29", "UTC").year_before() == ("2023-02-01", "2023-02-28")


def test_without_data_of_the_period_before_there_is_no_comparison() -> None:
    figures = compute(_snapshot(HAND, window={"from": "2026-06-01T00:00:00Z", "to": "2026-07-01T00:00:00Z"}))
    assert figures["previous_counts"] is None
    assert _result(figures, "on_time_response")["prev"] is None
    assert figures["trends"][0]["verdict"] == "too_few"


def test_pareto_marks_what_fails_again() -> None:
    found = compute(_snapshot(HAND))["components"]
    assert [(c["ci"], c["failures"], c["cum_pct"], c["unreliable"]) for c in found] == [("核心交换机", 2, 100.0, True)]


def test_a_decline_warns_before_the_target_is_missed() -> None:
    def outlook(late: int) -> dict[str, Any]:
        rows = [_ticket(str(i), "2026-06-02T10:00:00Z", priority="P9", resolved_at="2026-06-02T11:00:00Z", made_sla=i >= late) for i in range(50)]
        targets = [{**TARGETS[1], "target": 95}]
        figures = compute(_snapshot(rows, sla={"version": "1", "times": [], "targets": targets}))
        assert figures["sla_results"][0]["attained"] is True
        return dict(figures["outlook"][0])

    calm, near = outlook(0), outlook(2)
    assert (calm["breach_probability"], calm["warn"]) == (0.0, False)
    assert near["allowed"] == 2
    assert near["breach_probability"] == pytest.approx(binom.sf(2, 50, 0.04), abs=1e-4)
    assert near["warn"]


moments = st.integers(0, 60 * 24 * 200).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m))


@st.composite
def snapshots(draw: Any) -> dict[str, Any]:
    rows = []
    for i in range(draw(st.integers(0, 25))):
        opened = draw(moments)
        after = st.integers(0, 20_000).map(lambda m, o=opened: (o + timedelta(minutes=m)).isoformat())
        maybe = st.one_of(st.none(), after)
        rows.append(
            _ticket(
                f"T{i}", opened.isoformat(), priority=draw(st.sampled_from(["P1", "P2", "P3"])), process=draw(st.sampled_from(["incident", "request", "change"])),
                responded_at=draw(maybe), resolved_at=draw(maybe), closed_at=draw(maybe), downtime_min=draw(st.one_of(st.none(), st.integers(0, 5000))),
                ci=draw(st.sampled_from(["", "x", "y"])), reopen_count=draw(st.integers(0, 2)),
            )
        )  # fmt: skip
    return _snapshot(rows)


@settings(max_examples=60, deadline=None)
@given(snapshots(), st.randoms(use_true_random=False))
def test_figures_depend_on_the_tickets_not_on_their_order(snapshot: dict[str, Any], rng: random.Random) -> None:
    figures = compute(snapshot)
    shuffled = list(snapshot["tickets"])
    rng.shuffle(shuffled)
    again = compute({**snapshot, "tickets": shuffled})
    for found in (figures, again):
        found["numerators"] = {k: sorted(v) for k, v in found["numerators"].items()}
    assert again == figures
    assert json.loads(json.dumps(figures)) == figures


@settings(max_examples=60, deadline=None)
@given(snapshots())
def test_figures_stay_within_their_bounds(snapshot: dict[str, Any]) -> None:
    figures = compute(snapshot)
    for row in figures["sla_results"]:
        assert row["actual"] is None or 0 <= row["actual"] <= 100
        if row["interval"]:
            assert row["interval"][0] - 1e-3 <= row["actual"] <= row["interval"][1] + 1e-3
    for group in figures["workload"].values():
        assert sum(r["opened"] for r in group) == figures["counts"]["opened"]
        assert sum(r["closed"] for r in group) == figures["counts"]["closed"]
    assert figures["availability"]["availability_pct"] is None or 0 <= figures["availability"]["availability_pct"] <= 100
