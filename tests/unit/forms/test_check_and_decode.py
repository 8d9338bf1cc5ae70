"""Checking JSON, decoding posts: one judgement for both."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from forms import CompiledForm
from tests.unit.forms.samples import compiled, field_form


def ids(errors: Any) -> list[tuple[str, str]]:
    return [(error.pointer, error.message_id) for error in errors]


def test_a_complete_submission_comes_back_in_normal_form() -> None:
    form = compiled("report")
    values = {
        "title": " 十月运维报告 ",
        "class": "periodic",
        "period_start": "2026-10-01",
        "sla_results": [{"name": "可用性", "target": 99.5, "actual": 99.0}],
    }
    decoded = form.check(values)
    assert decoded.errors == ()
    assert decoded.values == values | {"title": "十月运维报告"}
    assert type(decoded.values["sla_results"][0]["actual"]) is int  # 99.0 and 99 have one canonical form


def test_every_error_is_listed_with_its_pointer() -> None:
    form = compiled("report")
    decoded = form.check({"class": "nothing", "sla_results": [{"name": "", "target": "95"}], "zz": 1})
    assert ids(decoded.errors) == [
        ("/zz", "form.undeclared"),
        ("/class", "form.enum"),
        ("/sla_results/0/target", "form.type.number"),
        ("/sla_results/0/name", "form.required"),
        ("/title", "form.required"),
        ("/period_start", "form.required"),
    ]


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("", None),
        ("  ", None),
        ("0", 0),
        ("１，２３４.５", 1234.5),
        ("1,234,567", 1234567),
        ("95 %", 95),
        ("95％", 95),
        ("-0", 0),
        ("−3", -3),
        (".5", 0.5),
        ("7.", 7),
    ],
)
def test_numbers_as_people_type_them(typed: str, value: float | None) -> None:
    form = field_form({"type": "number", "title": "比率", "x-unit": "%"})
    submission = form.decode(MultiDict({"x": typed}))
    assert submission.errors == ()
    assert submission.values.get("x") == value


@pytest.mark.parametrize(
    ("typed", "message_id"),
    [("12,34", "form.number.grouping"), ("abc", "form.type.number"), ("1e5", "form.type.number"), ("0x10", "form.type.number"),
     ("9" * 30, "form.number.size"), ("NaN", "form.type.number"), ("Infinity", "form.type.number"), ("1.2.3", "form.type.number")],
)  # fmt: skip
def test_texts_that_are_no_numbers(typed: str, message_id: str) -> None:
    form = field_form({"type": "number", "title": "比率"})
    submission = form.decode(MultiDict({"x": typed}))
    assert ids(submission.errors) == [("/x", message_id)]
    assert submission.raw == {"x": [typed]}  # shown again as typed


@pytest.mark.parametrize("typed", ["2026-11-23", "2026/11/23", "2026.11.23", "2026年11月23日", "２０２６-１１-２３"])
def test_dates_as_people_type_them(typed: str) -> None:
    assert field_form({"type": "string", "format": "date", "title": "日期"}).decode(MultiDict({"x": typed})).values == {"x": "2026-11-23"}


def test_a_date_that_does_not_exist() -> None:
    submission = field_form({"type": "string", "format": "date", "title": "日期"}).decode(MultiDict({"x": "2026-02-30"}))
    assert ids(submission.errors) == [("/x", "form.date")]


def test_moments_are_stored_in_utc() -> None:
    form = field_form({"type": "string", "format": "date-time", "title": "时间"})
    assert form.decode(MultiDict({"x": "2026-11-23T14:05"})).values == {"x": "2026-11-23T06:05:00Z"}
    assert form.check({"x": "2026-11-23T14:05:00+08:00"}).values == {"x": "2026-11-23T06:05:00Z"}
    assert ids(form.check({"x": "2026-11-23T14:05"}).errors) == [("/x", "form.date-time")]


def test_what_a_condition_hides_is_dropped_and_what_it_shows_is_required() -> None:
    form = compiled("report")
    base = {"title": "t", "period_start": "2026-10-01", "sla_results": [{"name": "a"}]}
    hidden = form.check({**base, "class": "periodic", "event_level": "I"})
    assert hidden.errors == ()
    assert "event_level" not in hidden.values
    assert ids(form.check({**base, "class": "major_event"}).errors) == [("/event_level", "form.required.choice")]
    posted = MultiDict([("title", "t"), ("period_start", "2026-10-01"), ("sla_results-0-name", "a"), ("class", "periodic"), ("event_level", "zzz")])
    assert form.decode(posted).errors == ()
    assert "event_level" not in form.decode(posted).values


def test_blank_rows_are_left_out_and_errors_name_the_rows_as_shown() -> None:
    form = compiled("report")
    posted = MultiDict([("sla_results-0-name", " "), ("sla_results-4-name", "a"), ("sla_results-7-target", "x"), ("sla_results-7-name", "b")])
    submission = form.decode(posted)
    assert submission.raw["sla_results"] == [{"name": ["a"]}, {"name": ["b"], "target": ["x"]}]
    assert ("/sla_results/1/target", "form.type.number") in ids(submission.errors)


def rows(form: CompiledForm, action: str) -> list[str]:
    posted = MultiDict([("sla_results-0-name", "a"), ("sla_results-1-name", "b"), ("sla_results-2-name", "c"), ("_action", action)])
    submission = form.decode(posted)
    assert submission.editing
    assert submission.errors == ()
    return [row["name"][0] if row["name"] else "" for row in submission.raw["sla_results"]]


@pytest.mark.parametrize(
    ("action", "expected"),
    [("add:sla_results", ["a", "b", "c", ""]), ("remove:sla_results:1", ["a", "c"]), ("up:sla_results:2", ["a", "c", "b"]),
     ("down:sla_results:0", ["b", "a", "c"]), ("up:sla_results:0", ["a", "b", "c"]), ("remove:sla_results:9", ["a", "b", "c"]),
     ("remove:sla_results:-1", ["a", "b", "c"]), ("add:nothing", ["a", "b", "c"]), ("add:title", ["a", "b", "c"]), ("refresh", ["a", "b", "c"])],
)  # fmt: skip
def test_rows_are_added_removed_and_moved(action: str, expected: list[str]) -> None:
    assert rows(compiled("report"), action) == expected


def test_undeclared_posts_are_never_looked_at() -> None:
    posted = MultiDict([("title", "t"), ("x-y", "1"), ("title-z", "2"), ("sla_results-0-other", "3"), ("csrf_token", "c"), ("initiator", "me")])
    submission = compiled("report").decode(posted)
    assert submission.values == {"title": "t"}


def test_a_draft_keeps_half_typed_input_and_reports_no_error() -> None:
    submission = compiled("report").decode(MultiDict([("_action", "draft"), ("sla_results-0-target", "9x")]))
    assert (submission.action, submission.errors) == ("draft", ())
    assert submission.raw == {"sla_results": [{"target": ["9x"]}]}
