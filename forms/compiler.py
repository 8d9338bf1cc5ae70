"""Compiles `<key>.form.json` and offers a form's operations: check JSON, decode an HTML post, describe itself.

Rendering is the concern of `webui.forms`; what a page shows is described by `forms.view`, without HTML.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from engine.errors import DeploymentRejected, InvalidInput, Problem
from engine.model.values import Json, canonical, parse, purify
from engine.ports import Decoded
from forms import keywords, limits, posting, raw
from forms.checking import Checker
from forms.fields import read_field
from forms.layout import check_hints, read_hints, read_sections
from forms.messages import field_error
from forms.nodes import ObjectNode, Section
from forms.reading import Place, Reader, Report, pointer
from forms.texts import Text

ZONE: tzinfo = ZoneInfo("Asia/Shanghai")
_NOTHING: Mapping[str, Json] = {}


@dataclass(frozen=True, slots=True)
class Submission(Decoded):
    """A decoded post. `raw` shows the page again as it was typed, and serves as a draft; `action` is the button's verb.

    `editing`: the button only changed the page (a row, a condition, a preview); render the form again, nothing was submitted.
    """

    raw: raw.Raw = field(default_factory=dict)
    action: str = "submit"

    @property
    def editing(self) -> bool:
        return self.action in posting.EDITING


@dataclass(frozen=True, slots=True)
class CompiledForm:
    """One compiled form; immutable, shared by threads. Implements `engine.ports.Form`."""

    key: str
    title: Text
    help: Text | None
    root: ObjectNode
    sections: tuple[Section, ...] = ()

    def fields(self) -> tuple[str, ...]:
        """Names of all declared top-level properties, conditional and read-only ones included."""
        return tuple(dict.fromkeys(self.root.body.declared()))

    def titles(self, lang: str) -> Mapping[str, str]:
        """Titles of the declared top-level properties by name, in a language: for histories, which show recorded values."""
        return {name: nodes[0].title.get(lang) or name for name, nodes in raw.declared(self.root).items()}

    def writes(self) -> tuple[str, ...]:
        """Names that a submission may set: `fields()` without the read-only ones. One that a submission leaves out is empty."""
        writable = {name for name, nodes in raw.declared(self.root).items() if not nodes[0].read_only}
        return tuple(name for name in self.fields() if name in writable)

    def check(self, values: Mapping[str, Json], shown: Mapping[str, Json] = _NOTHING) -> Decoded:
        """Validate JSON values. Never raises.

        `shown`: present values of the declared fields: read-only fields and columns come from there. A field that has a value there and is
        left empty (or hidden) now comes back as None, so that assignment clears it. Checking the result again changes nothing.
        """
        try:
            given = purify(dict(values))
        except (InvalidInput, TypeError, ValueError):
            return Decoded({}, (field_error("", "form.not-json"),))
        return self._judge(given, shown)

    def decode(
        self,
        formdata: posting.Fields,
        files: posting.Fields | None = None,
        *,
        shown: Mapping[str, Json] = _NOTHING,
        uploads: posting.Uploads | None = None,
        zone: tzinfo = ZONE,
    ) -> Submission:
        """Read an HTML post: the same judgement as `check`, with the typed texts kept. Uploaded bytes go to `uploads` at once."""
        action = posting.read_action(formdata)
        posted = posting.Posting(formdata, files, uploads, posting.references(shown)).object(self.root)
        if action.verb in posting.EDITING or action.verb == "draft":
            tree = posting.apply(self.root, posted, action, lambda row: raw.encode(row, {}, zone, defaults=True))
            values = self._judge(raw.decode(self.root, posted, zone), shown).values
            return Submission(values, (), tree, action.verb)
        tree = raw.without_blank_rows(self.root, posted, zone)
        judged = self._judge(raw.decode(self.root, tree, zone), shown)
        return Submission(judged.values, judged.errors, tree, action.verb)

    def attachments(self, values: Mapping[str, Json]) -> Mapping[str, Mapping[str, Any]]:
        """References to attachments in checked values, by sha256: whoever stores the values makes sure that the blobs exist."""
        return posting.references(values)

    def _judge(self, values: Mapping[str, Any], shown: Mapping[str, Json]) -> Decoded:
        checker = Checker()
        out = checker.object(self.root, values, shown, "")
        taken = {name: value for name, value in out.items() if not checker.visible[""].fields[name].read_only}
        taken |= {name: None for name in self.writes() if name not in taken and shown.get(name) is not None}
        return Decoded(taken, tuple(checker.errors))


class FormCompiler:
    """Implements `engine.ports.FormCompiler`; published under the entry point group `flowledger.forms`."""

    def compile(self, file: str, data: bytes) -> CompiledForm:
        """`<key>.form.json` bytes to a form. Raises DeploymentRejected with every problem; messages begin with a JSON pointer."""
        report = Report(file)
        document = _document(file, data)
        report.only(document, frozenset({"key", "title", "description", "schema", "layout", "$schema", "$comment"}), "", "a form file")
        key = document.get("key")
        name = file.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".form.json")
        if key != name:
            report.refuse("/key", "key", f"is {key!r}, but the file is named {name!r}", "Name the file <key>.form.json.")
        title = report.text(document, "title", "", limits.TITLE_CHARACTERS)
        if title is None:
            report.refuse("/title", "text", "is missing", 'Write {"zh": "...", "en": "..."}.')
        purpose = report.text(document, "description", "", limits.HELP_CHARACTERS)
        layout = document.get("layout", {})
        if not isinstance(layout, Mapping):
            report.refuse("/layout", "layout", "must be an object")
            layout = {}
        root, sections = _schema(document.get("schema"), layout, report)
        if report.problems or root is None or title is None:
            raise DeploymentRejected(report.problems)
        return CompiledForm(name, title, purpose, root, sections)


def _document(file: str, data: bytes) -> Mapping[str, Any]:
    def reject(rule: str, message: str) -> DeploymentRejected:
        return DeploymentRejected([Problem(file=file, rule=f"form-{rule}", message=f"/: {message}", advice="See docs/forms.md.")])

    if len(data) > limits.FILE_BYTES:
        raise reject("size", f"is larger than {limits.FILE_BYTES} bytes")
    try:
        document = parse(unicodedata.normalize("NFC", data.decode()))  # not purify: the author's order of keys is the page's
        canonical(document)
    except (InvalidInput, UnicodeDecodeError) as exc:
        raise reject("json", str(exc)) from exc
    if _nesting(document) > limits.NESTING:
        raise reject("depth", f"is nested deeper than {limits.NESTING} levels")
    if not isinstance(document, Mapping):
        raise reject("json", "must be an object with key, title and schema")
    return document


def _nesting(document: Any) -> int:
    depth, level = 0, [document]
    while level:
        depth += 1
        level = [inside for each in level if isinstance(each, Mapping | list) for inside in (each.values() if isinstance(each, Mapping) else each)]
    return depth


def _schema(schema: Any, layout: Mapping[str, Any], report: Report) -> tuple[ObjectNode | None, tuple[Section, ...]]:
    if not isinstance(schema, Mapping) or schema.get("type") != "object" or schema.get("format") is not None:
        report.refuse("/schema", "schema", 'must be an object with "type": "object"')
        return None, ()
    draft = schema.get("$schema", "https://json-schema.org/draft/2020-12/schema")
    if draft != "https://json-schema.org/draft/2020-12/schema":
        report.refuse("/schema/$schema", "schema", f"{draft!r} is not supported", "Write for JSON Schema 2020-12.")
    definitions = schema.get("$defs", {})
    if not isinstance(definitions, Mapping):
        report.refuse("/schema/$defs", "schema", "must be an object of definitions")
        definitions = {}
    hints = read_hints(layout, report)
    plain = {name: value for name, value in schema.items() if name not in keywords.ROOT_ONLY}
    reader = Reader(report, definitions, hints, read_field)
    root = read_field(reader, plain, Place(pointer("schema")), titled=False)
    if not isinstance(root, ObjectNode):
        return None, ()
    check_hints(root, hints, report)
    return root, read_sections(layout, root, report)
