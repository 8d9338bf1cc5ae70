"""Reads one field of a form's schema: which kind it is, its keywords, texts, options and rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from forms import keywords, limits
from forms.checking import faults
from forms.nodes import (
    AnyNode,
    BooleanNode,
    ChoiceNode,
    ChoicesNode,
    ConstNode,
    FileNode,
    Hints,
    ListNode,
    NumberNode,
    ObjectNode,
    Option,
    TableNode,
    TextNode,
    branches,
)
from forms.reading import Place, Reader, Report, linear, pointer
from forms.texts import Text

Schema = Mapping[str, Any]


def read_field(reader: Reader, schema: Any, place: Place, *, titled: bool = True) -> AnyNode | None:
    """One field, or None with problems in the report. `titled`: it must have a title (everything but a row does)."""
    resolved = reader.resolve(schema, place)
    if resolved is None:
        return None
    schema, place = resolved
    kind = _kind(schema)
    if kind is None:
        words = "string, number, integer, boolean, object or array"
        reader.report.refuse(place.where + "/type", "type", f"type {schema.get('type')!r} is not in the subset", f"Write one of {words}.")
        return None
    reader.report.only(schema, keywords.ANNOTATIONS | keywords.KINDS[kind], place.where, f"a field of kind {kind}")
    if schema.get("readOnly", False) not in (True, False):
        reader.report.refuse(place.where + "/readOnly", "type", "must be true or false")
    place = Place(place.where, place.path, place.depth, place.refs, place.read_only or schema.get("readOnly") is True)
    node = _READ[kind](reader, schema, place, _common(reader, schema, place, titled))
    if node is not None and "default" in schema:
        _default(reader, node, schema, place)
    return node


def _kind(schema: Schema) -> str | None:
    if "const" in schema:
        return "boolean" if isinstance(schema["const"], bool) else "constant"
    if "enum" in schema or "oneOf" in schema:
        return "choice"
    kind = schema.get("type")
    if kind == "object" and schema.get("format") == "file":
        return "file"
    words = {"string": "text", "number": "number", "integer": "number", "boolean": "boolean", "object": "object", "array": "array"}
    return words.get(kind) if isinstance(kind, str) else None


def _common(reader: Reader, schema: Schema, place: Place, titled: bool) -> dict[str, Any]:
    title = reader.report.text(schema, "title", place.where, limits.TITLE_CHARACTERS)
    if title is None and titled and not {"title", "x-title"} & set(schema):
        reader.report.refuse(place.where, "text", "has no title", "Every field needs a title in Chinese; English is optional.")
    return {
        "title": title or Text(""),
        "help": reader.report.text(schema, "description", place.where, limits.HELP_CHARACTERS),
        "read_only": place.read_only,
        "default": schema.get("default"),
        "hints": reader.hints.get(place.path, Hints()),
    }


def _default(reader: Reader, node: AnyNode, schema: Schema, place: Place) -> None:
    for message in faults(node, schema["default"]):
        reader.report.refuse(place.where + "/default", "default", f"does not fit the field: {message}")


# --- kinds ------------------------------------------------------------------------------------------------------------
def _text(reader: Reader, schema: Schema, place: Place, common: dict[str, Any]) -> TextNode | None:
    form = schema.get("format", "")
    if "format" in schema and (not isinstance(form, str) or form not in keywords.TEXT_FORMATS):
        advice = 'An attachment is {"type": "object", "format": "file"}.' if form == "file" else ""
        known = ", ".join(sorted(keywords.TEXT_FORMATS))
        reader.report.refuse(place.where + "/format", "format", f"format {form!r} is not in the subset ({known})", advice)
        return None
    most = limits.TEXT_CHARACTERS if form in ("textarea", "markdown") else limits.LINE_CHARACTERS
    rules: dict[str, Any] = {"type": "string", "maxLength": _count(reader, schema, "maxLength", place, most)}
    if "minLength" in schema:
        rules["minLength"] = _count(reader, schema, "minLength", place, most)
        _ordered(reader, rules, "minLength", "maxLength", place)
    if form in keywords.VALIDATED_FORMATS:
        rules["format"] = form
    if "pattern" in schema:
        if not isinstance(schema["pattern"], str) or len(schema["pattern"]) > limits.PATTERN_CHARACTERS:
            reader.report.refuse(place.where + "/pattern", "pattern", f"must be a text of at most {limits.PATTERN_CHARACTERS} characters")
            return None
        rules["pattern"] = schema["pattern"]
    validator = _pattern_checked(reader, rules, place)
    examples = schema.get("examples", [])
    if not isinstance(examples, list) or not all(isinstance(each, str) for each in examples) or len(examples) > limits.OPTIONS:
        reader.report.refuse(place.where + "/examples", "examples", f"must be a list of at most {limits.OPTIONS} texts")
        examples = []
    message = reader.report.text(schema, "message", place.where, limits.TITLE_CHARACTERS)
    return TextNode(rules=rules, validator=validator, format=form, suggestions=tuple(examples), message=message, **common)


def _pattern_checked(reader: Reader, rules: Schema, place: Place) -> Any:
    """The validator; a pattern that a linear-time engine cannot run (look-around, back-reference, huge repeats) is refused by name."""
    silent = Report(reader.report.file)
    validator = linear(rules, silent, place.where)
    if validator is None:
        advice = "Look-around, back-references and very large repeats are not possible; write a simpler pattern."
        reader.report.refuse(place.where + "/pattern", "pattern", f"{rules.get('pattern')!r} cannot be run in linear time", advice)
    return validator


def _number(reader: Reader, schema: Schema, place: Place, common: dict[str, Any]) -> NumberNode | None:
    rules: dict[str, Any] = {"type": schema["type"]}
    for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
        if name in schema:
            value = schema[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > limits.NUMBER:
                reader.report.refuse(place.where + pointer(name), "number", "must be a number of at most 15 digits")
            elif name == "multipleOf" and value <= 0:
                reader.report.refuse(place.where + pointer(name), "number", "must be greater than 0")
            else:
                rules[name] = value
    _ordered(reader, rules, "minimum", "maximum", place)
    validator = linear(rules, reader.report, place.where)
    unit = reader.report.text(schema, "unit", place.where, 40) or common["hints"].unit
    message = reader.report.text(schema, "message", place.where, limits.TITLE_CHARACTERS)
    return NumberNode(rules=rules, validator=validator, integer=schema["type"] == "integer", unit=unit, message=message, **common)


def _choice(reader: Reader, schema: Schema, place: Place, common: dict[str, Any]) -> ChoiceNode | None:
    options = read_options(reader, schema, place)
    unit = reader.report.text(schema, "unit", place.where, 40) or common["hints"].unit
    return ChoiceNode(options=options, unit=unit, **common) if options else None


def read_options(reader: Reader, schema: Schema, place: Place) -> tuple[Option, ...]:
    """Options of `enum` (titles in `x-enum-titles`, else the value itself) or of `oneOf` constants with titles."""
    if "enum" in schema and "oneOf" in schema:
        reader.report.refuse(place.where, "options", "has both enum and oneOf", "Use one of them.")
        return ()
    key = "enum" if "enum" in schema else "oneOf"
    entries = schema[key]
    if not isinstance(entries, list) or not 1 <= len(entries) <= limits.OPTIONS:
        reader.report.refuse(place.where + pointer(key), "options", f"must be a list of 1 to {limits.OPTIONS} constants")
        return ()
    titles = schema.get("x-enum-titles", {})
    if not isinstance(titles, Mapping):
        reader.report.refuse(place.where + "/x-enum-titles", "text", "must be an object from constant to text")
        titles = {}
    options: list[Option] = []
    for index, entry in enumerate(entries):
        where = place.where + pointer(key, index)
        option = _one_of(reader, entry, where) if key == "oneOf" else _enumerated(reader, entry, titles, place, where)
        if option is not None:
            options.append(option)
    for name in titles:
        if key == "oneOf" or str(name) not in {option.key for option in options}:
            reader.report.refuse(place.where + pointer("x-enum-titles", name), "text", "names no constant of enum")
    _same_type(reader, options, schema.get("type"), place.where + pointer(key))
    return tuple(options)


def _enumerated(reader: Reader, entry: Any, titles: Schema, place: Place, where: str) -> Option | None:
    key = option_key(entry)
    if key is None:
        reader.report.refuse(where, "options", "must be a text without outer blanks, or a number")
        return None
    title = reader.report.text(titles, key, place.where + "/x-enum-titles", limits.TITLE_CHARACTERS) if key in titles else None
    return Option(key, entry, title or Text(key))


def _one_of(reader: Reader, entry: Any, where: str) -> Option | None:
    if not isinstance(entry, Mapping):
        reader.report.refuse(where, "options", "must be an object with const and title")
        return None
    reader.report.only(entry, keywords.OPTION, where, "a constant of oneOf")
    key = option_key(entry.get("const"))
    title = reader.report.text(entry, "title", where, limits.TITLE_CHARACTERS)
    if key is None or title is None:
        reader.report.refuse(where, "options", "must have a const (text without outer blanks, or number) and a title")
        return None
    return Option(key, entry["const"], title, reader.report.text(entry, "description", where, limits.HELP_CHARACTERS))


def option_key(value: Any) -> str | None:
    """What HTML submits for a constant; None where it cannot be one."""
    if isinstance(value, str):
        fits = value.strip() == value and value and value.isprintable() and len(value) <= limits.TITLE_CHARACTERS
        return value if fits else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > limits.NUMBER:
        return None
    return str(int(value)) if value == int(value) else repr(value)


def _same_type(reader: Reader, options: list[Option], kind: Any, where: str) -> None:
    texts = [isinstance(option.value, str) for option in options]
    wanted = {"string": True, "number": False, "integer": False}.get(kind if isinstance(kind, str) else "", texts[0] if texts else True)
    if (kind is not None and kind not in ("string", "number", "integer")) or any(each is not wanted for each in texts):
        reader.report.refuse(where, "options", "must all be texts, or all be numbers, as type says")
    if kind == "integer" and any(isinstance(option.value, float) and not option.value.is_integer() for option in options):
        reader.report.refuse(where, "options", "must be whole numbers, as type says")
    if len({option.key for option in options}) != len(options):
        reader.report.refuse(where, "options", "names a constant twice")


def _boolean(reader: Reader, schema: Schema, place: Place, common: dict[str, Any]) -> BooleanNode | None:
    if schema.get("type", "boolean") != "boolean":
        reader.report.refuse(place.where + "/type", "type", "must be boolean, as const says")
    return BooleanNode(must_be=schema.get("const"), **common)


def _constant(reader: Reader, schema: Schema, place: Place, common: dict[str, Any]) -> ConstNode | None:
    value, kind = schema["const"], schema.get("type")
    fits = kind is None or ((kind == "string") == isinstance(value, str) and kind in ("string", "number", "integer"))
    if option_key(value) is None or not fits:
        reader.report.refuse(place.where + "/const", "options", "must be a text without outer blanks or a number, of the field's type")
        return None
    return ConstNode(value=value, **common)


def _file(reader: Reader, schema: Schema, place: Place, common: dict[str, Any]) -> FileNode | None:
    accept = schema.get("x-accept", [])
    if not isinstance(accept, list) or not all(isinstance(each, str) and each[:1] == "." and each[1:].isalnum() for each in accept):
        reader.report.refuse(place.where + "/x-accept", "file", 'must be a list of file name extensions such as ".pdf"')
        return None
    most = _count(reader, schema, "x-max-bytes", place, limits.FILE_UPLOAD_BYTES)
    return FileNode(accept=tuple(each.lower() for each in accept), max_bytes=most, **common)


def _array(reader: Reader, schema: Schema, place: Place, common: dict[str, Any]) -> AnyNode | None:
    resolved = reader.resolve(schema.get("items"), place.down("items"))
    if resolved is None:
        return None
    items, inner = resolved
    kind = _kind(items)
    least = _count(reader, schema, "minItems", place, limits.ROWS_AT_MOST) if "minItems" in schema else 0
    if schema.get("uniqueItems", False) not in (True, False):
        reader.report.refuse(place.where + "/uniqueItems", "type", "must be true or false")
    if kind == "object":
        most = _count(reader, schema, "maxItems", place, limits.ROWS, limits.ROWS_AT_MOST)
        _items_ordered(reader, least, most, place)
        if schema.get("uniqueItems"):
            reader.report.refuse(place.where + "/uniqueItems", "keyword", "is not possible for a table")
        return _table(reader, items, inner, common, least, most)
    if kind == "choice":
        reader.report.only(items, keywords.ANNOTATIONS | keywords.KINDS["choice"], inner.where, "a choice")
        options = read_options(reader, items, inner)
        most = _count(reader, schema, "maxItems", place, max(len(options), 1))
        _items_ordered(reader, least, most, place)
        return ChoicesNode(options=options, min_items=least, max_items=most, **common) if options else None
    if kind in ("text", "file"):
        most = _count(reader, schema, "maxItems", place, limits.LIST_ITEMS)
        _items_ordered(reader, least, most, place)
        item = read_field(reader, items, inner, titled=False)
        if isinstance(item, TextNode) and item.multiline:
            reader.report.refuse(inner.where + "/format", "format", "a list holds one-line texts; use a table for longer ones")
        elif isinstance(item, TextNode | FileNode):
            return ListNode(item=item, min_items=least, max_items=most, unique=bool(schema.get("uniqueItems")), **common)
        return None
    reader.report.refuse(inner.where, "items", "must be an object, a choice (enum or oneOf), a text or a file")
    return None


def _table(reader: Reader, items: Schema, inner: Place, common: dict[str, Any], least: int, most: int) -> TableNode | None:
    inner = Place(inner.where, inner.path, inner.depth, inner.refs, common["read_only"])
    row = read_field(reader, items, inner, titled=False)
    if not isinstance(row, ObjectNode):
        return None
    fixed = not common["read_only"] and any(_any_read_only(node) for part in branches(row.body) for node in part.fields.values())
    return TableNode(row=row, min_items=least, max_items=most, fixed=fixed, **common)


def _any_read_only(node: AnyNode) -> bool:
    inside = node.row if isinstance(node, TableNode) else node
    if node.read_only or not isinstance(inside, ObjectNode):
        return node.read_only
    return any(_any_read_only(each) for part in branches(inside.body) for each in part.fields.values())


def _object(reader: Reader, schema: Schema, place: Place, common: dict[str, Any]) -> AnyNode | None:
    return reader.object(schema, place, common)


def _count(reader: Reader, schema: Schema, name: str, place: Place, default: int, most: int | None = None) -> int:
    value, most = schema.get(name, default), most or default
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        reader.report.refuse(place.where + pointer(name), "size", f"must be a whole number from 0 to {most}")
        return default
    return value


def _ordered(reader: Reader, rules: Schema, low: str, high: str, place: Place) -> None:
    if low in rules and high in rules and rules[low] > rules[high]:
        reader.report.refuse(place.where + pointer(low), "range", f"is greater than {high}: nothing could be entered")


def _items_ordered(reader: Reader, least: int, most: int, place: Place) -> None:
    _ordered(reader, {"minItems": least, "maxItems": most}, "minItems", "maxItems", place)


_READ = {
    "text": _text,
    "number": _number,
    "choice": _choice,
    "boolean": _boolean,
    "constant": _constant,
    "file": _file,
    "array": _array,
    "object": _object,
}
