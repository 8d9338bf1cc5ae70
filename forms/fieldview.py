"""Views of single fields: which widget, with which texts, options and hints, in one language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from forms.layout import rating_scale
from forms.leaves import bytes_text, well_formed
from forms.messages import phrase
from forms.nodes import (
    AnyNode,
    BooleanNode,
    ChoiceNode,
    ChoicesNode,
    ConstNode,
    FileNode,
    ListNode,
    NumberNode,
    Option,
    TextNode,
)
from forms.summary import Entry, option_title

FEW_OPTIONS = 6  # more options are a list to open, not radio buttons


@dataclass(frozen=True, slots=True)
class OptionView:
    """One option: `key` is posted."""

    key: str
    title: str
    help: str
    checked: bool


@dataclass(frozen=True, slots=True)
class ErrorLink:
    """A line of the error summary; `target` is an element's id, empty where the error belongs to no field of the page."""

    target: str
    text: str


@dataclass(frozen=True, slots=True)
class HiddenField:
    """A posted name and text that is carried along unseen."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """One field. `kind` names the widget: text, textarea, markdown, lines, number, date, datetime, email, uri, radio, select,
    checkbox, checkboxes, rating, constant, file, files, shown. `text` is what stands in it, `entry` what a read-only field shows.
    """

    kind: str
    key: str
    name: str
    id: str
    pointer: str
    title: str
    help: str
    text: str = ""
    hints: tuple[str, ...] = ()
    unit: str = ""
    options: tuple[OptionView, ...] = ()
    suggestions: tuple[str, ...] = ()
    files: tuple[Mapping[str, Any], ...] = ()
    accept: str = ""
    low: str = ""
    high: str = ""
    rows: int = 0
    width: str = ""
    required: bool = False
    refreshes: bool = False
    focus: bool = False
    preview: str | None = None
    entry: Entry | None = None
    errors: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """Id of the element that a link to this field leads to: of several buttons the first."""
        return f"{self.id}-0" if self.kind in ("radio", "rating", "checkboxes") else self.id

    @property
    def several(self) -> bool:
        """Whether the field is several buttons under one legend."""
        return self.kind in ("radio", "rating", "checkboxes")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """An object: fields under a legend. `kind`: group, or review (verdict and comment side by side)."""

    kind: str
    key: str
    id: str
    title: str
    help: str
    required: bool
    children: tuple[View, ...]
    hidden: tuple[HiddenField, ...]
    errors: tuple[str, ...]
    focus: bool = False
    skippable: bool = False  # all of it may stay empty, although parts are marked as required

    @property
    def target(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class RowView:
    """One row; in a grid one cell for each column (None where a condition hides it), in cards the visible fields."""

    id: str
    index: int
    title: str
    cells: tuple[View | None, ...]
    hidden: tuple[HiddenField, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """An array of objects. `kind`: grid (a table) or cards (a group for each row). `fixed`: rows can be neither added nor moved."""

    kind: str
    key: str
    id: str
    name: str
    title: str
    help: str
    required: bool
    columns: tuple[FieldView, ...]
    rows: tuple[RowView, ...]
    fixed: bool
    full: bool
    add: str
    errors: tuple[str, ...]
    focus: bool = False
    skippable: bool = False

    @property
    def target(self) -> str:
        return self.id


View: TypeAlias = FieldView | GroupView | TableView


def identifier(name: str) -> str:
    """The element id of a field's name."""
    return "f-" + name


def shown_field(node: AnyNode, key: str, name: str, where: str, lang: str, entry: Entry) -> FieldView:
    """A read-only field: a text of the page, no control."""
    help_text = node.help.get(lang) if node.help else ""
    return FieldView(kind="shown", key=key, name=name, id=identifier(name), pointer=where, title=node.title.get(lang), help=help_text, entry=entry)


