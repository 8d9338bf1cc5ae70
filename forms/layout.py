"""Reads the `layout` of a form file: sections of the page and hints by property path (`sla_results/actual`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forms import keywords, limits
from forms.nodes import AnyNode, BooleanNode, ChoiceNode, Hints, NumberNode, ObjectNode, Section, TableNode, TextNode, branches
from forms.reading import Report, pointer


def read_hints(layout: Mapping[str, Any], report: Report) -> dict[tuple[str, ...], Hints]:
    """Hints by property path. Whether a path exists and a widget fits is checked by `check_hints`, once the fields are known."""
    fields = layout.get("fields", {})
    report.only(layout, frozenset({"sections", "fields"}), "/layout", "layout")
    if not isinstance(fields, Mapping):
        report.refuse("/layout/fields", "layout", "must be an object from property path to hints")
        return {}
    return {tuple(path.split("/")): _hint(entry, report, pointer("layout", "fields", path)) for path, entry in fields.items()}


def _hint(entry: Any, report: Report, where: str) -> Hints:
    if not isinstance(entry, Mapping):
        report.refuse(where, "layout", "must be an object of hints")
        return Hints()
    report.only(entry, keywords.HINTS, where, "a hint")
    rows, width, widget = entry.get("rows", 0), entry.get("width", ""), entry.get("widget", "")
    if isinstance(rows, bool) or not isinstance(rows, int) or not 0 <= rows <= 40:
        report.refuse(where + "/rows", "layout", "must be a whole number of lines, at most 40")
        rows = 0
    if width not in ("", *keywords.WIDTHS):
        report.refuse(where + "/width", "layout", f"must be one of {', '.join(sorted(keywords.WIDTHS))}")
    if not isinstance(widget, str):
        report.refuse(where + "/widget", "layout", "must be the name of a widget")
        widget = ""
    low, high, add = (report.text(entry, name, where, limits.TITLE_CHARACTERS) for name in ("low", "high", "add"))
    return Hints(widget, rows, str(width), low, high, add, report.text(entry, "unit", where, 40))


def check_hints(root: ObjectNode, hints: Mapping[tuple[str, ...], Hints], report: Report) -> None:
    """Refuse hints for fields that do not exist and widgets that do not fit."""
    known = dict(_paths(root, ()))
    for path, hint in hints.items():
        where, node = pointer("layout", "fields", "/".join(path)), known.get(path)
        if node is None:
            report.refuse(where, "layout", "names no field of the schema", "Write the property names, joined by /.")
            continue
        fitting = keywords.WIDGETS[type(node).__name__]
        if hint.widget and hint.widget not in fitting:
            advice = f"Possible here: {', '.join(sorted(fitting)) or 'none'}."
            report.refuse(where + "/widget", "layout", f"widget {hint.widget!r} does not fit this field", advice)
        elif hint.widget == "rating" and isinstance(node, NumberNode) and rating_scale(node) is None:
            report.refuse(where + "/widget", "layout", "a rating needs an integer with minimum and maximum at most 10 apart")
        elif hint.widget == "review" and isinstance(node, ObjectNode) and not _reviewable(node):
            report.refuse(where + "/widget", "layout", "a review is a choice or rating, followed by texts")


def rating_scale(node: NumberNode) -> range | None:
    """The marks of a rating; None where the number has no small scale."""
    low, high = node.rules.get("minimum"), node.rules.get("maximum")
    if not node.integer or low is None or high is None or not 0 < high - low <= 10:
        return None
    return range(int(low), int(high) + 1)


def _reviewable(node: ObjectNode) -> bool:
    fields = [each for part in branches(node.body) for each in part.fields.values()]
    return len(fields) > 1 and isinstance(fields[0], ChoiceNode | NumberNode | BooleanNode) and all(isinstance(each, TextNode) for each in fields[1:])


def _paths(node: AnyNode, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], AnyNode]]:
    found = [(path, node)] if path else []
    inside = node.row if isinstance(node, TableNode) else node
    if isinstance(inside, ObjectNode):
        for part in branches(inside.body):
            for name, each in part.fields.items():
                found += _paths(each, (*path, name))
    return found


def read_sections(layout: Mapping[str, Any], root: ObjectNode, report: Report) -> tuple[Section, ...]:
    """Sections; with any, every top-level field stands in exactly one."""
    entries = layout.get("sections", [])
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        report.refuse("/layout/sections", "layout", "must be a list of objects with title and fields")
        return ()
    sections, seen = [], set[str]()
    for index, entry in enumerate(entries):
        where = pointer("layout", "sections", index)
        report.only(entry, frozenset({"title", "description", "fields"}), where, "a section")
        title = report.text(entry, "title", where, limits.TITLE_CHARACTERS)
        names = entry.get("fields", [])
        if title is None or not isinstance(names, list) or not names:
            report.refuse(where, "layout", "a section needs a title and fields")
            continue
        for name in names:
            if not isinstance(name, str) or name not in root.names or name in seen:
                report.refuse(where + "/fields", "layout", f"{name!r} is no top-level field, or stands in two sections")
            seen.add(str(name))
        sections.append(Section(title, report.text(entry, "description", where, limits.HELP_CHARACTERS), tuple(map(str, names))))
    for name in sorted(root.names - seen) if sections else ():
        report.refuse("/layout/sections", "layout", f"the field {name!r} stands in no section")
    return tuple(sections)
