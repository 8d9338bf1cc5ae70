from datetime import UTC, datetime, timedelta, timezone

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
        ("R-1/PT1H", NOW + timedelta(hours=1)),
        ("R3/2026-02-01T00:00:00Z/2026-02-01T06:00:00Z", datetime(2026, 2, 1, tzinfo=UTC)),
        ("R3/2026-02-01T00:00:00Z/PT6H", datetime(2026, 2, 1, tzinfo=UTC)),
        ("0 9 * * MON", datetime(2026, 2, 2, 9, tzinfo=UTC)),
    ],
)
def test_first_due(text, due):
    assert schedule.first(text, NOW).due == due


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "1D",
        "P1H",
        "R0/PT1M",
        "R/PT0S",
        "R-2/PT1M",
        "P99999999Y",
        "2026-13-01",
        "R3/PT1M/x/y",
        "P" + "9" * 500 + "D",
        "R/PT0.000001S",
        "R/-P1D",
        "R/PT1H/PT1H",
        "R/2026-01-01",
        "R3/2026-02-01/2026-01-01",
        "R/2026-01-01/2026-01-02/2026-01-03",
        "R/P1M/P1D/2026-01-01",
        "R999999999/2020-01-01/PT1S",
        "60 * * * *",
        "0 0 30 2 *",
    ],
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


def times(text: str, count: int) -> list[datetime]:
    plan, seen = schedule.first(text, NOW), []
    while plan is not None and len(seen) < count:
        seen.append(plan.due)
        plan = schedule.following(plan.text, plan.left, plan.due)
    return seen


def test_the_span_between_two_moments_is_repeated():
    start = datetime(2026, 2, 1, tzinfo=UTC)
    assert times("R3/2026-02-01T00:00:00Z/2026-02-01T06:00:00Z", 9) == [start, start + timedelta(hours=6), start + timedelta(hours=12)]


def test_minus_one_repeats_without_end():
    assert schedule.first("R-1/PT1H", NOW).left is None
    assert times("R-1/PT1H", 50)[-1] == NOW + timedelta(hours=50)


@pytest.mark.parametrize("text", ["R/P1M", "R4/P1M", "R-1/P1M", "R/P1M/2026-06-01"])
def test_a_cycle_of_months_without_a_start_does_not_drift_either(text):
    assert [(at.month, at.day) for at in times(text, 4)] == [(2, 28), (3, 31), (4, 30), (5, 31)]


def test_years_keep_the_leap_day():
    leap = datetime(2024, 2, 29, tzinfo=UTC)
    plan, seen = schedule.first("R/2024-02-29T00:00:00Z/P1Y", leap), []
    for _ in range(5):
        seen.append((plan.due.year, plan.due.month, plan.due.day))
        plan = schedule.following(plan.text, plan.left, plan.due)
    assert seen == [(2024, 2, 29), (2025, 2, 28), (2026, 2, 28), (2027, 2, 28), (2028, 2, 29)]


def test_an_endless_cycle_makes_up_once_for_what_it_missed():
    due = NOW + timedelta(hours=1)
    late = NOW + timedelta(days=7, minutes=20)
    assert schedule.following("R/PT1H", None, due, late).due == NOW + timedelta(days=7, hours=1)
    assert schedule.following("R/2026-01-31T12:00:00Z/P1D", None, due, late).due == NOW + timedelta(days=8)
    assert schedule.following("0 * * * *", None, due, late).due == NOW + timedelta(days=7, hours=1)
    assert schedule.following("R/PT1H", None, due, due).due == due + timedelta(hours=1)
    assert schedule.following("R5/PT1H", 3, due, late).due == due + timedelta(hours=1)  # a counted one owes each of its times


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("PT1H", "duration"),
        ("-PT1H", "duration"),
        ("R3/PT1H", "cycle"),
        ("0 9 * * *", "cycle"),
        ("@daily", "cycle"),
        ("2026-01-01", "date"),
        ("x", "date"),
    ],
)
def test_kinds(text, kind):
    assert schedule.kind(text) == kind


def test_months_are_counted_at_the_offset_of_the_start():
    plan = schedule.first("R3/2026-01-31T00:00:00+08:00/P1M", NOW)
    due = [plan.due]
    while plan := schedule.following(plan.text, plan.left, due[-1]):
        due.append(plan.due)
    assert [one.astimezone(timezone(timedelta(hours=8))).strftime("%m-%d %H") for one in due] == ["01-31 00", "02-28 00", "03-31 00"]
    assert {one.utcoffset() for one in due} == {timedelta(0)}


def test_a_cron_text_ends_with_the_years_that_it_names():
    plan = schedule.first("0 0 12 6 1 ? 2027", NOW)
    assert plan.due == datetime(2027, 1, 6, 12, tzinfo=UTC)
    assert schedule.following(plan.text, plan.left, plan.due) is None


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-05:00"])
def test_a_moment_that_utc_does_not_have_is_refused(text):
    with pytest.raises(InvalidInput):
        schedule.date_time(text)