def widget_of(node: AnyNode, key: str, name: str, where: str, raw: list[Any], lang: str) -> FieldView:
    """The view of a field that can be filled in, with what was typed so far."""
    texts = [each for each in raw if isinstance(each, str)]
    common: dict[str, Any] = {
        "key": key,
        "name": name,
        "id": identifier(name),
        "pointer": where,
        "title": node.title.get(lang),
        "help": node.help.get(lang) if node.help else "",
        "width": node.hints.width,
        "rows": node.hints.rows,
        "text": texts[-1] if texts else "",
        "low": node.hints.low.get(lang) if node.hints.low else "",
        "high": node.hints.high.get(lang) if node.hints.high else "",
    }
    if isinstance(node, TextNode):
        return _text(node, common, lang)
    if isinstance(node, NumberNode):
        return _number(node, common, lang)
    if isinstance(node, ChoiceNode | ChoicesNode):
        return _choice(node, common, texts, lang)
    if isinstance(node, BooleanNode):
        return _boolean(node, common, lang)
    if isinstance(node, ConstNode):
        return FieldView(kind="constant", **common)
    if isinstance(node, FileNode):
        return _file(node, common, raw, lang, many=False)
    if isinstance(node, ListNode) and isinstance(node.item, FileNode):
        return _file(node.item, common, raw, lang, many=True)
    if isinstance(node, ListNode):
        common["rows"] = node.hints.rows or 3
        return FieldView(kind="lines", hints=(phrase("lines_help", lang),), **common)
    raise AssertionError(f"{type(node).__name__} is no single field")


def _text(node: TextNode, common: dict[str, Any], lang: str) -> FieldView:
    kinds = {"": "text", "date-time": "datetime"}
    limit = node.rules["maxLength"]
    hints = (phrase("characters", lang, limit=limit),) if node.multiline and limit < 50_000 else ()
    if node.format == "markdown":
        hints = (phrase("markdown_help", lang), *hints)
    if node.multiline:
        common["rows"] = node.hints.rows or (8 if node.format == "markdown" else 4)
    kind = kinds.get(node.format, node.format)
    if kind == "datetime" and common["text"] and not common["text"][:16].replace("-", "").replace("T", "").replace(":", "").isdigit():
        kind = "text"  # what a native input would not show
    if kind == "date" and common["text"] and not (len(common["text"]) == 10 and common["text"].replace("-", "").isdigit()):
        kind = "text"
    return FieldView(kind=kind, hints=hints, suggestions=node.suggestions, **common)


def _number(node: NumberNode, common: dict[str, Any], lang: str) -> FieldView:
    scale = rating_scale(node) if node.hints.widget == "rating" else None
    if scale is None:
        return FieldView(kind="number", unit=node.unit.get(lang) if node.unit else "", **common)
    marks = tuple(OptionView(str(mark), str(mark), "", common["text"] == str(mark)) for mark in scale)
    return FieldView(kind="rating", options=marks, **common)


def _choice(node: ChoiceNode | ChoicesNode, common: dict[str, Any], texts: list[str], lang: str) -> FieldView:
    options = tuple(_option(option, texts if isinstance(node, ChoicesNode) else texts[-1:], lang) for option in node.options)
    if isinstance(node, ChoicesNode):
        return FieldView(kind="checkboxes", options=options, **common)
    kind = node.hints.widget or ("radio" if len(options) <= FEW_OPTIONS else "select")
    return FieldView(kind=kind, options=options, unit=node.unit.get(lang) if node.unit else "", **common)


def _option(option: Option, chosen: list[str], lang: str) -> OptionView:
    return OptionView(option.key, option_title(option, lang), option.help.get(lang) if option.help else "", option.key in chosen)


def _boolean(node: BooleanNode, common: dict[str, Any], lang: str) -> FieldView:
    kind = node.hints.widget or ("checkbox" if node.must_be else "radio")
    options = tuple(OptionView(key, phrase(word, lang), "", common["text"] == key) for key, word in (("true", "yes"), ("false", "no")))
    if kind == "checkbox" and node.must_be is None:
        common["low"] = "false"  # posted by an unticked box: the answer no, not the lack of one
    return FieldView(kind=kind, options=options, **common)


def _file(node: FileNode, common: dict[str, Any], raw: list[Any], lang: str, *, many: bool) -> FieldView:
    files = tuple(each for each in raw if well_formed(each))
    limits = [" ".join(node.accept)] if node.accept else []
    limits.append(phrase("file_limit", lang, limit=bytes_text(node.max_bytes)))
    hints = ["，".join(limits) if lang.startswith("zh") else ", ".join(limits)]
    if many:
        hints.append(phrase("file_more", lang))
    return FieldView(kind="files" if many else "file", files=files, accept=",".join(node.accept), hints=tuple(hints), **common)
