"""Texts with expressions, and scripts as they stand in XML."""

from __future__ import annotations

import pytest

from engine.bpmn.templates import code, source, template


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", ((False, "plain"),)),
        ("${a}", ((True, "a"),)),
        ("#{a}", ((True, "a"),)),
        ("= a + 1", ((True, "a + 1"),)),
        ("== a", ((False, "== a"),)),
        ("Dear ${name}, ${n} items", ((False, "Dear "), (True, "name"), (False, ", "), (True, "n"), (False, " items"))),
        ("${ {'a': 1}['a'] }", ((True, "{'a': 1}['a']"),)),
        ("${'}'}", ((True, "'}'"),)),
        ("${open", ((False, "${open"),)),
    ],
)
def test_parts(text: str, parts: tuple[tuple[bool, str], ...]) -> None:
    found = template(text)
    assert found is not None
    assert found.parts == parts


def test_nothing() -> None:
    assert template(None) is None
    assert template("  ") is None


@pytest.mark.parametrize(
    ("text", "bare"),
    [("${x > 1}", "x > 1"), (" =x ", "x"), ("x == 1", "x == 1"), ("${a} + ${b}", "${a} + ${b}"), ("{'a': 1}", "{'a': 1}"), ("=${x}", "x")],
)
def test_source(text: str, bare: str) -> None:
    assert source(text) == bare


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("x = 1", "x = 1"),
        ("\n      x = 1\n      if x:\n          y = 2\n    ", "x = 1\nif x:\n    y = 2"),
        ("x = 1\n      y = 2\n   ", "x = 1\ny = 2"),
        ("if x:\n    y = 2", "if x:\n    y = 2"),
        ("    if x:\n        y = 2", "if x:\n    y = 2"),
        ("  x = 1\n  y = 2", "x = 1\ny = 2"),
        ("rows = [\n    1,\n]", "rows = [\n    1,\n]"),
        ("x = 1\nif x:\n    y = 2", "x = 1\nif x:\n    y = 2"),
        ("\n\n", None),
    ],
)
def test_code(text: str, bare: str | None) -> None:
    assert code(text) == bare
