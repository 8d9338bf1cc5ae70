"""HTML posts: field names, rows, actions and uploads of one submission, turned into the raw tree of `forms.raw`.

A field's name is its path joined by `-` (`sla_results-0-actual`). The button pressed posts `_action`: submit, draft, refresh,
`preview:<name>`, `add:<table>`, `remove:<table>:<n>`, `up:<table>:<n>`, `down:<table>:<n>`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from forms import limits
from forms.leaves import FILE_KEYS, file_problem, well_formed
from forms.nodes import AnyNode, FileNode, ListNode, ObjectNode, TableNode
from forms.raw import Raw, declared
from forms.values import holds_control

EDITING = frozenset({"refresh", "preview", "add", "remove", "up", "down"})
_MEDIA_TYPE_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_/")


class Fields(Protocol):
    """Posted texts: werkzeug's MultiDict, or anything with these two methods."""

    def keys(self) -> Any: ...

    def getlist(self, key: str) -> list[Any]: ...


class Uploads(Protocol):
    """Where uploaded bytes go while the form is being filled in. Implementations bind them to the user and the task."""

    def put(self, data: bytes, media_type: str, name: str) -> str:
        """Keep the bytes; returns their SHA-256 in hexadecimal."""

    def find(self, sha256: str) -> Mapping[str, Any] | None:
        """The reference (name, sha256, size, media_type) of a blob that this user may attach here; None for any other."""


@dataclass(frozen=True, slots=True)
class Action:
    """The button pressed: what, on which field (name), at which row."""

    verb: str = "submit"
    name: str = ""
    row: int = -1


def read_action(fields: Fields) -> Action:
    """The posted `_action`; anything malformed reads as `refresh`, which changes nothing."""
    posted = [each for each in fields.getlist("_action") if isinstance(each, str)]
    if not posted:
        return Action()
    verb, _, rest = posted[-1].partition(":")
    name, _, row = rest.partition(":")
    number = int(row) if row.isascii() and row.isdigit() and len(row) < 6 else -1
    if verb in ("remove", "up", "down") and number < 0:
        return Action("refresh")
    return Action(verb, name, number) if verb and len(verb) <= 30 else Action("refresh")


class Posting:
    """One post, read along the form: names that the form does not declare are never looked at."""

    def __init__(self, fields: Fields, files: Fields | None, uploads: Uploads | None, kept: Mapping[str, Mapping[str, Any]]) -> None:
        self.fields = fields
        self.files = files
        self.uploads = uploads
        self.kept = kept  # references in the data shown, by sha256: what a round before attached may stay
        self.names: dict[str, Any] = {}
        for key in [*fields.keys(), *(files.keys() if files is not None else ())]:
            here = self.names
            for part in str(key).split("-", 4 * limits.DEPTH):
                here = here.setdefault(part, {})

    def object(self, node: ObjectNode, prefix: str = "", names: dict[str, Any] | None = None) -> Raw:
        """The raw tree of an object whose fields' names begin with `prefix`."""
        names = self.names if names is None else names
        out: Raw = {}
        for name, nodes in declared(node).items():
            if name in names and not nodes[0].read_only:
                out[name] = self._field(nodes[0], prefix + name, names[name])
        return out

    def _field(self, node: AnyNode, name: str, names: dict[str, Any]) -> Any:
        if isinstance(node, ObjectNode):
            return self.object(node, name + "-", names)
        if isinstance(node, TableNode):
            return list(self._rows(node, name, names))
        item = node.item if isinstance(node, ListNode) else node
        if isinstance(item, FileNode):
            return self._attached(item, name, many=isinstance(node, ListNode))
        return [each for each in self.fields.getlist(name) if isinstance(each, str)]

    def _rows(self, node: TableNode, name: str, names: dict[str, Any]) -> Iterator[Raw]:
        numbers = sorted({int(key) for key in names if key.isascii() and key.isdigit() and len(key) < 6 and str(int(key)) == key})
        if node.fixed:  # a fixed row is known by its number, also when nothing of it was posted
            numbers = list(range(min(max(numbers, default=-1), limits.ROWS_AT_MOST) + 1))
        for number in numbers[: limits.ROWS_AT_MOST + 1]:
            yield self.object(node.row, f"{name}-{number}-", names.get(str(number), {}))

    # --- attachments --------------------------------------------------------------------------------------------------
    def _attached(self, node: FileNode, name: str, *, many: bool) -> list[Any]:
        removed = set(self.fields.getlist(f"{name}-remove"))
        kept = [self._known(each) for each in self.fields.getlist(name) if each and each not in removed]
        fresh = [self._store(node, each) for each in (self.files.getlist(name) if self.files is not None else ()) if getattr(each, "filename", "")]
        if many:
            return [*kept, *fresh][: limits.LIST_ITEMS + 1]
        good = [each for each in fresh if "error" not in each]
        return (good or [*kept, *fresh])[-1:] if not fresh or good else [*kept, *fresh]

    def _known(self, sha256: Any) -> dict[str, Any]:
        found = self.kept.get(sha256) or (self.uploads.find(sha256) if self.uploads is not None else None)
        return {key: found[key] for key in sorted(FILE_KEYS)} if found else {"error": "form.file.unknown", "params": {}}

    def _store(self, node: FileNode, posted: Any) -> dict[str, Any]:
        name = safe_name(posted.filename)
        data: bytes = posted.stream.read(node.max_bytes + 1)
        problem = file_problem(node, name, len(data))
        if problem is not None:
            return {"error": problem.message_id, "params": dict(problem.params)}
        if self.uploads is None:
            return {"error": "form.file.unknown", "params": {}}
        kind = str(posted.mimetype or "")
        if kind.count("/") != 1 or not set(kind) <= _MEDIA_TYPE_CHARACTERS or kind[0] == "/" or kind[-1] == "/" or len(kind) > 150:
            kind = "application/octet-stream"
        return {"name": name, "sha256": self.uploads.put(data, kind, name), "size": len(data), "media_type": kind}


