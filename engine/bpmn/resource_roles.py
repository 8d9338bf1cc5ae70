"""BPMN's own resource roles (sections 10.3.1 and 10.3.4): who may do the work of an activity, who does it.

A potential owner names groups, `user(...)` and `group(...)` say which is meant (as in jBPM and its successors); a performer names a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.bpmn.languages import expression_in, own_language, template_in
from engine.bpmn.templates import Template
from engine.bpmn.xml_source import BPMN, Xml, child, children, reference, text

_NAMED = re.compile(r"(user|group)\s*\((.*)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Owners:
    """Candidate groups and users; an expression may give several."""

    groups: tuple[Template, ...] = ()
    users: tuple[Template, ...] = ()


def read(element: Xml) -> tuple[Owners, Template | None]:
    """(potential owners, performer) of an activity."""
    groups: list[Template] = []
    users: list[Template] = []
    for role in _roles(element, "potentialOwner"):
        for kind, said in _owners(role, _said(role)):
            found = _template(role, said)
            if found is not None:
                (users if kind == "user" else groups).append(found)
    performers = ((role, _said(role)) for tag in ("humanPerformer", "performer") for role in _roles(element, tag))
    performer = next((found for role, said in performers if (found := _template(role, _bare(said))) is not None), None)
    return Owners(tuple(groups), tuple(users)), performer


def _roles(element: Xml, tag: str) -> list[Xml]:
    """By what they say: the standard gives several of them no order."""
    return sorted(children(element, tag), key=lambda role: (_said(role), role.get("id") or ""))


def _template(role: Xml, said: str) -> Template | None:
    """In the language that the assignment expression names, else as the file writes texts."""
    formal = role.find(f".//{{{BPMN}}}formalExpression")
    own = own_language(formal) if formal is not None else None
    return expression_in(formal, said, own) if own else template_in(role, said)


def _said(role: Xml) -> str:
    """The assignment expression; else the name of the resource that the role refers to, else its own."""
    formal = role.find(f".//{{{BPMN}}}formalExpression")
    return text(formal) or _resource(role) or role.get("name") or ""


def _resource(role: Xml) -> str | None:
    key = reference(text(child(role, "resourceRef")))
    if key is None:
        return None
    resources = (one for one in children(role.getroottree().getroot(), "resource") if one.get("id") == key)
    return next((one.get("name") for one in resources if one.get("name")), key)


def _bare(said: str) -> str:
    """`user(kermit)` is kermit."""
    found = _NAMED.fullmatch(said.strip())
    return found[2] if found is not None and found[1] == "user" else said


def _owners(role: Xml, said: str) -> Iterator[tuple[str, str]]:
    """(group or user, name) of a comma-separated list; a text that is one expression as a whole stays one."""
    whole = _template(role, said)
    if whole is not None and len(whole.parts) == 1 and whole.literal is None:
        yield "group", said
        return
    for part in _parts(said):
        found = _NAMED.fullmatch(part)
        if found is None:
            yield "group", part
        else:
            yield from ((found[1], name) for name in _parts(found[2]))


def _parts(said: str) -> Iterator[str]:
    """Split at commas outside of brackets."""
    depth, start = 0, 0
    for index, char in enumerate(f"{said},"):
        depth += (char in "({[") - (char in ")}]")
        if char == "," and depth <= 0:
            if said[start:index].strip():
                yield said[start:index].strip()
            start = index + 1
