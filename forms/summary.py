"""Submitted data for reading: entries with titles and texts in one language, for the auditor, for read-only fields and for print."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from engine.model.values import Json
from forms.checking import Checker
from forms.compiler import CompiledForm
from forms.leaves import well_formed
from forms.messages import phrase
from forms.nodes import AnyNode, BooleanNode, ChoiceNode, ChoicesNode, FileNode, ListNode, NumberNode, ObjectNode, Option, TableNode, TextNode
from forms.order import ordered
from forms.raw import declared
from forms.values import write_moment, write_number


@dataclass(frozen=True, slots=True)
class Column:
    """Head of a column; numbers are aligned to the right."""

    title: str
    number: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One field for reading. `kind`: empty, text, lines, markdown, uri, file, group, table. `text` and `texts` are ready to show;
    `files` are attachment references; `children` the fields of a group; `rows` the cells of a table under `columns`.
    """

    kind: str
    title: str
    text: str = ""
    texts: tuple[str, ...] = ()
    number: bool = False
    files: tuple[Mapping[str, Any], ...] = ()
    children: tuple[Entry, ...] = ()
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Entry, ...], ...] = ()

    @property
    def wide(self) -> bool:
        """Whether the entry needs the whole width of the page."""
        return self.kind in ("table", "group", "markdown", "textarea")


@dataclass(frozen=True, slots=True)
class SummarySection:
    """Entries under one heading."""

    title: str
    entries: tuple[Entry, ...]


def option_title(option: Option, lang: str) -> str:
    """The option's words."""
    return option.title.get(lang)


def summarise_form(form: CompiledForm, values: Mapping[str, Json], lang: str, zone: tzinfo) -> tuple[SummarySection, ...]:
    """All fields of a form with these values, in the page's sections; fields that a condition hides are left out, empty ones are not."""
    reading = Reading(lang, zone)
    by_name = {name: reading.entry(node, values.get(name)) for name, node in _visible(form.root, values).items()}
    if not form.sections:
        return (SummarySection("", tuple(by_name.values())),)
    found = [(section, tuple(by_name[name] for name in section.fields if name in by_name)) for section in form.sections]
    return tuple(SummarySection(section.title.get(lang), entries) for section, entries in found if entries)


@dataclass(frozen=True, slots=True)
class Reading:
    """Writes values for readers of one language. `absent` is the phrase for an empty field."""

    lang: str
    zone: tzinfo
    absent: str = "not_given"

    def entry(self, node: AnyNode, value: Any) -> Entry:
        """One field with its value; a value of another type than the field's is shown as empty."""
        title = node.title.get(self.lang)
        if isinstance(node, ObjectNode):
            inside = value if isinstance(value, Mapping) else {}
            children = tuple(self.entry(each, inside.get(name)) for name, each in _visible(node, inside).items())
            return Entry("group", title, children=children) if any(each.kind != "empty" for each in children) else self._empty(title)
        if isinstance(node, TableNode):
            return self._table(node, title, value if isinstance(value, list | tuple) else ())
        if isinstance(node, FileNode) or (isinstance(node, ListNode) and isinstance(node.item, FileNode)):
            several = value if isinstance(value, list | tuple) else (value,)
            files = tuple(each for each in several if well_formed(each))
            return Entry("file", title, files=files) if files else self._empty(title)
        if isinstance(node, ListNode | ChoicesNode):
            item = ChoiceNode(options=node.options) if isinstance(node, ChoicesNode) else node.item
            texts = tuple(self._plain(item, each) for each in value) if isinstance(value, list | tuple) else ()
            return Entry("lines", title, texts=texts) if texts else self._empty(title)
        text = self._plain(node, value)
        kind = node.format if isinstance(node, TextNode) and node.format in ("markdown", "uri", "textarea") else "text"
        return Entry(kind, title, text, number=isinstance(node, NumberNode)) if text else self._empty(title)

    def _empty(self, title: str) -> Entry:
        return Entry("empty", title, phrase(self.absent, self.lang))

    def _table(self, node: TableNode, title: str, rows: Any) -> Entry:
        fields = {name: nodes[0] for name, nodes in declared(node.row).items()}
        cells = tuple(tuple(self.entry(each, row.get(name) if isinstance(row, Mapping) else None) for name, each in fields.items()) for row in rows)
        if not cells:
            return self._empty(title)
        columns = tuple(Column(each.title.get(self.lang), isinstance(each, NumberNode)) for each in fields.values())
        return Entry("table", title, columns=columns, rows=cells)

    def _plain(self, node: AnyNode, value: Any) -> str:
        unit = node.unit.get(self.lang) if isinstance(node, NumberNode | ChoiceNode) and node.unit else ""
        if isinstance(node, ChoiceNode):
            chosen = next((option for option in node.options if option.value == value and not isinstance(value, bool)), None)
            return _with_unit(option_title(chosen, self.lang) if chosen else _written(value), unit)
        if isinstance(node, BooleanNode):
            return phrase("yes" if value else "no", self.lang) if isinstance(value, bool) else ""
        if isinstance(node, TextNode) and node.format == "date-time" and isinstance(value, str):
            return write_moment(value, self.zone).replace("T", " ")
        return _with_unit(_written(value), unit)


def _written(value: Any) -> str:
    """Numbers from 10,000 with separators, as people read them."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        whole, point, rest = write_number(value).partition(".") if math.isfinite(value) else (str(value), "", "")
        return (f"{int(whole):,}" if len(whole.lstrip("-")) > 4 and math.isfinite(value) else whole) + point + rest
    return value if isinstance(value, str) else ""


def _with_unit(text: str, unit: str) -> str:
    if not text or not unit:
        return text
    return text + unit if unit in ("%", "％", "°C", "‰") else f"{text} {unit}"


def _visible(node: ObjectNode, values: Mapping[str, Any]) -> dict[str, AnyNode]:
    checker = Checker(keep_blank=True)
    checker.object(node, {name: value for name, value in values.items() if name in node.names}, values, "")
    scope = checker.visible[""]
    return {name: scope.fields[name] for name in ordered(node, scope)}
