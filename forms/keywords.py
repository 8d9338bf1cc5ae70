"""The published subset of JSON Schema 2020-12: which keywords each kind of field may carry. `docs/forms.md` is tested against it."""

from __future__ import annotations

ANNOTATIONS = frozenset({"title", "description", "x-title", "x-description", "default", "readOnly", "$comment"})

KINDS: dict[str, frozenset[str]] = {
    "text": frozenset({"type", "minLength", "maxLength", "pattern", "format", "examples", "x-message"}),
    "number": frozenset({"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "x-unit", "x-message"}),
    "choice": frozenset({"type", "enum", "oneOf", "x-enum-titles", "x-unit"}),
    "boolean": frozenset({"type", "const"}),
    "constant": frozenset({"type", "const"}),
    "file": frozenset({"type", "format", "x-accept", "x-max-bytes"}),
    "array": frozenset({"type", "items", "minItems", "maxItems", "uniqueItems"}),
    "object": frozenset({"type", "properties", "required", "additionalProperties", "unevaluatedProperties", "if", "then", "else", "allOf"}),
}
ROOT_ONLY = frozenset({"$schema", "$id", "$defs"})
OPTION = frozenset({"const", "title", "description", "x-title", "x-description"})
BRANCH = frozenset({"properties", "required", "if", "then", "else", "allOf", "$comment"})
TEST_OBJECT = frozenset({"type", "properties", "required", "not", "anyOf", "allOf"})
TEST_VALUE = frozenset(
    {"type", "const", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern",
     "contains", "minItems", "maxItems", "not", "anyOf", "allOf"}
)  # fmt: skip

TEXT_FORMATS = frozenset({"date", "date-time", "email", "uri", "textarea", "markdown"})
VALIDATED_FORMATS = frozenset({"date", "date-time", "email", "uri"})

WIDGETS: dict[str, frozenset[str]] = {
    "TextNode": frozenset(),
    "NumberNode": frozenset({"rating"}),
    "ChoiceNode": frozenset({"radio", "select", "rating"}),
    "ChoicesNode": frozenset(),
    "BooleanNode": frozenset({"radio", "select", "checkbox"}),
    "ConstNode": frozenset(),
    "FileNode": frozenset(),
    "ListNode": frozenset(),
    "ObjectNode": frozenset({"review"}),
    "TableNode": frozenset({"grid", "cards"}),
}
HINTS = frozenset({"widget", "rows", "width", "unit", "low", "high", "add"})
WIDTHS = frozenset({"short", "medium", "long"})
