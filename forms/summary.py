"""Submitted data for reading: entries with titles and texts in one language, for the auditor, for read-only fields and for print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from engine.model.values import Json
from forms.checking import Checker
from forms.compiler import CompiledForm
from forms.messages import phrase
from forms.nodes import AnyNode, BooleanNode, ChoiceNode, ChoicesNode, FileNode, ListNode, NumberNode, ObjectNode, Option, TableNode, TextNode
from forms.order import ordered
from forms.raw import declared
from forms.values import write_moment, write_number


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
    columns: tuple[str, ...] = ()
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
    root = summarise(form.root, values, lang, zone)
    by_name = dict(zip(_names(form.root, values), root.children, strict=True))
    if not form.sections:
        return (SummarySection("", root.children),)
    found = [(section, [by_name[name] for name in section.fields if name in by_name]) for section in form.sections]
    return tuple(SummarySection(section.title.get(lang), tuple(entries)) for section, entries in found if entries)


def summarise(node: AnyNode, value: Any, lang: str, zone: tzinfo) -> Entry:
    """One field with its value; a value of another type than the field's is shown as empty."""
    title = node.title.get(lang)
    if isinstance(node, ObjectNode):
        inside = value if isinstance(value, Mapping) else {}
        fields = declared(node)
        return Entry("group", title, children=tuple(summarise(fields[name][0], inside.get(name), lang, zone) for name in _names(node, inside)))
    if isinstance(node, TableNode):
        return _table(node, value if isinstance(value, list | tuple) else (), lang, zone)
    if isinstance(node, FileNode) or (isinstance(node, ListNode) and isinstance(node.item, FileNode)):
        several = value if isinstance(value, list | tuple) else (value,)
        files = tuple(each for each in several if isinstance(each, Mapping) and isinstance(each.get("sha256"), str))
        return Entry("file", title, files=files) if files else Entry("empty", title, phrase("not_given", lang))
    if isinstance(node, ListNode | ChoicesNode):
        entries = value if isinstance(value, list | tuple) else ()
        texts = tuple(_plain(ChoiceNode(options=node.options) if isinstance(node, ChoicesNode) else node.item, each, lang, zone) for each in entries)
        return Entry("lines", title, texts=texts) if texts else Entry("empty", title, phrase("not_given", lang))
    text = _plain(node, value, lang, zone)
    if not text:
        return Entry("empty", title, phrase("not_given", lang))
    kind = node.format if isinstance(node, TextNode) and node.format in ("markdown", "uri", "textarea") else "text"
    return Entry(kind, title, text, number=isinstance(node, NumberNode))


def _plain(node: AnyNode, value: Any, lang: str, zone: tzinfo) -> str:
    if isinstance(node, ChoiceNode):
        words = next((option.title.get(lang) for option in node.options if option.value == value and not isinstance(value, bool)), "")
        return _with_unit(words or _written(value), node.unit.get(lang) if node.unit else "")
    if isinstance(node, BooleanNode):
        return phrase("yes" if value else "no", lang) if isinstance(value, bool) else ""
    if isinstance(node, NumberNode):
        return _with_unit(_written(value), node.unit.get(lang) if node.unit else "")
    if isinstance(node, TextNode) and node.format == "date-time" and isinstance(value, str):
        return write_moment(value, zone).replace("T", " ")
    return _written(value)


def _written(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        whole, point, rest = write_number(value).partition(".")
        return (f"{int(whole):,}" if abs(value) >= 10_000 else whole) + point + rest
    return value if isinstance(value, str) else ""


def _with_unit(text: str, unit: str) -> str:
    if not text or not unit:
        return text
    return text + unit if unit in ("%", "％", "°C", "‰") else f"{text} {unit}"


def _table(node: TableNode, rows: Any, lang: str, zone: tzinfo) -> Entry:
    fields = {name: nodes[0] for name, nodes in declared(node.row).items()}
    cells = tuple(
        tuple(summarise(each, row.get(name) if isinstance(row, Mapping) else None, lang, zone) for name, each in fields.items()) for row in rows
    )
    title = node.title.get(lang)
    if not cells:
        return Entry("empty", title, phrase("not_given", lang))
    return Entry("table", title, columns=tuple(each.title.get(lang) for each in fields.values()), rows=cells)


def _names(node: ObjectNode, values: Mapping[str, Any]) -> list[str]:
    checker = Checker(keep_blank=True)
    known = {name: value for name, value in values.items() if name in node.names}
    checker.object(node, known, values, "")
    return ordered(node, checker.visible[""])
