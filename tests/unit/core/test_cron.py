"""Cron texts: both forms, what is refused because tools disagree about it, and a comparison with a search minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidInput
from engine.model.cron import cron, looks_cron

NOW = datetime(2026, 1, 31, 12, 0, 30, tzinfo=UTC)  # a Saturday


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("* * * * *", at(2026, 1, 31, 12, 1)),
        ("0 12 * * *", at(2026, 2, 1, 12)),
        ("*/15 * * * *", at(2026, 1, 31, 12, 15)),
        ("5-59/20 * * * *", at(2026, 1, 31, 12, 5)),
        ("30/10 9 * * *", at(2026, 2, 1, 9, 30)),
        ("0 9 * * 1-5", at(2026, 2, 2, 9)),
        ("0 9 * * MON-FRI", at(2026, 2, 2, 9)),
        ("0 9 * * FRI-MON", at(2026, 2, 1, 9)),
        ("0 9 * * 0", at(2026, 2, 1, 9)),
        ("0 9 * * 7", at(2026, 2, 1, 9)),
        ("0 0 1 */3 *", at(2026, 4, 1)),
        ("0 0 1,15 feb *", at(2026, 2, 1)),
        ("0 0 15 * 1", at(2026, 2, 2)),  # the 15th or a Monday
        ("0 0 */2 * 1", at(2026, 2, 9)),  # an odd day that is a Monday
        ("0 0 29 2 *", at(2028, 2, 29)),
        ("0 0 31 * *", at(2026, 3, 31)),
        ("0 0 L * *", at(2026, 2, 28)),
        ("0 0 * * FRI#2", at(2026, 2, 13)),
        ("0 0 * * FRIL", at(2026, 2, 27)),
        ("0 0 * 2 FRI#5", at(2036, 2, 29)),
        ("@hourly", at(2026, 1, 31, 13)),
        ("@daily", at(2026, 2, 1)),
        ("@weekly", at(2026, 2, 1)),
        ("@monthly", at(2026, 2, 1)),
        ("@yearly", at(2027, 1, 1)),
        ("0 0 12 * * ?", at(2026, 2, 1, 12)),
        ("0 0 12 ? * MON-FRI", at(2026, 2, 2, 12)),
        ("*/10 * * * * *", at(2026, 1, 31, 12, 0, 40)),
        ("0 15 10 ? * FRI#3 2027", at(2027, 1, 15, 10, 15)),
        ("0 0 0 L * ? *", at(2026, 2, 28)),
        ("CRON_TZ=+08:00 0 9 * * 1", at(2026, 2, 2, 1)),
        ("CRON_TZ=UTC 0 9 * * 1", at(2026, 2, 2, 9)),
        ("CRON_TZ=-0330 0 0 * * *", at(2026, 2, 1, 3, 30)),
    ],
)
def test_next(text: str, due: datetime) -> None:
    assert looks_cron(text)
    assert cron(text).after(NOW) == due


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of the month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day of the week"),
        ("50-10 * * * *", "begins after its end"),
        ("*/0 * * * *", "minute"),
        ("* * * * MOO", "day of the week"),
        ("* * 15W * *", "day of the month"),
        ("0 0 9 ? * 2", "by name"),
        ("0 0 9 ? * 2-6", "by name"),
        ("0 0 9 ? * 6#3", "by name"),
        ("0 0 9 1 * MON", "restricts either"),
        ("CRON_TZ=Asia/Shanghai 0 9 * * *", "offset"),
        ("CRON_TZ=+99:00 0 9 * * *", "offset"),
        ("@reboot", "is not a cron text"),
        ("* * * *", "is not a cron text"),
        ("1" * 300, "200 characters"),
    ],
)
def test_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        cron(text)


@pytest.mark.parametrize("text", ["0 0 30 2 *", "0 0 9 ? * MON 2020"])
def test_what_never_comes_is_refused_soon(text: str) -> None:
    with pytest.raises(InvalidInput, match="no time within"):
        cron(text).after(NOW)


@pytest.mark.parametrize("text", ["a if b else c", "now() + datetime.timedelta(hours=1)", "PT1H", "R3/PT1H", "2026-01-01", "x", "", "1 if 2 else 3"])
def test_other_texts_are_not_taken_for_cron(text: str) -> None:
    assert not looks_cron(text)


def field(low: int, high: int) -> st.SearchStrategy[str]:
    one = st.integers(low, high).map(str)
    span = st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda pair: f"{min(pair)}-{max(pair)}")
    return st.one_of(st.just("*"), one, span, st.integers(1, 20).map(lambda n: f"*/{n}"), st.lists(one, min_size=1, max_size=3).map(",".join))


@given(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 7), st.integers(0, 4 * 365 * 24 * 60))
def test_the_next_time_is_the_first_that_fits(minute: str, hour: str, day: str, month: str, weekday: str, minutes: int) -> None:
    def allowed(text: str, low: int, high: int) -> set[int]:
        out: set[int] = set()
        for part in text.split(","):
            span, _, step = part.partition("/")
            first, _, last = ("*" if span == "*" else span).partition("-")
            numbers = range(low, high + 1) if span == "*" else range(int(first), int(last or first) + 1)
            out |= set(numbers[:: int(step or 1)])
        return out

    text = f"{minute} {hour} {day} {month} {weekday}"
    start = at(2025, 1, 1) + timedelta(minutes=minutes, seconds=7)
    try:
        found = cron(text).after(start)
    except InvalidInput:
        return
    times = allowed(minute, 0, 59), allowed(hour, 0, 23), allowed(day, 1, 31), allowed(month, 1, 12), {n % 7 for n in allowed(weekday, 0, 7)}

    def on(one: datetime) -> bool:
        by_day, by_week = one.day in times[2], one.isoweekday() % 7 in times[4]
        both = day.startswith("*") or weekday.startswith("*")
        return one.month in times[3] and ((by_day and by_week) if both else (by_day or by_week))

    assert on(found) and found.hour in times[1] and found.minute in times[0] and found.second == 0
    one = start.replace(hour=0, minute=0, second=0)
    while one.date() < found.date():  # no earlier day fits, but for the rest of the first one
        assert not on(one) or one.date() == start.date()
        one += timedelta(days=1)
    before = [at(found.year, found.month, found.day, h, m) for h in sorted(times[1]) for m in sorted(times[0])]
    assert found == next(moment for moment in before if moment > start)
