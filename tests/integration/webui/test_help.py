"""The page of supported elements: the table made from the conformance cases, in both languages, for everybody who is signed in."""

from __future__ import annotations

import json
from pathlib import Path

import webui


def test_the_table_is_served_in_the_readers_language(browser):
    browser.sign_in("staff")
    page = browser.get("/help/conformance").get_data(as_text=True)
    assert "图中可用的元素" in page
    assert "排他网关按文档顺序走第一条条件成立的流。" in page
    browser.post("/language", {"language": "en", "next": "/help/conformance"})
    page = browser.get("/help/conformance").get_data(as_text=True)
    assert "What diagrams may use" in page
    assert "An exclusive gateway takes the first flow in document order whose condition holds." in page
    assert "complexGateway" in page


def test_every_case_has_its_text_in_both_languages():
    held = json.loads((Path(webui.__file__).parent / "conformance.json").read_text(encoding="utf-8"))
    cases = [case for area in held["areas"] for phrase in area["phrases"] for case in phrase["cases"]]
    assert len(cases) > 300
    assert [case["id"] for case in cases if not case["en"] or not any("一" <= letter <= "鿿" for letter in case["zh"])] == []


def test_nobody_sees_it_without_signing_in(app):
    assert app.test_client().get("/help/conformance").status_code in (302, 401)
