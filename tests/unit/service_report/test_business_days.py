"""Working-day arithmetic against days that were looked up in the published calendars."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processes.service_report.business_days import after, between, closing_moment, working, working_days_after


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 9, 30), 5, date(2026, 10, 13)),  # over the National Day holiday with its make-up workday
        (date(2026, 2, 13), 3, date(2026, 2, 25)),  # over the Spring Festival, 14 February is worked
        (date(2026, 11, 23), 1, date(2026, 11, 24)),
        (date(2026, 11, 20), 1, date(2026, 11, 23)),
        (date(2026, 11, 21), 0, date(2026, 11, 23)),
    ],
)
def test_days_from_the_published_calendar(day: date, count: int, expected: date) -> None:
    due = after(day, count)
    assert due.day == expected
    assert not due.estimated


def test_beyond_the_published_calendar_it_is_an_estimate() -> None:
    assert after(date(2026, 12, 30), 5).estimated
    assert working(date(2031, 5, 1)) == (True, True)


def test_an_override_beats_the_calendar_and_is_no_estimate() -> None:
    overrides = {date(2026, 11, 24): False, date(2031, 5, 1): False}
    assert after(date(2026, 11, 23), 1, overrides).day == date(2026, 11, 25)
    assert working(date(2031, 5, 1), overrides) == (False, False)


@settings(deadline=None)
@given(st.dates(date(2005, 1, 1), date(2026, 6, 1)), st.integers(1, 60))
def test_after_and_between_are_inverse(day: date, count: int) -> None:
    due = after(day, count).day
    assert working(due)[0]
    assert between(day, due) == count
    assert between(day, due - timedelta(days=1)) == count - 1


def test_too_many_days_are_refused() -> None:
    with pytest.raises(ValueError, match="working days"):
        after(date(2026, 1, 1), 100_000)


def test_closing_moment_is_utc() -> None:
    assert closing_moment(date(2026, 11, 23), "Asia/Shanghai") == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert working_days_after("2026-09-30T00:00:00Z", 5) == "2026-10-13"
