"""Targets that are a part of a variable: `order.total` and `order["total"]` of assignments (BPMN 2.0.2 section 10.4.2), dotted targets of Zeebe's mappings."""

from __future__ import annotations

import re

from engine.model.values import Json

_NAME = r"[^\s.\[\](){}<>\"'=+*/,;:][^.\[\](){}<>\"'=+*/,;:]*"
_KEY = rf"\.\s*{_NAME}|\[\s*\"[^\"]*\"\s*\]|\[\s*'[^']*'\s*\]"
_TARGET = re.compile(rf"({_NAME})((?:\s*(?:{_KEY}))*)")
_QUOTED = "\"'"


def target(text: str) -> tuple[str, tuple[str, ...]] | None:
    """The variable that a text names, and the keys inside it; None for what is no place to write to."""
    found = _TARGET.fullmatch(text.strip())
    if found is None:
        return None
    keys = re.findall(_KEY, found[2])
    return found[1].strip(), tuple(one.strip("[] ").strip(_QUOTED) if one.startswith("[") else one[1:].strip() for one in keys)


def put(held: Json, path: tuple[str, ...], value: Json) -> Json:
    """A copy of an object with the value at that place; whatever is no object on the way becomes one."""
    if not path:
        return value
    outer = dict(held) if isinstance(held, dict) else {}
    outer[path[0]] = put(outer.get(path[0]), path[1:], value)
    return outer
