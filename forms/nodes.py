"""The compiled form: a tree of frozen dataclasses, one class per kind of field.

A node says what a field takes and how it is shown; it knows neither HTML nor a submission. `forms.reading` builds the tree from a
file, `forms.checking` walks it over values, `forms.view` over what a page shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from engine.model.values import Json
from forms.texts import Text

NOTHING = Text("")


@dataclass(frozen=True, slots=True)
class Hints:
    """Layout hints of one field. `rows`: height of a text area in lines; `width`: short, medium or long; `low` and `high` name the
    ends of a rating; `add` is the label of a table's add button; `unit` is
    another place to write x-unit.
    """

    widget: str = ""
    rows: int = 0
    width: str = ""
    low: Text | None = None
    high: Text | None = None
    add: Text | None = None
    unit: Text | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One constant that may be chosen; `key` is what HTML submits, `value` what is stored."""

    key: str
    value: Json
    title: Text
    help: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What every field has. `read_only` is inherited; `default` fills a new form and a new row, never a submission."""

    title: Text = NOTHING
    help: Text | None = None
    read_only: bool = False
    default: Json = None
    hints: Hints = field(default_factory=Hints)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafNode(Node):
    """A field with one value, judged by a jsonschema-rs validator of its own keywords (`rules`)."""

    rules: Mapping[str, Any]
    validator: Any = field(compare=False, repr=False)
    message: Text | None = None  # the author's words for a value that does not match


@dataclass(frozen=True, slots=True, kw_only=True)
class TextNode(LeafNode):
    """A string. `format`: empty, date, date-time, email, uri, textarea, markdown. `suggestions` are offered, not enforced."""

    format: str = ""
    suggestions: tuple[str, ...] = ()

    @property
    def multiline(self) -> bool:
        """Whether line ends are kept."""
        return self.format in ("textarea", "markdown")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberNode(LeafNode):
    """A number; `unit` is shown behind it and never stored with it."""

    integer: bool = False
    unit: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceNode(Node):
    """One of some constants (strings, or numbers)."""

    options: tuple[Option, ...]
    unit: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanNode(Node):
    """Yes or no. `must_be` is the constant that alone is accepted, as for a confirmation that must be ticked."""

    must_be: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstNode(Node):
    """A fixed string or number: shown, submitted with the form, and accepted as nothing else."""

    value: str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNode(Node):
    """A reference to an attachment: an object of name, sha256, size (bytes) and media_type."""

    accept: tuple[str, ...] = ()  # file name extensions with the dot, lower case
    max_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicesNode(Node):
    """Any of some constants, each at most once: an array, kept in the order of the options."""

    options: tuple[Option, ...]
    min_items: int = 0
    max_items: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNode(Node):
    """An array of strings (one a line) or of files."""

    item: TextNode | FileNode
    min_items: int = 0
    max_items: int = 0
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """Fields that belong together: those of an object, or those that a condition adds. Insertion order is the author's."""

    fields: Mapping[str, AnyNode]
    required: frozenset[str]
    conditions: tuple[Condition, ...] = ()

    def declared(self) -> Iterator[str]:
        """Every name declared here or under any condition."""
        yield from self.fields
        for condition in self.conditions:
            yield from condition.then.declared()
            yield from condition.otherwise.declared()


@dataclass(frozen=True, slots=True)
class Condition:
    """`if` with the branches that it opens; `reads` are the fields of the same object that it looks at."""

    test: Any = field(compare=False, repr=False)
    reads: frozenset[str]
    then: Branch
    otherwise: Branch


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectNode(Node):
    """An object: a group of fields. `conditional`: some field in it, at any depth, depends on a condition."""

    body: Branch
    conditional: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Every declared name, conditional ones included."""
        return frozenset(self.body.declared())


@dataclass(frozen=True, slots=True, kw_only=True)
class TableNode(Node):
    """An array of objects. `fixed`: some column is read-only, so rows come from the data shown and are neither added nor moved."""

    row: ObjectNode
    min_items: int = 0
    max_items: int = 0
    fixed: bool = False


AnyNode: TypeAlias = TextNode | NumberNode | ChoiceNode | BooleanNode | ConstNode | FileNode | ChoicesNode | ListNode | ObjectNode | TableNode


def branches(branch: Branch) -> Iterator[Branch]:
    """The branch and all that its conditions may open, in the author's order."""
    yield branch
    for condition in branch.conditions:
        yield from branches(condition.then)
        yield from branches(condition.otherwise)


@dataclass(frozen=True, slots=True)
class Section:
    """Top-level fields under one heading of the page."""

    title: Text
    help: Text | None
    fields: tuple[str, ...]
