"""Reads a parsed `*.form.json` into nodes and collects every problem with its JSON pointer; refuses what the subset does not hold.

Objects and conditions are read here, single fields in `forms.fields`, layout in `forms.layout`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import jsonschema_rs

from engine.errors import Problem
from forms import keywords, limits
from forms.nodes import AnyNode, Branch, Condition, Hints, ObjectNode, TableNode, branches
from forms.texts import Text


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) from its parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


@dataclass
class Report:
    """Problems of one file, in the order found."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, where: str, rule: str, message: str, advice: str = "") -> None:
        """Note one problem; `where` is the JSON pointer into the file."""
        self.problems.append(Problem(file=self.file, rule=f"form-{rule}", message=f"{where or '/'}: {message}", advice=advice))

    def only(self, schema: Mapping[str, Any], allowed: frozenset[str], where: str, what: str) -> None:
        """Refuse every keyword outside the subset."""
        for name in schema:
            if name not in allowed:
                self.refuse(
                    where + pointer(name),
                    "keyword",
                    f"{what} does not know the keyword {name!r}",
                    f"Use only: {', '.join(sorted(allowed))}.",
                )

    def text(self, owner: Mapping[str, Any], name: str, where: str, most: int) -> Text | None:
        """A text as `x-<name>` or `<name>`: a string (Chinese) or an object of zh and, where wanted, en. None where there is none."""
        key = f"x-{name}" if f"x-{name}" in owner else name
        value = owner.get(key)
        if value is None:
            return None
        found = {"zh": value} if isinstance(value, str) else value
        if not isinstance(found, Mapping) or not set(found) <= {"zh", "en"} or not all(isinstance(each, str) for each in found.values()):
            self.refuse(where + pointer(key), "text", "must be a text, or an object of zh and en", 'Write {"zh": "...", "en": "..."}.')
            return None
        if not found.get("zh", "").strip():
            self.refuse(where + pointer(key), "text", "has no Chinese text", "Every text must exist in zh; en is optional.")
            return None
        if any(len(each) > most for each in found.values()):
            self.refuse(where + pointer(key), "size", f"is longer than {most} characters")
            return None
        return Text(found["zh"].strip(), (found.get("en") or "").strip() or None)


@dataclass(frozen=True)
class Place:
    """Where the reader stands: JSON pointer, property path of the layout, depth, references being resolved, read-only from above."""

    where: str
    path: tuple[str, ...] = ()
    depth: int = 0
    refs: tuple[str, ...] = ()
    read_only: bool = False

    def down(self, *parts: str | int, name: str | None = None) -> Place:
        """The place of a part of the schema here; `name` when it is a property."""
        path = self.path if name is None else (*self.path, name)
        return Place(self.where + pointer(*parts), path, self.depth, self.refs, self.read_only)


ReadField: TypeAlias = "Callable[[Reader, Any, Place], AnyNode | None]"


