"""What a person typed, as a tree beside the form: texts as posted, rows as dicts; and its way to values and back.

    object: {property: ...}   table: [row, ...]   file: [reference, ...]   any other field: [text, ...]

The tree is plain JSON, so that a draft keeps half-typed input. Keys that begin with `_` belong to the page (`_preview`, `_focus`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any, TypeAlias

from forms.checking import empty
from forms.fields import option_key
from forms.leaves import Unreadable
from forms.nodes import (
    AnyNode,
    BooleanNode,
    ChoiceNode,
    ChoicesNode,
    ConstNode,
    FileNode,
    ListNode,
    NumberNode,
    ObjectNode,
    TableNode,
    TextNode,
    branches,
)
from forms.values import BadNumber, plain_text, read_date, read_moment, read_number, write_moment, write_number

Raw: TypeAlias = dict[str, Any]


def declared(node: ObjectNode) -> dict[str, list[AnyNode]]:
    """Every declared field of an object by name, in order; several nodes where then and else declare the same name."""
    found: dict[str, list[AnyNode]] = {}
    for part in branches(node.body):
        for name, each in part.fields.items():
            found.setdefault(name, []).append(each)
    return found


# --- values to texts --------------------------------------------------------------------------------------------------
def encode(node: ObjectNode, values: Any, zone: tzinfo, *, defaults: bool = False) -> Raw:
    """The tree that shows these values. `defaults`: absent fields show their default, as in a new form or a new row."""
    values = values if isinstance(values, Mapping) else {}
    out: Raw = {}
    for name, nodes in declared(node).items():
        value = values.get(name)
        for each in nodes:  # of two alternatives the one that understands the value
            shown = each.default if value is None and defaults else value
            out[name] = _encode(each, shown, zone, defaults=defaults and value is None)
            if out[name]:
                break
    return out


def _encode(node: AnyNode, value: Any, zone: tzinfo, *, defaults: bool) -> Any:
    if isinstance(node, ObjectNode):
        return encode(node, value, zone, defaults=defaults)
    if isinstance(node, TableNode):
        return [encode(node.row, row, zone) for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
    if isinstance(node, ConstNode):
        return [option_key(node.value) or ""]
    if value is None:
        return []
    if isinstance(node, ChoicesNode):
        return [key for key in map(option_key, value) if key] if isinstance(value, list) else []
    if isinstance(node, ListNode):
        entries = value if isinstance(value, list) else []
        return [dict(each) for each in entries if isinstance(each, Mapping)] if isinstance(node.item, FileNode) else ["\n".join(map(str, entries))]
    if isinstance(node, FileNode):
        return [dict(value)] if isinstance(value, Mapping) else []
    if isinstance(node, BooleanNode):
        return ["true" if value else "false"] if isinstance(value, bool) else []
    if isinstance(value, str):
        return [write_moment(value, zone)] if isinstance(node, TextNode) and node.format == "date-time" else [value]
    return [write_number(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


# --- texts to values --------------------------------------------------------------------------------------------------
def decode(node: ObjectNode, raw: Any, zone: tzinfo) -> dict[str, Any]:
    """Values of the tree for the checker; a text that is no value of its field becomes an Unreadable, an empty one is left out."""
    raw = raw if isinstance(raw, Mapping) else {}
    out: dict[str, Any] = {}
    for name, nodes in declared(node).items():
        if name not in raw:
            continue
        readings = [_decode(each, raw[name], zone) for each in nodes if not each.read_only]
        # alternatives of then and else: the one that can be read; the checker judges it against the visible one
        chosen = next((each for each in readings if not isinstance(each, Unreadable)), readings[0] if readings else None)
        if chosen is not None:
            out[name] = chosen
    return out


def _decode(node: AnyNode, raw: Any, zone: tzinfo) -> Any:
    if isinstance(node, ObjectNode):
        return decode(node, raw, zone)
    entries = raw if isinstance(raw, list) else []
    if isinstance(node, TableNode):
        return [decode(node.row, row, zone) for row in entries] or None
    if isinstance(node, FileNode) or (isinstance(node, ListNode) and isinstance(node.item, FileNode)):
        files = [_file(each) for each in entries]
        return (files or None) if isinstance(node, ListNode) else (files[-1] if files else None)
    texts = [each for each in entries if isinstance(each, str)]
    if isinstance(node, ChoicesNode):
        return [_option(node, each) for each in texts if each] or None
    text = texts[-1] if texts else ""
    if isinstance(node, ListNode):
        return [line for line in plain_text(text, multiline=True).split("\n") if line.strip()] or None
    return _single(node, text, zone) if text.strip() else None


def _single(node: AnyNode, text: str, zone: tzinfo) -> Any:
    if isinstance(node, TextNode):
        if node.format == "date":
            return read_date(text) or Unreadable("form.date")
        if node.format == "date-time":
            return read_moment(text, zone) or Unreadable("form.date-time")
        return text
    if isinstance(node, NumberNode):
        units = (node.unit.zh, node.unit.get("en")) if node.unit else ()
        try:
            return read_number(text, units, integer=node.integer)
        except BadNumber as exc:
            return Unreadable(exc.message_id)
    if isinstance(node, ChoiceNode):
        return _option(node, text)
    if isinstance(node, BooleanNode):
        return {"true": True, "false": False}.get(text, Unreadable("form.type.boolean"))
    if isinstance(node, ConstNode):
        return node.value if text == option_key(node.value) else Unreadable("form.const", {"constant": node.value})
    raise AssertionError(f"{type(node).__name__} is no single field")


def _option(node: ChoiceNode | ChoicesNode, key: str) -> Any:
    return next((option.value for option in node.options if option.key == key), Unreadable("form.enum"))


def _file(entry: Any) -> Any:
    if isinstance(entry, Mapping) and "error" in entry:
        return Unreadable(str(entry["error"]), entry.get("params", {}))
    return entry if isinstance(entry, Mapping) else Unreadable("form.file.unknown")


def without_blank_rows(node: ObjectNode, raw: Raw, zone: tzinfo) -> Raw:
    """The tree without rows in which nothing was entered, so that errors name rows as the page will number them."""
    out = dict(raw)
    for name, nodes in declared(node).items():
        for each in nodes:
            if isinstance(each, ObjectNode) and isinstance(raw.get(name), Mapping):
                out[name] = without_blank_rows(each, raw[name], zone)
            elif isinstance(each, TableNode) and isinstance(raw.get(name), list):
                rows = [without_blank_rows(each.row, row, zone) for row in raw[name]]
                keep = each.fixed or each.read_only
                out[name] = [row for row in rows if keep or not empty(each.row, decode(each.row, row, zone))]
    return out
