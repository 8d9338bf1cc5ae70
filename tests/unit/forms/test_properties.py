"""Properties that hold for any values: round trips through HTML, no exceptions, nothing undeclared, agreement with JSON Schema."""

from __future__ import annotations

import json
import string
from datetime import datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from typing import Any

import jsonschema_rs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from forms import CompiledForm
from forms.values import BadNumber, read_number, write_number
from tests.unit.forms.samples import HERE, compiled
from webui.forms import render_form, render_summary

STEADY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], derandomize=True)
LETTERS = string.ascii_letters + string.digits + "中文，。<>&\"' "


class Inputs(HTMLParser):
    """What a browser would post of a form: names and values of its controls, without the buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.posted = MultiDict[str, str]()
        self.select: str | None = None
        self.textarea: str | None = None
        self.first: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name, kind = found.get("name", ""), found.get("type", "")
        if tag == "input" and name and kind not in ("file", "submit"):
            if kind not in ("checkbox", "radio") or "checked" in found:
                self.posted.add(name, found.get("value", ""))
        elif tag == "select":
            self.select, self.first = name, None
        elif tag == "option" and self.select:
            self.first = self.first or (self.select, found.get("value", ""))
            if "selected" in found:
                self.first = (self.select, found.get("value", ""))
        elif tag == "textarea":
            self.textarea = name
            self.posted.add(name, "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self.first:
            self.posted.add(*self.first)
            self.select = None
        if tag == "textarea" and self.textarea:
            text = self.posted.poplist(self.textarea)[-1]
            self.posted.add(self.textarea, text.removeprefix("\n").replace("\n", "\r\n"))
            self.textarea = None

    def handle_data(self, data: str) -> None:
        if self.textarea:
            self.posted.setlist(self.textarea, [self.posted[self.textarea] + data])


def posted(html: str) -> MultiDict[str, str]:
    parser = Inputs()
    parser.feed(html)
    return parser.posted


# --- values that the form `everything` may hold ----------------------------------------------------------------------
line = st.text(LETTERS, min_size=1, max_size=12).map(str.strip)
lines = st.lists(line, max_size=3).map("\n".join)
moment = st.builds(lambda minutes: (datetime(2000, 1, 1) + timedelta(minutes=minutes)).isoformat() + "Z", st.integers(0, 20_000_000))
day = st.dates().map(lambda each: each.isoformat()).filter(lambda text: text >= "1000")
amount = st.integers(0, 99_999)
person = st.fixed_dictionaries({}, optional={"name": line, "phone": st.just("13800001111"), "email": st.just("a@b.cn")})
event = st.fixed_dictionaries(
    {}, optional={"at": moment, "event": line, "minutes": st.one_of(amount, st.floats(0, 1e6)), "state": st.sampled_from(["normal", "fault"])}
)
check = st.fixed_dictionaries({}, optional={"item": line, "ok": st.booleans()})
device = st.fixed_dictionaries({}, optional={"asset_no": line, "checks": st.lists(check, max_size=2)})
verdict = st.fixed_dictionaries({}, optional={"result": st.sampled_from(["pass", "fail"]), "comment": lines})
impact = st.fixed_dictionaries({}, optional={"users": amount, "data_loss": st.booleans(), "lost": lines})
plausible = st.fixed_dictionaries(
    {"unauthorised": st.booleans(), "doc": st.just("SR")},
    optional={
        "title": line,
        "customer": line,
        "happened": day,
        "restored": moment,
        "page": st.just("https://example.cn/a?b=1"),
        "kind": st.sampled_from(["incident", "drill"]),
        "level": st.sampled_from([1, 2, 3, 4]),
        "recovered": st.booleans(),
        "scenario": line,
        "plan": lines,
        "downtime": amount,
        "availability": st.integers(0, 10_000).map(lambda each: each / 100),
        "types": st.lists(st.sampled_from(["reactive", "proactive", "forward"]), unique=True),
        "services": st.lists(line, max_size=3),
        "impact": impact,
        "owner": person,
        "timeline": st.lists(event, max_size=3),
        "devices": st.lists(device, max_size=2),
        "cause": lines,
        "clear": st.integers(1, 5),
        "review": verdict,
        "confirmed": st.just(value=True),
    },
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def names(form: CompiledForm) -> st.SearchStrategy[str]:
    return st.sampled_from(form.fields())


@given(plausible)
@STEADY
def test_what_is_rendered_and_posted_unchanged_decodes_to_what_was_checked(values: dict[str, Any]) -> None:
    form = compiled("everything")
    checked = form.check(values)
    raw_free = {name: value for name, value in checked.values.items() if value is not None}
    sent = form.decode(posted(str(render_form(form, raw_free, action_url="/", csrf_token="c", lang="en"))), shown={})
    for name in ("downtime",):  # absent values show their default in a new form
        if name not in raw_free:
            assert sent.values.get(name) == 0
            raw_free[name] = 0
    assert dict(sent.values) == raw_free
    assert [(error.pointer, error.message_id) for error in sent.errors] == [(error.pointer, error.message_id) for error in checked.errors]
    again = form.check(sent.values)
    assert dict(again.values) == dict(sent.values)


@given(plausible)
@STEADY
def test_checking_twice_changes_nothing_and_clears_what_was_left_empty(values: dict[str, Any]) -> None:
    form = compiled("everything")
    shown = {"title": "vorher", "impact": {"users": 3}, "report_no": "R-1"}
    first = form.check(values, shown)
    assert "report_no" not in first.values
    assert set(first.values) >= {"title", "impact"}
    second = form.check(first.values, shown)
    assert json.dumps(second.values, sort_keys=True) == json.dumps(first.values, sort_keys=True)
    assert [error.pointer for error in second.errors] == [error.pointer for error in first.errors]


@given(st.dictionaries(st.sampled_from([*compiled("everything").fields(), "zz", "", "a/b", "~"]), anything, max_size=6), anything)
@STEADY
def test_check_never_raises_and_lets_nothing_undeclared_through(values: dict[str, Any], shown: Any) -> None:
    form = compiled("everything")
    decoded = form.check(values, shown if isinstance(shown, dict) else {})
    assert set(decoded.values) <= set(form.writes())
    allowed = {"users", "data_loss", "lost"}
    inside = decoded.values.get("impact")
    assert inside is None or set(inside) <= allowed
    render_summary(form, decoded.values)
    for error in decoded.errors:
        json.dumps([error.pointer, error.message_id, dict(error.params), error.message])


@given(
    st.lists(st.tuples(st.text("abf-_0123456789timelndvcs", max_size=24) | names(compiled("everything")), st.text(max_size=12)), max_size=12),
    st.text(max_size=20),
)
@STEADY
def test_decode_never_raises_whatever_is_posted(fields: list[tuple[str, str]], action: str) -> None:
    form = compiled("everything")
    for verb in ("submit", action, f"add:{action}", "add:timeline", "remove:devices:0", f"preview:{action}"):
        sent = form.decode(MultiDict([*fields, ("_action", verb)]))
        assert set(sent.values) <= set(form.writes())
    render_form(form, {}, sent.errors, sent.raw, action_url="/", csrf_token="c")


@given(anything)
@STEADY
def test_rendering_survives_any_stored_value_and_any_draft(value: Any) -> None:
    form = compiled("everything")
    values = dict.fromkeys(form.fields(), value)
    render_form(form, values, action_url="/", csrf_token="c")
    render_summary(form, values)
    if isinstance(value, dict):
        render_form(form, {}, raw=value, action_url="/", csrf_token="c")
    render_form(form, {}, raw=values, action_url="/", csrf_token="c")


@given(st.floats(-1e15, 1e15) | st.integers(-(10**15), 10**15))
@STEADY
def test_numbers_are_written_so_that_they_read_back(value: float) -> None:
    assert read_number(write_number(value), (), integer=False) == value


@given(st.text("0123456789.,eE+-%infa 　，．０１", max_size=14))
@STEADY
def test_reading_numbers_guesses_nothing(text: str) -> None:
    try:
        value = read_number(text, ("%",), integer=False)
    except BadNumber:
        return
    digits = [letter for letter in text if letter.isdigit()]
    assert digits
    assert isinstance(value, int | float)


# --- the standard as the judge ----------------------------------------------------------------------------------------
@cache
def standard() -> jsonschema_rs.Validator:
    """The same file's schema, judged by jsonschema-rs alone."""
    schema = json.loads((HERE / "standard.form.json").read_text())["schema"]
    return jsonschema_rs.validator_for(schema, validate_formats=True)


choice = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text("ab1", min_size=1, max_size=6),
        "count": st.integers(-2, 12) | st.floats(0, 4).filter(lambda each: not each.is_integer()),
        "kind": st.sampled_from(["a", "b", "c"]),
        "day": st.sampled_from(["2026-01-01", "2026-02-30", "x"]),
        "agree": st.booleans(),
        "tags": st.lists(st.sampled_from(["x", "y", "z"]), min_size=1, max_size=3),
        "rows": st.lists(
            st.fixed_dictionaries({"n": st.integers(0, 9)}, optional={"m": st.text("ab", min_size=1, max_size=2)}), min_size=1, max_size=4
        ),
        "why": st.text("ab", min_size=1, max_size=3),
    },
)


@given(choice)
@settings(STEADY, max_examples=300)
def test_verdicts_agree_with_json_schema(values: dict[str, Any]) -> None:
    """Where nothing is hidden and nothing is empty, the subset is JSON Schema: valid here exactly when valid there."""
    form = compiled("standard")
    decoded = form.check(values)
    if "why" in values and "why" not in decoded.values:
        values.pop("why")  # hidden by the condition: dropped, which JSON Schema does not do
    assert (decoded.errors == ()) == standard().is_valid(values)
