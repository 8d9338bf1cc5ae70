"""Queries that several pages put together: names for ids, the state of a diagram."""

from __future__ import annotations

from typing import Any

from engine.errors import NotFound
from engine.model.actors import Actor
from forms import CompiledForm
from webui.i18n import language
from webui.sentences import Names, names_of


def names_for(read: Any, definition_id: str) -> Names:
    """Words for the elements of a definition and for all people."""
    try:
        info = read.process_info(definition_id)
    except NotFound:
        info = None
    return names_of(info, read.people())


def variable_titles(read: Any, definition_id: str) -> dict[str, str]:
    """What the forms of a version call its variables, in the reader's language."""
    try:
        info = read.process_info(definition_id)
    except NotFound:
        return {}
    out: dict[str, str] = {}
    for key in info.form_keys:
        form = read.form(definition_id, key)
        if isinstance(form, CompiledForm):
            out |= form.titles(language())
    return out


def diagram_state(read: Any, actor: Actor, instance_id: str, selected: str | None = None) -> dict[str, Any]:
    """What the viewer bundle draws over the diagram: tokens, path, incidents."""
    frame = read.frame(actor, instance_id, 2**31 - 1)
    state: dict[str, Any] = {"active": dict(frame.active), "completed": dict(frame.completed), "flows": dict(frame.flows)}
    if selected:
        state["selected"] = selected
    return state
