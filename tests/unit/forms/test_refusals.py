"""Forms that are refused at deployment: every problem with its JSON pointer, and nothing outside the subset gets in."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from typing import Any

import pytest

from engine.errors import DeploymentRejected
from forms import FormCompiler, limits
from tests.unit.forms.samples import HERE, document, field_form, form_of


def problems(schema: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(DeploymentRejected) as refused:
        form_of(schema, **more)
    return [(problem.rule, problem.message.split(":", 1)[0]) for problem in refused.value.problems]


def of_field(field: Any, **more: Any) -> list[tuple[str, str]]:
    return problems({"type": "object", "properties": {"x": field}}, **more)


X = "/schema/properties/x"


def test_all_problems_are_listed_at_once() -> None:
    schema = {
        "type": "object",
        "required": ["nowhere"],
        "additionalProperties": True,
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "number", "title": "b", "patternProperties": {}},
            "c-d": {"type": "string", "title": "c"},
            "e": {"type": "null", "title": "e"},
        },
    }
    assert problems(schema) == [
        ("form-keyword", "/schema/additionalProperties"),
        ("form-text", "/schema/properties/a"),
        ("form-keyword", "/schema/properties/b/patternProperties"),
        ("form-name", "/schema/properties/c-d"),
        ("form-type", "/schema/properties/e/type"),
        ("form-required", "/schema/required/0"),
    ]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"type": "string", "title": "x", "pattern": "(a)\\1"}, ("form-pattern", X + "/pattern")),
        ({"type": "string", "title": "x", "pattern": "(?=a)b"}, ("form-pattern", X + "/pattern")),
        ({"type": "string", "title": "x", "pattern": "a{999}{999}"}, ("form-pattern", X + "/pattern")),
        ({"type": "string", "title": "x", "pattern": "("}, ("form-pattern", X + "/pattern")),
        ({"type": "string", "title": "x", "pattern": "a" * 501}, ("form-pattern", X + "/pattern")),
        ({"type": "string", "title": "x", "format": "hostname"}, ("form-format", X + "/format")),
        ({"type": "string", "title": "x", "format": "file"}, ("form-format", X + "/format")),
        ({"type": "string", "title": "x", "minLength": 9, "maxLength": 3}, ("form-range", X + "/minLength")),
        ({"type": "string", "title": "x", "maxLength": 10**9}, ("form-size", X + "/maxLength")),
        ({"type": "string", "title": {"en": "only English"}}, ("form-text", X + "/title")),
        ({"type": "string", "x-title": {"zh": "x", "fr": "x"}}, ("form-text", X + "/x-title")),
        ({"type": ["string", "null"], "title": "x"}, ("form-type", X + "/type")),
        ({"title": "x"}, ("form-type", X + "/type")),
        (True, ("form-schema", X)),
        ({"type": "number", "title": "x", "multipleOf": 0}, ("form-number", X + "/multipleOf")),
        ({"type": "number", "title": "x", "minimum": 5, "maximum": 1}, ("form-range", X + "/minimum")),
        ({"type": "integer", "title": "x", "minimum": 10**20}, ("form-number", X + "/minimum")),
        ({"type": "number", "title": "x", "default": "much"}, ("form-default", X + "/default")),
        ({"title": "x", "enum": []}, ("form-options", X + "/enum")),
        ({"title": "x", "enum": ["a", 1]}, ("form-options", X + "/enum")),
        ({"title": "x", "enum": ["a", "a"]}, ("form-options", X + "/enum")),
        ({"title": "x", "enum": ["a", None]}, ("form-options", X + "/enum/1")),
        ({"title": "x", "enum": ["a"], "x-enum-titles": {"b": "B"}}, ("form-text", X + "/x-enum-titles/b")),
        ({"title": "x", "oneOf": [{"const": "a"}]}, ("form-options", X + "/oneOf/0")),
        ({"title": "x", "oneOf": [{"type": "string"}]}, ("form-keyword", X + "/oneOf/0/type")),
        ({"title": "x", "const": None}, ("form-options", X + "/const")),
        ({"title": "x", "type": "array"}, ("form-schema", X + "/items")),
        ({"title": "x", "type": "array", "items": {"type": "number"}}, ("form-items", X + "/items")),
        ({"title": "x", "type": "array", "items": {"type": "array", "items": {"enum": ["a"]}}}, ("form-items", X + "/items")),
        ({"title": "x", "type": "array", "items": {"enum": ["a"]}, "minItems": 5}, ("form-range", X + "/minItems")),
        ({"title": "x", "type": "array", "items": {"enum": ["a"]}, "contains": {}}, ("form-keyword", X + "/contains")),
        ({"title": "x", "type": "object"}, ("form-properties", X)),
        ({"title": "x", "type": "object", "properties": {}, "patternProperties": {}}, ("form-keyword", X + "/patternProperties")),
        ({"title": "x", "type": "object", "format": "file", "x-accept": ["pdf"]}, ("form-file", X + "/x-accept")),
        ({"title": "x", "$ref": "https://example.com/schema"}, ("form-reference", X + "/$ref")),
        ({"title": "x", "$ref": "#"}, ("form-reference", X + "/$ref")),
        ({"title": "x", "$ref": "#/$defs/none"}, ("form-reference", X + "/$ref")),
        ({"title": "x", "$ref": 3}, ("form-reference", X + "/$ref")),
        ({"title": "x", "anyOf": [{"type": "string"}]}, ("form-type", X + "/type")),
        ({"title": "x", "type": "string", "not": {}}, ("form-keyword", X + "/not")),
        ({"title": "x", "type": "string", "readOnly": "yes"}, ("form-type", X + "/readOnly")),
    ],
)
def test_a_field_outside_the_subset(field: Any, expected: tuple[str, str]) -> None:
    assert expected in of_field(field)


def test_conditions_nested_without_end_are_refused_and_exhaust_nothing() -> None:
    test: dict[str, Any] = A_IS_P
    for _ in range(400):
        test = {"not": test}
    assert problems(conditional(**{"if": test, "then": {}})) == [("form-depth", "/")]


def test_a_long_chain_of_references_is_refused() -> None:
    definitions: dict[str, Any] = {f"d{number}": {"$ref": f"#/$defs/d{number + 1}"} for number in range(2000)}
    definitions["d2000"] = {"type": "string", "title": "x"}
    found = problems({"type": "object", "$defs": definitions, "properties": {"x": {"$ref": "#/$defs/d0"}}})
    assert {rule for rule, _ in found} == {"form-reference"}


@pytest.mark.parametrize(
    "name",
    ["csrf_token", "_action", "a-b", "a b", "", "1a", "a" * 61, "a/b", "名 称"],
)
def test_names_that_no_field_may_have(name: str) -> None:
    found = problems({"type": "object", "properties": {name: {"type": "string", "title": "x"}}})
    assert found[0][0] == "form-name"


def test_chinese_names_are_names() -> None:
    form = form_of({"type": "object", "properties": {"标题": {"type": "string", "title": "标题"}}})
    assert form.check({"标题": "x"}).values == {"标题": "x"}


def test_references_may_not_lead_back() -> None:
    node = {"type": "object", "title": "n", "properties": {"next": {"$ref": "#/$defs/node"}}}
    found = problems({"type": "object", "$defs": {"node": node}, "properties": {"x": {"$ref": "#/$defs/node"}}})
    assert ("form-reference", "/schema/$defs/node/properties/next/$ref") in found


def test_references_that_multiply_meet_the_limit_on_fields() -> None:
    """Ten definitions, each naming the next ten times: 10^10 fields when resolved."""
    definitions: dict[str, Any] = {"d9": {"type": "string", "title": "leaf"}}
    for level in range(9):
        properties = {f"p{number}": {"$ref": f"#/$defs/d{level + 1}"} for number in range(10)}
        definitions[f"d{level}"] = {"type": "object", "title": "d", "properties": properties}
    rules = {rule for rule, _ in problems({"type": "object", "$defs": definitions, "properties": {"x": {"$ref": "#/$defs/d0"}}})}
    assert rules & {"form-size", "form-depth"}


def test_too_deep() -> None:
    schema: dict[str, Any] = {"type": "string", "title": "x"}
    for _ in range(limits.DEPTH + 2):
        schema = {"type": "object", "title": "x", "properties": {"x": schema}}
    assert "form-depth" in {rule for rule, _ in problems(schema)}


def conditional(**parts: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": {"enum": ["p", "q"], "title": "a"}, "b": {"type": "string", "title": "b"}}, **parts}


A_IS_P = {"properties": {"a": {"const": "p"}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"if": True, "then": {}}, ("form-condition", "/schema/if")),
        ({"then": {}}, ("form-condition", "/schema/then")),
        ({"if": {"properties": {"z": {"const": 1}}}, "then": {}}, ("form-condition", "/schema/if")),
        ({"if": {"properties": {"a": {"$ref": "#"}}}, "then": {}}, ("form-keyword", "/schema/if/properties/a/$ref")),
        ({"if": {"properties": {"b": {"pattern": "(?<=a)"}}}, "then": {}}, ("form-schema", "/schema/if")),
        ({"if": A_IS_P, "then": {"required": ["zz"]}}, ("form-required", "/schema/then/required/0")),
        ({"if": A_IS_P, "then": {"minProperties": 2}}, ("form-keyword", "/schema/then/minProperties")),
        ({"if": A_IS_P, "then": {"properties": {"b": {"type": "string", "title": "b"}}}}, ("form-name", "/schema/then/properties/b")),
        ({"allOf": [{"type": "string"}]}, ("form-keyword", "/schema/allOf/0/type")),
        ({"allOf": {"if": A_IS_P}}, ("form-condition", "/schema/allOf")),
        (
            {
                "allOf": [
                    {"if": {"required": ["late"]}, "then": {}},
                    {"if": A_IS_P, "then": {"properties": {"late": {"type": "string", "title": "l"}}}},
                ]
            },
            ("form-condition", "/schema/allOf/0/if"),
        ),
    ],
)
def test_conditions_outside_the_subset(parts: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in problems(conditional(**parts))


def test_then_and_else_may_declare_the_same_field() -> None:
    reason = {"type": "string", "title": "原因"}
    code = {"type": "integer", "title": "代码"}
    form = form_of(conditional(**{"if": A_IS_P, "then": {"properties": {"why": reason}}, "else": {"properties": {"why": code}}}))
    assert form.check({"a": "p", "why": "x"}).errors == ()
    assert form.check({"a": "q", "why": 3}).errors == ()
    assert [error.message_id for error in form.check({"a": "q", "why": "x"}).errors] == ["form.type.integer"]


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ({"pages": []}, ("form-keyword", "/layout/pages")),
        ({"fields": {"nothing": {}}}, ("form-layout", "/layout/fields/nothing")),
        ({"fields": {"x": {"widget": "slider"}}}, ("form-layout", "/layout/fields/x/widget")),
        ({"fields": {"x": {"colour": "red"}}}, ("form-keyword", "/layout/fields/x/colour")),
        ({"fields": {"x": {"width": "30px"}}}, ("form-layout", "/layout/fields/x/width")),
        ({"sections": [{"title": "s", "fields": ["y"]}]}, ("form-layout", "/layout/sections/0/fields")),
        ({"sections": [{"fields": ["x"]}]}, ("form-layout", "/layout/sections/0")),
    ],
)
def test_layout_is_checked_too(layout: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in of_field({"type": "string", "title": "x"}, layout=layout)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b'{"key": "one", "key": "two"}',
        b'{"key": NaN}',
        b"\xff\xfe",
        b'{"title": "\\ud800"}',
        b"[" * 3000,
        b'{"key": "one"}',
        b'{"key": "one", "title": "x", "schema": {"type": "array"}}',
        b'{"key": "two", "title": "x", "schema": {"type": "object", "properties": {"a": {"type": "string", "title": "x"}}}}',
        b'{"key": "one", "title": "x", "schema": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {}}}',
        b" " * (limits.FILE_BYTES + 1),
    ],
)
def test_files_that_are_no_forms(data: bytes) -> None:
    with pytest.raises(DeploymentRejected) as refused:
        FormCompiler().compile("one.form.json", data)
    assert all(problem.file == "one.form.json" and problem.message.startswith("/") for problem in refused.value.problems)


def test_any_change_of_type_in_a_valid_form_is_a_problem_or_a_form_but_no_crash() -> None:
    """Every value of a large form but its texts replaced, one at a time, by a value of another type."""
    whole = json.loads((HERE / "everything.form.json").read_text())

    def places(node: Any) -> Any:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            if key not in ("zh", "en"):
                yield node, key
                if isinstance(node[key], dict | list):
                    yield from places(node[key])

    odd = itertools.cycle([None, True, 7, "x", [], {}, [[1]], {"a": 1}, -1.5])
    for container, key in list(places(whole)):
        kept, container[key] = container[key], next(odd)
        with suppress(DeploymentRejected):
            FormCompiler().compile("everything.form.json", json.dumps(whole).encode())
        container[key] = kept
    FormCompiler().compile("everything.form.json", json.dumps(whole).encode())


def test_hostile_patterns_run_in_linear_time() -> None:
    form = field_form({"type": "string", "title": "x", "pattern": "^(a+)+$"})
    assert [error.message_id for error in form.check({"x": "a" * 1900 + "!"}).errors] == ["form.pattern"]


def test_document_with_titles_as_plain_strings() -> None:
    assert FormCompiler().compile(
        "one.form.json", document({"type": "object", "properties": {"x": {"type": "string", "title": "标题"}}})
    ).fields() == ("x",)
