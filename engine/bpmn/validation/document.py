"""What the rules about a whole file look at: its BPMN elements, outside of processes that are not to be executed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from engine.bpmn.validation.rule import CHECKS
from engine.bpmn.xml_source import BPMN, Xml, flag, local, reference

if TYPE_CHECKING:
    from engine.bpmn.reader import Reader

Found = TypeVar("Found")


def words(*texts: str) -> frozenset[str]:
    """The words of some texts."""
    return frozenset(word for one in texts for word in one.split())


class Document:
    """`by_id` holds every element of the file, `elements` those that matter: what is wrong in a process that never runs does not. `named`: with
    their names.
    """

    def __init__(self, reader: Reader) -> None:
        self.root = reader.root
        self.by_id = reader.by_id
        self.associated = reader.associated
        self.elements = list(self._elements())
        self.named = [(local(one), one) for one in self.elements]
        self._seen: dict[Callable[[Document], Iterable[Any]], list[Any]] = {}

    def _elements(self) -> Iterator[Xml]:
        yield self.root
        for top in self.root:
            if local(top) and (local(top) != "process" or flag(top, "isExecutable", True)):
                yield from (one for one in top.iter() if local(one))

    def of(self, *names: str) -> Iterator[Xml]:
        """The elements of these kinds, in document order."""
        return (one for name, one in self.named if name in names)

    def once(self, look: Callable[[Document], Iterable[Found]]) -> list[Found]:
        """What `look` finds in this file; rules that look for the same share it."""
        if look not in self._seen:
            self._seen[look] = list(look(self))
        return self._seen[look]

    def find(self, holder: Xml, qname: str | None) -> tuple[str, Xml | None] | None:
        """The key and the element that it names; None where nothing is named, or something in an imported file."""
        key = reference(qname)
        if key is None or self._imported(holder, qname or ""):
            return None
        return key, self.by_id.get(key)

    def _imported(self, holder: Xml, qname: str) -> bool:
        """Does its prefix stand for the namespace of an import?"""
        prefix, _, name = qname.strip().partition(":")
        namespace = holder.nsmap.get(prefix) if name else None
        return namespace is not None and any(one.get("namespace") == namespace for one in self.root.iterchildren(f"{{{BPMN}}}import"))


def check_file(reader: Reader) -> None:
    """Ask every rule about files; the reader notes what is found."""
    document = Document(reader)
    for rule, check in CHECKS.get("file", ()):
        for one in check(document, document.root):
            reader.problem(one.subject, rule.id, one.message, one.advice or rule.advice, rule.severity)


__all__ = ["Document", "check_file", "words"]
