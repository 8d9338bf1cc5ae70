"""Checks one value of one field: type, normal form, then the field's own keywords by jsonschema-rs, mapped to messages for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import FieldError
from forms.messages import PHRASES, field_error
from forms.nodes import AnyNode, BooleanNode, ChoiceNode, ConstNode, FileNode, NumberNode, TextNode
from forms.texts import Text
from forms.values import holds_control, normal_moment, normal_number, plain_text, write_number

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}\Z", re.ASCII)
_NAME_CHARACTERS = 255
FILE_KEYS = frozenset({"name", "sha256", "size", "media_type"})


@dataclass(frozen=True)
class Unreadable:
    """Stands for a text that a person typed and that is no value of its field; cannot arise from JSON."""

    message_id: str
    params: Mapping[str, Any] = field(default_factory=dict)


Result = tuple[Any, list[FieldError]]


def clean_leaf(node: AnyNode, value: Any, where: str) -> Result:
    """The value in normal form, or None, with its errors. Never raises, whatever `value` is."""
    if isinstance(value, Unreadable):
        return None, [field_error(where, value.message_id, label=node.title, **value.params)]
    if isinstance(node, TextNode):
        return _text(node, value, where)
    if isinstance(node, NumberNode):
        return _number(node, value, where)
    if isinstance(node, ChoiceNode):
        return _choice(node, value, where)
    if isinstance(node, BooleanNode):
        return _boolean(node, value, where)
    if isinstance(node, ConstNode):
        same = value == node.value and not isinstance(value, bool)
        return (node.value, []) if same else (None, [field_error(where, "form.const", label=node.title, constant=node.value)])
    if isinstance(node, FileNode):
        return _file(node, value, where)
    raise AssertionError(f"{type(node).__name__} is no leaf")


def _text(node: TextNode, value: Any, where: str) -> Result:
    if not isinstance(value, str):
        return None, [field_error(where, "form.type.text", label=node.title)]
    text = plain_text(value, multiline=node.multiline)
    if not text:
        return None, []
    if holds_control(text):
        return None, [field_error(where, "form.control", label=node.title)]
    if not node.multiline and "\n" in text:
        return None, [field_error(where, "form.single-line", label=node.title)]
    if node.format == "date-time":
        moment = normal_moment(text)
        if moment is None:
            return None, [field_error(where, "form.date-time", label=node.title)]
        text = moment
    return text, _rules(node, text, where, len(text))


def _number(node: NumberNode, value: Any, where: str) -> Result:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, [field_error(where, "form.type.integer" if node.integer else "form.type.number", label=node.title)]
    number = normal_number(value)
    if number is None:
        return None, [field_error(where, "form.number.size", label=node.title)]
    return number, _rules(node, number, where, 0)


def _rules(node: TextNode | NumberNode, value: Any, where: str, count: int) -> list[FieldError]:
    """The broken keywords of one field, one message each."""
    errors = []
    unit = node.unit if isinstance(node, NumberNode) else None
    beside = Text(" " + unit.zh, " " + unit.get("en")) if unit else Text("")
    for keyword in [str(error.schema_path[-1]) for error in node.validator.iter_errors(value)]:
        name = f"form.{node.rules['format']}" if keyword == "format" else f"form.{keyword}"
        if keyword == "type":
            name = "form.type.integer"
        if node.message is not None and keyword in ("pattern", "format", "multipleOf"):
            errors.append(field_error(where, "form.pattern.custom", label=node.title, message=node.message))
            continue
        limit = node.rules.get(keyword)
        shown = write_number(limit) if isinstance(limit, int | float) else limit
        errors.append(field_error(where, name, label=node.title, limit=shown, count=count, unit=beside))
    return errors


def _choice(node: ChoiceNode, value: Any, where: str) -> Result:
    if not isinstance(value, bool) and isinstance(value, str | int | float):
        for option in node.options:
            if option.value == value:
                return option.value, []
    return None, [field_error(where, "form.enum", label=node.title)]


def _boolean(node: BooleanNode, value: Any, where: str) -> Result:
    if not isinstance(value, bool):
        return None, [field_error(where, "form.type.boolean", label=node.title)]
    if node.must_be is not None and value is not node.must_be:
        constant = PHRASES["yes" if node.must_be else "no"]
        return value, [field_error(where, "form.confirm", label=node.title, constant=constant)]
    return value, []


def _file(node: FileNode, value: Any, where: str) -> Result:
    if not well_formed(value):
        return None, [field_error(where, "form.type.file", label=node.title)]
    reference = {key: value[key] for key in ("name", "sha256", "size", "media_type")}
    problem = file_problem(node, value["name"], value["size"])
    return reference, [field_error(where, problem.message_id, label=node.title, **problem.params)] if problem else []


def well_formed(value: Any) -> bool:
    """Whether a value is a reference to an attachment: name, sha256, size and media_type, each of its form."""
    if not isinstance(value, Mapping) or set(value) != FILE_KEYS:
        return False
    name, digest, size, kind = value["name"], value["sha256"], value["size"], value["media_type"]
    if not (isinstance(name, str) and isinstance(digest, str) and isinstance(kind, str)) or isinstance(size, bool) or not isinstance(size, int):
        return False
    plain = 0 < len(name) <= _NAME_CHARACTERS and not holds_control(name) and not set("/\\\n\t") & set(name)
    return plain and size >= 0 and bool(_SHA256.match(digest)) and bool(_MEDIA_TYPE.match(kind))


def file_problem(node: FileNode, name: str, size: int) -> Unreadable | None:
    """Why this file does not fit the field: empty, too large, another kind; None where it fits."""
    if size == 0:
        return Unreadable("form.file.empty", {"name": name})
    if size > node.max_bytes:
        return Unreadable("form.file.size", {"name": name, "limit": bytes_text(node.max_bytes)})
    if node.accept and not name.lower().endswith(node.accept):
        return Unreadable("form.file.kind", {"name": name, "accept": " ".join(node.accept)})
    return None


def bytes_text(size: int) -> str:
    """A number of bytes for people: 20 MB, 98 KB."""
    megabytes = size / 1024 / 1024
    return f"{megabytes:.3g} MB" if megabytes >= 1 else f"{size / 1024:.3g} KB"
