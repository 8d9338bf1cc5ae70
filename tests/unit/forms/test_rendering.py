"""The HTML of forms: nothing unescaped, ids once, every control labelled, nothing inline."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from tests.unit.forms.samples import compiled, form_of
from webui.forms import Button, markdown_to_html, render_fields, render_form, render_summary

EVIL = "<img src=x onerror=alert(1)>\"'{{7*7}}#{7*7}"


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, name: str) -> list[dict[str, str]]:
        return [attrs for tag, attrs in self.tags if tag == name]


def whole(lang: str = "zh", errors: bool = False) -> Tags:
    form = compiled("everything")
    shown = {"sla_results": [{"name": "a", "attained": False}], "devices": [{"checks": [{"item": "x"}]}], "timeline": [{"event": "x"}]}
    sent = form.decode(MultiDict({"sla_results-0-note": "", "devices-0-checks-0-item": "x", "timeline-0-event": "x"}), shown=shown)
    found = (sent.errors, sent.raw) if errors else ((), None)
    return Tags(str(render_form(form, shown, *found, lang=lang, action_url="/", csrf_token="c", fragment_url="/f")))


@pytest.mark.parametrize("errors", [False, True])
def test_ids_are_unique_and_references_lead_somewhere(errors: bool) -> None:
    page = whole(errors=errors)
    ids = Counter(attrs["id"] for _, attrs in page.tags if "id" in attrs)
    assert [name for name, count in ids.items() if count > 1] == []
    for _, attrs in page.tags:
        for name in ("aria-describedby", "aria-labelledby", "list", "for"):
            assert set(attrs.get(name, "").split()) <= set(ids)
        if attrs.get("href", "").startswith("#"):
            assert attrs["href"][1:] in ids


def test_every_control_has_a_label_and_nothing_is_inline() -> None:
    page = whole()
    labelled = {attrs["for"] for attrs in page.all("label")}
    controls = [attrs for tag in ("input", "select", "textarea") for attrs in page.all(tag) if attrs.get("type") not in ("hidden", "submit")]
    assert {attrs["id"] for attrs in controls} <= labelled
    assert page.all("script") == page.all("style") == []
    assert [name for _, attrs in page.tags for name in attrs if name.startswith(("on", "style", "hx-on"))] == []


def test_hostile_texts_stay_texts() -> None:
    options = {"oneOf": [{"const": EVIL, "title": EVIL, "description": EVIL}]}
    properties: dict[str, Any] = {
        "a": {"type": "string", "title": EVIL, "description": EVIL, "examples": [EVIL]},
        "b": {"title": EVIL, **options},
        "c": {"type": "array", "title": EVIL, "items": options},
        "d": {"type": "number", "title": EVIL, "x-unit": "<b>"},
        "e": {"type": "string", "format": "markdown", "title": EVIL},
        "f": {"type": "array", "title": EVIL, "items": {"type": "object", "properties": {"g": {"type": "string", "title": EVIL}}}},
        "h": {"type": "object", "format": "file", "title": EVIL},
        "i": {"type": "string", "format": "uri", "title": EVIL, "readOnly": True},
        "j": {"const": EVIL, "title": EVIL},
    }
    form = form_of({"type": "object", "properties": properties}, layout={"sections": [{"title": EVIL, "fields": list(properties)}]})
    file = {"name": EVIL.replace("/", ""), "sha256": "0" * 64, "size": 1, "media_type": "image/png"}
    values = {"a": EVIL, "b": EVIL, "c": [EVIL], "d": 1, "e": EVIL, "f": [{"g": EVIL}], "h": file, "i": "javascript:alert(1)"}
    for html in (
        render_form(form, values, form.check({EVIL: 1, "d": EVIL}).errors, action_url=EVIL, csrf_token=EVIL, buttons=[Button(EVIL, EVIL)]),
        render_form(form, values, raw={"a": [EVIL], "d": [EVIL], "_preview": ["e"], "e": [EVIL]}, action_url="/", csrf_token="c"),
        render_fields(form, values, action_url="/", fragment_url=EVIL),
        render_summary(form, values, file_url=lambda each: "/files/" + each["sha256"]),
    ):
        page = Tags(str(html))
        assert page.all("img") == page.all("b") == []
        assert [attrs for _, attrs in page.tags if "onerror" in attrs or attrs.get("href", "").startswith("javascript")] == []
        assert "49" not in re.sub(r"&#\d+;", "", str(html))


def test_markdown_loses_everything_dangerous() -> None:
    html = str(
        markdown_to_html("<script>x</script>\n\n[a](javascript:x) [b](data:text/html,x) ![i](http://h/p.png)\n\n# Kopf\n\n|a|b|\n|:-|-|\n|1|2|")
    )
    page = Tags(html)
    assert page.all("script") == page.all("img") == []
    assert [attrs.get("href") for attrs in page.all("a")] == ["http://h/p.png"]  # an image becomes a link: nothing is loaded by itself
    assert "<h3>Kopf</h3>" in html
    assert {name for _, attrs in page.tags for name in attrs} == {"class", "href", "rel"}


def test_english_where_it_exists_and_chinese_where_it_does_not() -> None:
    form = form_of(
        {"type": "object", "properties": {"a": {"type": "string", "title": {"zh": "标题", "en": "Title"}}, "b": {"type": "string", "title": "备注"}}}
    )
    english = str(render_form(form, {}, lang="en", action_url="/", csrf_token="c"))
    assert ("Title" in english, "备注" in english, "标题" in english, "Submit" in english) == (True, True, False, True)


def test_numbers_with_units_in_summaries() -> None:
    form = form_of({"type": "object", "properties": {
        "a": {"type": "integer", "title": "a", "x-unit": {"zh": "分钟", "en": "min"}},
        "b": {"type": "number", "title": "b", "x-unit": "%"},
        "c": {"type": "string", "format": "date-time", "title": "c"},
    }})  # fmt: skip
    text = re.sub(r"<[^>]+>|\s+", " ", str(render_summary(form, {"a": 1234567, "b": 99.5, "c": "2026-11-23T06:05:00Z"}, "en")))
    assert ("1,234,567 min" in text, "99.5%" in text, "2026-11-23 14:05" in text) == (True, True, True)