def safe_name(filename: str) -> str:
    """The last part of an uploaded file's name, without control characters and at most 200 characters; its ending is kept."""
    name = unicodedata.normalize("NFC", filename).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(letter for letter in name if not holds_control(letter) and letter not in "\t\n").strip()
    if len(name) > 200:
        stem, dot, ending = name.rpartition(".")
        name = (stem[:190] + dot + ending[:9]) if dot else name[:200]
    return name or "file"


def references(values: Any, found: dict[str, Mapping[str, Any]] | None = None) -> dict[str, Mapping[str, Any]]:
    """Every attachment reference inside values, by sha256."""
    found = {} if found is None else found
    if isinstance(values, Mapping):
        if well_formed(values):
            found[values["sha256"]] = values
        else:
            for each in values.values():
                references(each, found)
    elif isinstance(values, list | tuple):
        for each in values:
            references(each, found)
    return found


# --- rows -------------------------------------------------------------------------------------------------------------
def apply(root: ObjectNode, raw: Raw, action: Action, new_row: Any) -> Raw:
    """The tree after a row button, with `_focus` on what to look at next. `new_row(node)` makes the row to add."""
    if action.verb == "preview":
        return {**raw, "_preview": [action.name], "_focus": [action.name]}
    if action.verb not in ("add", "remove", "up", "down"):
        return raw
    found = _table_at(root, raw, action.name.split("-"))
    if found is None:
        return raw
    node, rows = found
    focus = action.name
    if action.verb == "add" and len(rows) < node.max_items:
        rows.append(new_row(node.row))
        focus = f"{action.name}-{len(rows) - 1}"
    elif action.verb == "remove" and action.row < len(rows):
        del rows[action.row]
    elif action.verb in ("up", "down"):
        other = action.row + (1 if action.verb == "down" else -1)
        if 0 <= other < len(rows) and action.row < len(rows):
            rows[action.row], rows[other] = rows[other], rows[action.row]
            focus = f"{action.name}-{other}"
    return {**raw, "_focus": [focus]}


def _table_at(root: ObjectNode, raw: Raw, parts: list[str]) -> tuple[TableNode, list[Raw]] | None:
    """The table that a name means, with its rows in the tree; None for a name that is no editable table."""
    node: ObjectNode = root
    here: Raw = raw
    while parts:
        name, *parts = parts
        child = next(iter(declared(node).get(name, ())), None)
        if isinstance(child, ObjectNode):
            node, here = child, here.setdefault(name, {})
        elif isinstance(child, TableNode):
            rows: list[Raw] = here.setdefault(name, [])
            if not parts:
                return None if child.fixed or child.read_only else (child, rows)
            number, *parts = parts
            if not (number.isascii() and number.isdigit() and int(number[:6]) < len(rows)):
                return None
            node, here = child.row, rows[int(number)]
        else:
            return None
    return None
