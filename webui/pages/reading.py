"""Queries that several pages put together: names for ids, the state of a diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.errors import NotFound
from engine.model.actors import Actor
from engine.model.views import Explanation
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


class NamesThrough:
    """Words for elements at each record of an instance, which may have been migrated from version to version."""

    def __init__(self, read: Any, definition_id: str, explanations: Sequence[Explanation]) -> None:
        self._read = read
        self._known: dict[str, Names] = {}
        self._moves = [(e.seq, str(e.details["source"])) for e in explanations if e.kind == "MigrateInstance"]
        self.now = definition_id

    def definition(self, seq: int) -> str:
        """Under which definition the record was made; of a migration, the one that it enters."""
        return next((source for at, source in self._moves if seq < at), self.now)

    def names(self, seq: int) -> Names:
        """The words of that definition."""
        wanted = self.definition(seq)
        if wanted not in self._known:
            self._known[wanted] = names_for(self._read, wanted)
        return self._known[wanted]


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