class Reader:
    """Reads one form's schema; `report` collects, nothing is raised."""

    def __init__(self, report: Report, definitions: Mapping[str, Any], hints: Mapping[tuple[str, ...], Hints], read_field: ReadField) -> None:
        self.report = report
        self.read_field = read_field
        self.definitions = definitions
        self.hints = hints
        self.fields = 0

    def resolve(self, schema: Any, place: Place) -> tuple[Mapping[str, Any], Place] | None:
        """The schema with its local `$ref` replaced by what it names; None (and a problem) where that is not possible."""
        if not isinstance(schema, Mapping):
            self.report.refuse(place.where, "schema", "must be an object that describes one field")
            return None
        if "$ref" not in schema:
            return schema, place
        ref, siblings = schema["$ref"], {name: value for name, value in schema.items() if name != "$ref"}
        self.report.only(siblings, keywords.ANNOTATIONS, place.where, "a field with $ref")
        at = place.where + "/$ref"
        name = ref.removeprefix("#/$defs/") if isinstance(ref, str) and ref.startswith("#/$defs/") else None
        if name is None:
            self.report.refuse(at, "reference", f"{ref!r} is not a reference to this form's own definitions", 'Write "#/$defs/<name>".')
        elif len(place.refs) >= limits.REFERENCES:
            self.report.refuse(at, "reference", f"is the last of more than {limits.REFERENCES} references, one leading to the next")
        elif name in place.refs:
            self.report.refuse(at, "reference", f"{ref!r} leads back to itself; a form is finite")
        elif name not in self.definitions:
            self.report.refuse(at, "reference", f"{ref!r} does not exist", "Declare it under /schema/$defs.")
        elif not isinstance(self.definitions[name], Mapping):
            self.report.refuse(pointer("schema", "$defs", name), "schema", "must be an object that describes one field")
        else:
            inside = Place(pointer("schema", "$defs", name), place.path, place.depth, (*place.refs, name), place.read_only)
            merged = {**self.definitions[name], **siblings}
            for plain in ("title", "description"):
                if plain in siblings and f"x-{plain}" not in siblings:
                    merged.pop(f"x-{plain}", None)
            return self.resolve(merged, inside)
        return None

    def object(self, schema: Mapping[str, Any], place: Place, common: Mapping[str, Any]) -> ObjectNode | None:
        """`{"type": "object", "properties": ...}` with its conditions."""
        if place.depth > limits.DEPTH:
            self.report.refuse(place.where, "depth", f"is nested deeper than {limits.DEPTH} objects and tables")
            return None
        for name in ("additionalProperties", "unevaluatedProperties"):
            if schema.get(name, False) is not False:
                self.report.refuse(place.where + pointer(name), "keyword", "must be false: a form takes declared fields only")
        before = len(self.report.problems)
        known: dict[str, AnyNode] = {}
        inside = Place(place.where, place.path, place.depth + 1, place.refs, place.read_only)
        body = self.branch(schema, inside, known)
        if not known and len(self.report.problems) == before:
            self.report.refuse(place.where, "properties", "declares no field", "Add properties.")
        return ObjectNode(body=body, conditional=bool(body.conditions) or any(_conditional(node) for node in known.values()), **common)

    def branch(self, schema: Mapping[str, Any], place: Place, known: dict[str, AnyNode]) -> Branch:
        """properties, required, if/then/else and allOf of one object; adds to `known`, the fields that may be visible so far."""
        fields: dict[str, AnyNode] = {}
        properties = schema.get("properties", {})
        if not isinstance(properties, Mapping):
            self.report.refuse(place.where + "/properties", "properties", "must be an object of fields")
            properties = {}
        for name, each in properties.items():
            self._property(name, each, place.down("properties", name, name=name), known, fields)
        required = self._required(schema, place, known)
        conditions: list[Condition] = []
        if "if" in schema:
            conditions.append(self._condition(schema, place, known))
        else:
            for orphan in ("then", "else"):
                if orphan in schema:
                    self.report.refuse(place.where + pointer(orphan), "condition", f"{orphan} without if")
        for index, part in enumerate(self._parts(schema, place)):
            at = place.down("allOf", index)
            self.report.only(part, keywords.BRANCH, at.where, "a part of allOf")
            merged = self.branch(part, at, known)
            fields |= merged.fields
            required |= merged.required
            conditions += merged.conditions
        return Branch(fields, required, tuple(conditions))

    def _parts(self, schema: Mapping[str, Any], place: Place) -> list[Mapping[str, Any]]:
        parts = schema.get("allOf", [])
        if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
            self.report.refuse(place.where + "/allOf", "condition", "must be a list of objects with if, then, else or properties")
            return []
        return parts

    def _property(self, name: str, schema: Any, place: Place, known: dict[str, AnyNode], fields: dict[str, AnyNode]) -> None:
        if not name.isidentifier() or name.startswith("_") or len(name) > 60 or (len(place.path) == 1 and name == "csrf_token"):
            advice = "Use letters, digits and underscores, beginning with a letter, 60 characters at most; csrf_token is taken."
            self.report.refuse(place.where, "name", f"{name!r} cannot name a field", advice)
            return
        if name in known:
            advice = "Declare it once; conditions may still require it or look at it."
            self.report.refuse(place.where, "name", f"{name!r} is declared twice where both could be visible", advice)
            return
        self.fields += 1
        if self.fields > limits.FIELDS:
            if self.fields == limits.FIELDS + 1:
                self.report.refuse(place.where, "size", f"the form declares more than {limits.FIELDS} fields")
            return
        node = self.read_field(self, schema, place)
        if node is not None:
            known[name] = fields[name] = node

    def _required(self, schema: Mapping[str, Any], place: Place, known: Mapping[str, AnyNode]) -> frozenset[str]:
        names = schema.get("required", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self.report.refuse(place.where + "/required", "required", "must be a list of field names")
            return frozenset()
        parts = schema.get("allOf", [])
        declared = set(known).union(*(_names(part) for part in [schema, *(parts if isinstance(parts, list) else [])]))
        for index, name in enumerate(names):
            if name not in declared:
                self.report.refuse(place.where + pointer("required", index), "required", f"{name!r} is not declared")
        return frozenset(names)

    def _condition(self, schema: Mapping[str, Any], place: Place, known: dict[str, AnyNode]) -> Condition:
        test, where = schema["if"], place.where + "/if"
        before = len(self.report.problems)
        reads: set[str] = set()
        self._test(test, where, known, reads)
        validator = linear(test, self.report, where) if len(self.report.problems) == before else None
        opened: dict[str, Branch] = {}
        added: dict[str, AnyNode] = {}
        for word in ("then", "else"):
            part = schema.get(word, {})
            if not isinstance(part, Mapping):
                self.report.refuse(place.where + pointer(word), "condition", "must be an object with properties or required")
                part = {}
            self.report.only(part, keywords.BRANCH, place.where + pointer(word), word)
            mine = dict(known)
            opened[word] = self.branch(part, place.down(word), mine)
            added |= mine
        known |= added
        return Condition(validator, frozenset(reads), opened["then"], opened["else"])

    def _test(self, test: Any, where: str, known: Mapping[str, AnyNode], reads: set[str]) -> None:
        """`if`: constants, ranges and presence of fields of the same object, also of objects inside it."""
        if not isinstance(test, Mapping) or not test:
            self.report.refuse(where, "condition", "must be an object with properties or required")
            return
        self.report.only(test, keywords.TEST_OBJECT, where, "a condition")
        if test.get("type", "object") != "object":
            self.report.refuse(where + "/type", "condition", "must be object: a condition looks at fields of its object")
        for word, parts in (("anyOf", test.get("anyOf", [])), ("allOf", test.get("allOf", []))):
            for index, part in enumerate(parts if isinstance(parts, list) else [parts]):
                self._test(part, where + pointer(word, index), known, reads)
        if "not" in test:
            self._test(test["not"], where + "/not", known, reads)
        properties, required = test.get("properties", {}), test.get("required", [])
        named = [*(properties if isinstance(properties, Mapping) else ()), *(required if isinstance(required, list) else ())]
        for name in named:
            if not isinstance(name, str) or name not in known:
                advice = "A condition looks at fields of the same object, declared before it."
                self.report.refuse(where, "condition", f"{name!r} is not a field that this condition can see", advice)
            reads.add(str(name))
        if isinstance(properties, Mapping):
            for name, each in properties.items():
                self._test_value(each, where + pointer("properties", name), known.get(name))

    def _test_value(self, test: Any, where: str, node: AnyNode | None) -> None:
        if isinstance(node, ObjectNode):
            inside = {name: each for part in branches(node.body) for name, each in part.fields.items()}
            self._test(test, where, inside, set())
        elif isinstance(node, TableNode):
            self.report.only(test if isinstance(test, Mapping) else {}, frozenset({"minItems", "maxItems"}), where, "a condition on a table")
        elif not isinstance(test, Mapping):
            self.report.refuse(where, "condition", 'must be an object such as {"const": ...}')
        else:
            self.report.only(test, keywords.TEST_VALUE, where, "a condition on a value")


def _names(part: Any) -> frozenset[str]:
    properties = part.get("properties", {}) if isinstance(part, Mapping) else {}
    return frozenset(properties) if isinstance(properties, Mapping) else frozenset()


def _conditional(node: AnyNode) -> bool:
    inside = node.row if isinstance(node, TableNode) else node
    return isinstance(inside, ObjectNode) and inside.conditional


def linear(schema: Any, report: Report, where: str) -> Any:
    """A validator whose patterns run in linear time and that fetches nothing; None (and a problem) where the schema is malformed."""
    options = jsonschema_rs.RegexOptions(size_limit=limits.PATTERN_BYTES)
    try:
        return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, pattern_options=options)
    except (ValueError, TypeError) as exc:
        report.refuse(where, "schema", str(exc).strip().splitlines()[0])
        return None
