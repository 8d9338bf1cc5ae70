"""What a page shows of a form: a tree of frozen dataclasses, free of HTML, that a template renders.

Built from the raw tree (`forms.raw`), so that a page shows what was typed, also where it is no value; which fields are visible is
decided by the same checker that judges a submission.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any

from engine.errors import FieldError
from engine.model.values import Json
from forms.checking import Checker, Visible
from forms.compiler import CompiledForm
from forms.fieldview import ErrorLink, FieldView, GroupView, HiddenField, RowView, TableView, View, identifier, shown_field, widget_of
from forms.messages import message, phrase
from forms.nodes import AnyNode, Branch, ConstNode, FileNode, ListNode, NumberNode, ObjectNode, TableNode, TextNode
from forms.order import ordered
from forms.raw import Raw, declared, decode, encode
from forms.summary import Reading
from forms.texts import Text

GRID_COLUMNS = 9  # a table with more columns, or with groups or long texts in it, shows each row as a card


@dataclass(frozen=True, slots=True)
class SectionView:
    """Fields under one heading; the title is empty where the form has no sections."""

    id: str
    title: str
    help: str
    children: tuple[View, ...]


@dataclass(frozen=True, slots=True)
class FormView:
    """The whole form. `uploads`: it takes files, so it is posted as multipart/form-data."""

    id: str
    title: str
    help: str
    sections: tuple[SectionView, ...]
    errors: tuple[ErrorLink, ...]
    hidden: tuple[HiddenField, ...]
    uploads: bool


def describe(
    form: CompiledForm,
    values: Mapping[str, Json],
    *,
    errors: Iterable[FieldError] = (),
    raw: Raw | None = None,
    lang: str,
    zone: tzinfo,
) -> FormView:
    """The form as a page shows it: with `raw` as it was typed, else with `values` and, where they have none, the defaults."""
    tree = encode(form.root, values, zone, defaults=True) if raw is None else raw
    checker = Checker(keep_blank=True)
    checker.object(form.root, decode(form.root, tree, zone), values, "")
    builder = _Builder(checker.visible, tuple(errors), tree, lang, zone)
    children = {view.key: view for view in builder.object(form.root, tree, values, "", "")}
    sections = _sections(form, children, lang)
    known = set(builder.linked)
    links = [link for section in sections for view in section.children for link in builder.links_of(view)]
    rest = [ErrorLink("", message(error, lang)) for error in builder.errors if error.pointer not in known]
    nodes = list(_nodes(form.root))
    files = any(isinstance(node.item if isinstance(node, ListNode) else node, FileNode) for node in nodes)
    help_text = form.help.get(lang) if form.help else ""
    return FormView(f"form-{form.key}", form.title.get(lang), help_text, sections, (*links, *rest), builder.hidden(tree, "", ""), files)


def _sections(form: CompiledForm, children: Mapping[str, View], lang: str) -> tuple[SectionView, ...]:
    if not form.sections:
        return (SectionView("s-0", "", "", tuple(children.values())),)
    found = []
    for index, section in enumerate(form.sections):
        inside = tuple(children[name] for name in section.fields if name in children)
        if inside:
            found.append(SectionView(f"s-{index}", section.title.get(lang), section.help.get(lang) if section.help else "", inside))
    return tuple(found)


def _nodes(node: ObjectNode) -> Iterable[AnyNode]:
    for alternatives in declared(node).values():
        for each in alternatives:
            yield each
            inside = each.row if isinstance(each, TableNode) else each
            if isinstance(inside, ObjectNode):
                yield from _nodes(inside)


class _Builder:
    def __init__(self, visible: Mapping[str, Visible], errors: Sequence[FieldError], tree: Raw, lang: str, zone: tzinfo) -> None:
        self.visible = visible
        self.errors = errors
        self.by_pointer: dict[str, list[FieldError]] = {}
        for error in errors:
            self.by_pointer.setdefault(error.pointer, []).append(error)
        self.linked: list[str] = []
        self.previews = set(tree.get("_preview", ()))
        self.focus = next(iter(tree.get("_focus", ())), "")
        self.lang = lang
        self.zone = zone

    # --- errors -------------------------------------------------------------------------------------------------------
    def _errors(self, node: AnyNode, where: str) -> tuple[str, ...]:
        """Messages of a field; entries of a list or of choices report to their field, with the number of the entry."""
        found = [message(error, self.lang) for error in self.by_pointer.get(where, ())]
        self.linked.append(where)
        if isinstance(node, ListNode) or type(node).__name__ == "ChoicesNode":
            for error in self.errors:
                head, _, number = error.pointer.rpartition("/")
                if head == where and number.isdigit():
                    self.linked.append(error.pointer)
                    found.append(phrase("line", self.lang, number=int(number) + 1) + message(error, self.lang))
        return tuple(found)

    def links_of(self, view: View, context: str = "") -> Iterable[ErrorLink]:
        """Links of the error summary, in the order of the page; a field in a row or group says where it is."""
        for text in view.errors:
            yield ErrorLink(view.target, context + text)
        if isinstance(view, GroupView):
            for child in view.children:
                yield from self.links_of(child, f"{context}{view.title} › " if view.title else context)
        if isinstance(view, TableView):
            for row in view.rows:
                for text in row.errors:
                    yield ErrorLink(row.id, f"{context}{view.title} › {row.title} › {text}")
                for cell in row.cells:
                    if cell is not None:
                        yield from self.links_of(cell, f"{context}{view.title} › {row.title} › ")

    # --- fields -------------------------------------------------------------------------------------------------------
    def object(self, node: ObjectNode, raw: Any, shown: Any, name: str, where: str) -> list[View]:
        """Views of the visible fields of an object."""
        scope = self.visible.get(where) or Visible()
        raw, shown = raw if isinstance(raw, Mapping) else {}, shown if isinstance(shown, Mapping) else {}
        controls = _controls(node.body)
        return [
            self._field(
                scope.fields[each], each, raw.get(each), shown.get(each), f"{name}{each}", f"{where}/{each}",
                required=each in scope.required, refreshes=each in controls,
            )
            for each in ordered(node, scope)
        ]  # fmt: skip

    def hidden(self, raw: Any, name: str, where: str) -> tuple[HiddenField, ...]:
        """Texts of fields that a condition hides just now: they come back when it opens again, and are never taken while hidden."""
        scope = self.visible.get(where) or Visible()
        found: list[HiddenField] = []
        for each, value in (raw if isinstance(raw, Mapping) else {}).items():
            if each not in scope.fields and not each.startswith("_"):
                found += _posted(f"{name}{each}", value)
        return tuple(found)

    def _field(self, node: AnyNode, key: str, raw: Any, shown: Any, name: str, where: str, *, required: bool, refreshes: bool) -> View:
        if node.read_only:
            entry = Reading(self.lang, self.zone, "no_data").entry(node, shown)
            return shown_field(node, key, name, where, self.lang, entry)
        if isinstance(node, ObjectNode):
            return self._group(node, key, raw, shown, name, where, required)
        if isinstance(node, TableNode):
            return self._table(node, key, raw, shown, name, where, required)
        view = widget_of(node, key, name, where, raw if isinstance(raw, list) else [], self.lang)
        return replace(
            view,
            required=required,
            refreshes=refreshes,
            errors=self._errors(node, where),
            kind="select" if view.kind == "radio" and not (required or node.hints.widget) else view.kind,
            preview=view.text if name in self.previews else None,
            focus=self.focus == name,
        )

    def _group(self, node: ObjectNode, key: str, raw: Any, shown: Any, name: str, where: str, required: bool) -> GroupView:
        children = tuple(self.object(node, raw, shown, name + "-", where))
        if self.focus == name and children and isinstance(children[0], FieldView):
            children = (replace(children[0], focus=True), *children[1:])
        return GroupView(
            kind=node.hints.widget or "group",
            key=key,
            id=identifier(name),
            title=node.title.get(self.lang),
            help=node.help.get(self.lang) if node.help else "",
            required=required,
            children=children,
            hidden=self.hidden(raw, name + "-", where),
            errors=self._errors(node, where),
            skippable=not required and any(not isinstance(child, FieldView) or child.required for child in children),
        )

    def _table(self, node: TableNode, key: str, raw: Any, shown: Any, name: str, where: str, required: bool) -> TableView:
        rows = list(raw) if isinstance(raw, list) else []
        below = shown if isinstance(shown, list) else []
        if node.fixed:
            rows = (rows + [{}] * len(below))[: len(below)]
        columns = _columns(node)
        grid = node.hints.widget == "grid" or (node.hints.widget != "cards" and len(columns) <= GRID_COLUMNS and _flat(columns))
        views = []
        for index, row in enumerate(rows):
            at, path = f"{where}/{index}", f"{name}-{index}"
            cells = {view.key: _compact(view, grid) for view in self.object(node.row, row, below[index] if node.fixed else {}, path + "-", at)}
            placed = tuple(cells.get(column) for column in columns) if grid else tuple(cells.values())
            if self.focus == path:
                placed = _focused(placed)
            title = phrase("row", self.lang, number=index + 1)
            hidden = self.hidden(row, path + "-", at)
            views.append(RowView(identifier(path), index, title, placed, hidden, self._errors(node.row, at)))
        heads = tuple(
            widget_of(each, column, "", "", [], self.lang) if not isinstance(each, ObjectNode | TableNode) else None
            for column, each in columns.items()
        ) if grid else ()  # fmt: skip
        scope = self.visible.get(f"{where}/0")
        needed = (scope.required if scope else node.row.body.required) if not node.read_only else frozenset()
        return TableView(
            kind="grid" if grid else "cards",
            key=key,
            id=identifier(name),
            name=name,
            title=node.title.get(self.lang),
            help=node.help.get(self.lang) if node.help else "",
            required=required,
            columns=tuple(replace(head, required=head.key in needed) for head in heads if head is not None),
            rows=tuple(views),
            fixed=node.fixed,
            full=len(rows) >= node.max_items,
            add=(node.hints.add or Text("")).get(self.lang) or phrase("add_row", self.lang),
            errors=self._errors(node, where),
            focus=self.focus == name,
        )


def _posted(name: str, raw: Any) -> list[HiddenField]:
    """Names and texts that post this part of a raw tree again."""
    if isinstance(raw, str):
        return [HiddenField(name, raw)] if raw else []
    if isinstance(raw, Mapping) and "sha256" in raw:
        return [HiddenField(name, str(raw["sha256"]))]
    if isinstance(raw, Mapping):
        return [field for each, inside in raw.items() for field in _posted(f"{name}-{each}", inside)]
    found: list[HiddenField] = []
    for number, each in enumerate(raw if isinstance(raw, list) else ()):
        row = isinstance(each, Mapping) and "sha256" not in each
        found += _posted(f"{name}-{number}" if row else name, each)
    return found


def _controls(branch: Branch) -> set[str]:
    found: set[str] = set()
    for condition in branch.conditions:
        found |= condition.reads | _controls(condition.then) | _controls(condition.otherwise)
    return found


def _columns(node: TableNode) -> dict[str, AnyNode]:
    everything = Visible({name: nodes[0] for name, nodes in declared(node.row).items()})
    return {name: everything.fields[name] for name in ordered(node.row, everything)}


def _flat(columns: Mapping[str, AnyNode]) -> bool:
    """Whether every column fits into a cell."""
    fits = (isinstance(node, ConstNode | NumberNode) or not isinstance(node, ObjectNode | TableNode | ListNode) for node in columns.values())
    return all(fits) and not any(isinstance(node, TextNode) and node.format == "markdown" for node in columns.values())


def _compact(view: View, grid: bool) -> View:
    """The view as it stands in a cell: radio buttons become a list to open."""
    return replace(view, kind="select") if grid and isinstance(view, FieldView) and view.kind == "radio" else view


def _focused(cells: tuple[View | None, ...]) -> tuple[View | None, ...]:
    """The row with its first field that can be filled asking for the focus."""
    for index, cell in enumerate(cells):
        if isinstance(cell, FieldView) and cell.kind != "shown":
            return (*cells[:index], replace(cell, focus=True), *cells[index + 1 :])
    return cells
