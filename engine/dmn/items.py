"""Item definitions to types (DMN 1.5, clause 7.3.3): components, collections, allowed values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.dmn.feel.types import ANY, SIMPLE, Type
from engine.dmn.feel.values import Value
from engine.dmn.xml import Xml, child, children, local, name_of, text

MAX_NESTING = 60

Allow = Callable[[Xml, str], Callable[[Value], bool] | None]
"""Compiles the text of allowed values into a test."""


class Items:
    """Types by name. Definitions may use each other in any order; one that contains itself, or too many others, is cut at Any."""

    def __init__(self, definitions: Xml, allow: Allow, imported: Mapping[str, Items]) -> None:
        self._written = {name_of(item): item for item in children(definitions, "itemDefinition")}
        self._allow = allow
        self._open: set[str] = set()
        self.types: dict[str, Type] = {f"{name}.{of}": found for name, items in imported.items() for of, found in items.types.items()}
        for name in self._written:
            self.named(name)

    def named(self, reference: str | None) -> Type | None:
        """The type that a `typeRef` names, Any when there is none; None when unknown."""
        if not reference or not reference.strip():
            return ANY
        for name in (" ".join(reference.split()), reference.split("}")[-1].split(":")[-1].strip(), reference.split(".")[-1].strip()):
            if name in self.types:
                return self.types[name]
            if name in self._open or len(self._open) >= MAX_NESTING:
                return ANY
            if name in self._written:
                self._open.add(name)
                self.types[name] = self._type(self._written[name])
                self._open.discard(name)
                return self.types[name]
            if name in SIMPLE:
                return SIMPLE[name]
        return None

    def _type(self, item: Xml) -> Type:
        components = {name_of(part): self._type(part) for part in children(item, "itemComponent")}
        function = child(item, "functionItem")
        if components:
            base = Type("context", members=components)
        elif function is not None:
            parameters = tuple(self.named(part.get("typeRef")) or ANY for part in children(function, "parameters"))
            base = Type("function", item=self.named(function.get("outputTypeRef")) or ANY, parameters=parameters)
        else:
            written = child(item, "typeRef")
            reference = "".join(str(part) for part in written.itertext()) if written is not None else item.get("typeRef")
            base = self.named(reference) or ANY
        allowed = self._test(item, "allowedValues")
        if item.get("isCollection") == "true":
            whole = self._test(item, "typeConstraint")
            return Type("list", item=_restricted(base, allowed), allowed=whole)
        return _restricted(_restricted(base, allowed), self._test(item, "typeConstraint"))

    def _test(self, item: Xml, name: str) -> Callable[[Value], bool] | None:
        written = child(item, name)
        return None if written is None else self._allow(written, text(written))


def _restricted(base: Type, test: Callable[[Value], bool] | None) -> Type:
    if test is None:
        return base
    before = base.allowed
    both = test if before is None else lambda value: before(value) and test(value)
    return Type(base.name, base.item, base.members, base.parameters, both)


def component_names(definitions: Xml) -> set[str]:
    """Every name that FEEL texts of this file may use: of elements, components, parameters, columns, context entries."""
    named = ("inputData", "decision", "businessKnowledgeModel", "decisionService", "itemComponent", "itemDefinition", "import")
    also = ("variable", "formalParameter", "parameter", "column", "output", "parameters")
    out = {name_of(element) for element in definitions.iter() if isinstance(element.tag, str) and local(element) in (*named, *also)}
    iterators = {element.get("iteratorVariable") or "" for element in definitions.iter() if isinstance(element.tag, str)}
    return {name for name in out | iterators if name}


Types = Mapping[str, Type]
