from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidInput
from engine.model import schedule

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("PT30M", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        ("P1M", datetime(2026, 2, 28, 12, tzinfo=UTC)),
        ("P1Y1M", datetime(2027, 2, 28, 12, tzinfo=UTC)),
        ("P2W", datetime(2026, 2, 14, 12, tzinfo=UTC)),
        ("PT0.5S", NOW + timedelta(milliseconds=500)),
        ("2026-03-01T08:00:00+08:00", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("R3/PT10M", NOW + timedelta(minutes=10)),
        ("R/2026-01-31T00:00:00Z/P1M", datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_first_due(text, due):
    assert schedule.first(text, NOW).due == due


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "1D", "P1H", "R0/PT1M", "R/PT0S", "R-1/PT1M", "P99999999Y", "2026-13-01", "R3/PT1M/x/y", "P" + "9" * 500 + "D"]
)
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(InvalidInput):
        schedule.first(text, NOW)


def test_months_of_a_cycle_do_not_drift():
    text = "R/2026-01-31T00:00:00Z/P1M"
    plan, seen = schedule.first(text, NOW), []
    for _ in range(4):
        seen.append((plan.due.month, plan.due.day))
        plan = schedule.following(text, plan.left, plan.due)
    assert seen == [(1, 31), (2, 28), (3, 31), (4, 30)]


def test_a_cycle_ends_after_its_count_and_at_its_end():
    plan = schedule.first("R2/PT1M", NOW)
    second = schedule.following("R2/PT1M", plan.left, plan.due)
    assert second is not None and second.left == 0
    assert schedule.following("R2/PT1M", second.left, second.due) is None
    assert schedule.following("R/P1D/2026-02-01T00:00:00Z", None, NOW) is None


@given(st.integers(0, 400), st.integers(0, 60), st.integers(0, 1000))
def test_seconds_are_exact(days, hours, minutes):
    found = schedule.duration(f"P{days}DT{hours}H{minutes}M").after(NOW)
    assert found - NOW == timedelta(days=days, hours=hours, minutes=minutes)


def test_a_new_version_does_not_repeat_the_starts_that_are_past():
    assert schedule.upcoming("R/2024-12-21T01:00:00Z/P3M", NOW).due == datetime(2026, 3, 21, 1, tzinfo=UTC)
    assert schedule.upcoming("R/2026-12-21T01:00:00Z/P3M", NOW).due == datetime(2026, 12, 21, 1, tzinfo=UTC)
    assert schedule.upcoming("R3/2024-12-21T01:00:00Z/P3M", NOW).due == datetime(2024, 12, 21, 1, tzinfo=UTC)


def test_a_short_cycle_that_began_long_ago_is_not_counted_through():
    assert schedule.following("R/1990-01-01T00:00:00Z/PT1S", None, NOW).due == NOW + timedelta(seconds=1)


@given(st.integers(1, 40), st.integers(0, 3000))
def test_the_next_time_of_a_cycle_is_the_first_after(months, days):
    start = datetime(2001, 1, 31, tzinfo=UTC)
    moment = start + timedelta(days=days)
    found = schedule.following(f"R/2001-01-31T00:00:00Z/P{months}M", None, moment).due
    step = schedule.duration(f"P{months}M")
    by_walking = next(at for at in (step.after(start, n) for n in range(1, 200)) if at > moment)
    assert found == by_walking
