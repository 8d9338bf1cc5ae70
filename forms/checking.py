"""Checks values against a compiled form and brings them into normal form; the one judge for JSON from programs and posts from people.

Empty means absent everywhere: null, empty text, empty list, an object or a row whose fields are all empty. What a condition hides
is dropped; what the form does not declare is an error and never comes through; read-only fields come from the data shown.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.errors import FieldError
from forms import limits
from forms.leaves import Unreadable, clean_leaf
from forms.messages import field_error
from forms.nodes import (
    AnyNode,
    BooleanNode,
    Branch,
    ChoiceNode,
    ChoicesNode,
    ConstNode,
    FileNode,
    ListNode,
    NumberNode,
    ObjectNode,
    TableNode,
)

_MISSING: dict[type, str] = {
    ChoiceNode: "form.required.choice",
    ChoicesNode: "form.required.choices",
    FileNode: "form.required.file",
    TableNode: "form.required.table",
}


@dataclass
class Visible:
    """Fields of one object that its conditions leave visible, and which of them must be filled."""

    fields: dict[str, AnyNode] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)


def blank(node: AnyNode, value: Any) -> bool:
    """Whether nothing was entered: constants and unticked boxes do not count as entered."""
    if isinstance(value, Unreadable):
        return False
    if isinstance(value, str):
        return not value.strip()
    if isinstance(node, ConstNode):
        return value is None or value == node.value
    if isinstance(node, BooleanNode) and node.hints.widget == "checkbox" and value is False:
        return True
    if isinstance(node, ObjectNode) and isinstance(value, Mapping):
        known = {name: each for part in _all(node.body) for name, each in part.fields.items()}
        return all(name in known and blank(known[name], each) for name, each in value.items())
    if isinstance(value, list):
        return all(blank(node.row, each) for each in value) if isinstance(node, TableNode) else not value
    return value is None or value == {}


def _all(branch: Branch) -> Sequence[Branch]:
    inside = [each for condition in branch.conditions for part in (condition.then, condition.otherwise) for each in _all(part)]
    return [branch, *inside]


def empty(node: ObjectNode, value: Any, shown: Any = None) -> bool:
    """Whether a group or a row counts as not filled in: blank, or filled only in fields that its conditions hide."""
    if blank(node, value):
        return True
    if not node.conditional or not isinstance(value, Mapping):
        return False
    checker = Checker()
    return blank(node, _editable(node, checker.object(node, value, shown, ""))) and all(
        error.message_id.startswith("form.required") for error in checker.errors
    )


def _editable(node: ObjectNode, out: Mapping[str, Any]) -> dict[str, Any]:
    names = {name for part in _all(node.body) for name, each in part.fields.items() if not each.read_only}
    return {name: each for name, each in out.items() if name in names}


class Checker:
    """One walk over values. `errors` in the order of the form; `visible` by JSON pointer of the object.

    `keep_blank` keeps empty rows where they are, for a page that is being filled in.
    """

    def __init__(self, *, keep_blank: bool = False) -> None:
        self.keep_blank = keep_blank
        self.errors: list[FieldError] = []
        self.visible: dict[str, Visible] = {}

    def object(self, node: ObjectNode, value: Any, shown: Any, where: str) -> dict[str, Any]:
        """The object in normal form; names that are not declared become errors."""
        given = value if isinstance(value, Mapping) else {}
        shown = shown if isinstance(shown, Mapping) else {}
        if value is not None and not isinstance(value, Mapping):
            self._refuse(node, where, "form.type.object")
        names = node.names
        for name in itertools.islice((name for name in given if name not in names), limits.UNDECLARED):
            step = str(name).replace("~", "~0").replace("/", "~1")[:200]
            self.errors.append(field_error(f"{where}/{step}", "form.undeclared", name=str(name)[:200]))
        scope, out = Visible(), dict[str, Any]()
        self._branch(node.body, given, shown, where, scope, out)
        self.visible[where] = scope
        for name, child in scope.fields.items():
            if name in scope.required and name not in out and not child.read_only:
                self._require(name, child, given.get(name), shown.get(name), where, out)
        return {name: out[name] for name in scope.fields if name in out}

    def _branch(self, branch: Branch, given: Any, shown: Any, where: str, scope: Visible, out: dict[str, Any]) -> None:
        scope.required |= branch.required
        for name, child in branch.fields.items():
            scope.fields[name] = child
            value = self.value(child, given.get(name), shown.get(name), f"{where}/{name}")
            if value is not None:
                out[name] = value
        for condition in branch.conditions:
            chosen = condition.then if condition.test.is_valid(out) else condition.otherwise
            self._branch(chosen, given, shown, where, scope, out)

    def _require(self, name: str, child: AnyNode, value: Any, shown: Any, where: str, out: dict[str, Any]) -> None:
        at = f"{where}/{name}"
        if any(error.pointer == at or error.pointer.startswith(at + "/") for error in self.errors):
            return
        if isinstance(child, ObjectNode):
            out[name] = self.object(child, value, shown, at)
            return
        known = _MISSING.get(type(child), "form.required")
        if isinstance(child, BooleanNode):
            known = "form.required.confirm" if child.must_be is not None else "form.required.choice"
        if isinstance(child, NumberNode) and child.hints.widget == "rating":
            known = "form.required.choice"
        if isinstance(child, ListNode) and isinstance(child.item, FileNode):
            known = "form.required.file"
        self._refuse(child, at, known)

    def value(self, node: AnyNode, value: Any, shown: Any, where: str) -> Any:
        """One field in normal form; None where it is absent or unusable."""
        if node.read_only:
            if value is not None and value != shown:
                self._refuse(node, where, "form.readOnly")
            return shown
        if isinstance(node, ObjectNode):
            return self._optional(node, value, shown, where)
        if isinstance(node, TableNode):
            return self._table(node, value, shown, where)
        if value is None or (isinstance(value, str | list) and not value):
            return None
        if isinstance(node, ChoicesNode):
            return self._choices(node, value, where)
        if isinstance(node, ListNode):
            return self._list(node, value, where)
        cleaned, errors = clean_leaf(node, value, where)
        self.errors += errors
        return cleaned

    def _optional(self, node: ObjectNode, value: Any, shown: Any, where: str) -> Any:
        """A group that may stay empty: nothing in it is asked for until something is entered. Read-only parts do not count as entered."""
        before = len(self.errors)
        out = self.object(node, value, shown, where)
        if not (value is None or isinstance(value, Mapping)):
            return None
        if empty(node, value, shown):
            del self.errors[before:]
            kept = {name: each for name, each in out.items() if self.visible[where].fields[name].read_only}
            return kept or None
        return out

    def _choices(self, node: ChoicesNode, value: Any, where: str) -> Any:
        if not isinstance(value, list):
            self._refuse(node, where, "form.type.array")
            return None
        picked: set[str] = set()
        one = ChoiceNode(title=node.title, options=node.options)
        for index, each in enumerate(value[: limits.OPTIONS]):
            cleaned, errors = clean_leaf(one, each, f"{where}/{index}")
            self.errors += errors
            key = next((option.key for option in node.options if not errors and option.value == cleaned), None)
            if key in picked:
                self._refuse(node, f"{where}/{index}", "form.uniqueItems", repeated=key)
            if key is not None:
                picked.add(key)
        self._count(node, len(value), where)
        return [option.value for option in node.options if option.key in picked] or None

    def _list(self, node: ListNode, value: Any, where: str) -> Any:
        if not isinstance(value, list):
            self._refuse(node, where, "form.type.array")
            return None
        entries = [each for each in value if not blank(node.item, each)]
        out: list[Any] = []
        for index, each in enumerate(entries[: node.max_items + 1]):
            item = node.item if node.item.title.zh else _named(node)
            cleaned, errors = clean_leaf(item, each, f"{where}/{index}")
            self.errors += errors
            if node.unique and cleaned is not None and cleaned in out:
                repeated = cleaned if isinstance(cleaned, str) else cleaned["name"]
                self._refuse(node, f"{where}/{index}", "form.uniqueItems", repeated=repeated)
            if cleaned is not None:
                out.append(cleaned)
        if entries:
            self._count(node, len(entries), where)
        return out or None

    def _table(self, node: TableNode, value: Any, shown: Any, where: str) -> Any:
        if value is not None and not isinstance(value, list):
            self._refuse(node, where, "form.type.array")
            return None
        rows, below = list(value or ()), shown if isinstance(shown, list) else []
        if node.fixed:
            if len(rows) > len(below):
                self._refuse(node, where, "form.rows.fixed")
            rows = (rows + [None] * len(below))[: len(below)]
        elif len(rows) > 2 * limits.ROWS_AT_MOST:  # not worth a look
            self._count(node, len(rows), where)
            return None
        elif not self.keep_blank:
            rows = [row for row in rows if not empty(node.row, row)]
        out: list[Any] = []
        for index, row in enumerate(rows[: node.max_items]):
            if row is not None and not isinstance(row, Mapping):
                self._refuse(node, f"{where}/{index}", "form.type.object")
                continue
            out.append(self.object(node.row, row, below[index] if node.fixed else None, f"{where}/{index}"))
        if rows:
            self._count(node, len(rows), where)
        return out or None

    def _count(self, node: ChoicesNode | ListNode | TableNode, count: int, where: str) -> None:
        if count > node.max_items:
            self._refuse(node, where, "form.maxItems", limit=node.max_items, count=count)
        if count < node.min_items:
            self._refuse(node, where, "form.minItems", limit=node.min_items, count=count)

    def _refuse(self, node: AnyNode, where: str, message_id: str, /, **params: Any) -> None:
        self.errors.append(field_error(where, message_id, label=node.title, **params))


def _named(node: ListNode) -> AnyNode:
    """The item under the list's own title: people know the list, not its items."""
    return replace(node.item, title=node.title)


def faults(node: AnyNode, value: Any) -> tuple[str, ...]:
    """What is wrong with a value (a default) of one field: English messages."""
    checker = Checker()
    checker.value(node, value, None, "")
    return tuple(error.message for error in checker.errors)
