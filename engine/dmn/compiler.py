"""DMN files to models: reads the elements, checks references and cycles. Implements the port `DecisionCompiler`; evaluates nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.dmn.feel.types import ANY
from engine.dmn.model import DmnModel, Element
from engine.dmn.reading import Reader
from engine.dmn.structure import BOXED as EXPRESSIONS
from engine.dmn.xml import NAMESPACES, Xml, child, children, local, name_of, parse, reference
from engine.errors import DeploymentRejected
from engine.model.files import kind_of

_REQUIRED = ("requiredDecision", "requiredInput", "requiredKnowledge")
_ELEMENTS = ("inputData", "decision", "businessKnowledgeModel", "decisionService")


class DmnCompiler:
    """Implements `engine.ports.DecisionCompiler`. `lenient` turns faulty expressions into null, as the conformance tests of DMN want it."""

    def __init__(self, *, lenient: bool = False) -> None:
        self._lenient = lenient

    def compile(self, file: str, xml: bytes, others: Mapping[str, bytes] | None = None) -> DmnModel:
        """The model of one file, DMN 1.1 to 1.5. Raises DeploymentRejected with every problem.

        `others`: files of the same deployment by name, among which imports are looked up; their own problems are not repeated here.
        """
        library = _Library({name: data for name, data in (others or {}).items() if name != file and kind_of(name, data) == "dmn"})
        unit = library.load(file, parse(file, xml), main=True)
        _check(unit, library.elements)
        if unit.reader.problems and not self._lenient:
            raise DeploymentRejected(unit.reader.problems)
        return DmnModel(library.elements, unit.reader.items.types)

    def named(self, file: str, xml: bytes) -> frozenset[str]:
        """Ids of the decisions and services that a file holds, whatever else is wrong with it."""
        try:
            root = parse(file, xml)
        except DeploymentRejected:
            return frozenset()
        return frozenset(node.get("id") or name_of(node) for node in children(root, "decision", "decisionService"))


class _Unit:
    """One file: its namespace, its reader, and the names under which it imports others, by their namespace."""

    def __init__(self, reader: Reader, root: Xml, imports: Mapping[str, str], *, main: bool) -> None:
        self.reader = reader
        self.namespace = root.get("namespace") or ""
        self.imports = imports
        self.main = main
        self.written: dict[str, Xml] = {}

    def key(self, href: str) -> str:
        """The key of an element in the model: its id, with the namespace before it in imported files."""
        namespace, _, local_id = href.rpartition("#")
        if namespace in ("", self.namespace):
            return local_id if self.main else f"{self.namespace}#{local_id}"
        return f"{namespace}#{local_id}"


class _Library:
    """Loads a file and what it imports, each once."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._roots: dict[str, tuple[str, Xml]] | None = None
        self._units: dict[str, _Unit] = {}
        self._loading: set[str] = set()
        self.elements: dict[str, Element] = {}

    def load(self, file: str, root: Xml, *, main: bool) -> _Unit:
        """Reads the elements of a file after those of its imports."""
        imports: dict[str, str] = {}
        problems: list[tuple[Xml, str]] = []
        self._loading.add(root.get("namespace") or "")
        for node in children(root, "import"):
            found = self._imported(node)
            if isinstance(found, str):
                problems.append((node, found))
            else:
                imports[found.namespace] = name_of(node)
        reader = Reader(file, root, {name: self._units[namespace].reader for namespace, name in imports.items()})
        unit = _Unit(reader, root, imports, main=main)
        for node, message in problems:
            reader.owner = node
            reader.problem("dmn.import", message, node, "deploy both files together")
        reader.structure(root, deep=False)
        for node in children(root, "itemDefinition", *_ELEMENTS):
            reader.owner = node
            reader.structure(node)
            if local(node) == "itemDefinition":
                continue
            element = _READERS[local(node)](unit, node)
            if not (node.get("id") or name_of(node)) or element.id in self.elements:
                reader.problem("dmn.id", "an element without id and name, or with an id that is used twice", node)
            self.elements[element.id] = element
            unit.written[element.id] = node
        self._units[unit.namespace] = unit
        return unit

    def _imported(self, node: Xml) -> _Unit | str:
        """The unit that an import names, or what is wrong with it."""
        namespace = node.get("namespace") or ""
        if node.get("importType") not in NAMESPACES:
            return f"imports of the kind {node.get('importType')} are not available"
        if namespace in self._units:
            return self._units[namespace]
        if namespace in self._loading:
            return "files import each other in a circle"
        found = self._root(namespace)
        if found is None:
            return f"no deployed file has the namespace {namespace}"
        unit = self.load(*found, main=False)
        return f"the imported file {found[0]} has problems" if unit.reader.problems else unit

    def _root(self, namespace: str) -> tuple[str, Xml] | None:
        if self._roots is None:
            self._roots = {}
            for name in sorted(self._files):
                try:
                    root = parse(name, self._files[name])
                except DeploymentRejected:
                    continue  # reported when that file itself is compiled
                self._roots.setdefault(root.get("namespace") or "", (name, root))
        return self._roots.get(namespace)


def _element(unit: _Unit, node: Xml, **parts: Any) -> Element:
    key = unit.key(node.get("id") or name_of(node))
    return Element(id=key, name=name_of(node), namespace=unit.namespace, imports=unit.imports, line=int(node.sourceline or 0) or None, **parts)


def _requirements(unit: _Unit, node: Xml) -> tuple[str, ...]:
    required = (child(requirement, *_REQUIRED) for requirement in children(node, "informationRequirement", "knowledgeRequirement"))
    return tuple(unit.key(href) for href in map(reference, required) if href is not None)


def _variable(node: Xml) -> tuple[str, str | None]:
    """Name and type reference of the element's variable."""
    variable = child(node, "variable")
    return (name_of(node), None) if variable is None else (name_of(variable) or name_of(node), variable.get("typeRef"))


def _input(unit: _Unit, node: Xml) -> Element:
    variable, of = _variable(node)
    return _element(unit, node, kind="input", type=unit.reader.type_of(of, node), variable=variable)


def _decision(unit: _Unit, node: Xml) -> Element:
    reader = unit.reader
    variable, of = _variable(node)
    if child(node, *EXPRESSIONS) is None:
        reader.problem("dmn.logic", "the decision has no expression", node, "draw a decision table or write a literal expression")
    expected = reader.type_of(of, node)
    return _element(unit, node, kind="decision", type=expected, variable=variable, logic=reader.inner(node), requires=_requirements(unit, node))


def _knowledge(unit: _Unit, node: Xml) -> Element:
    reader = unit.reader
    variable, of = _variable(node)
    logic = child(node, "encapsulatedLogic")
    if logic is None:
        reader.problem("dmn.logic", "the business knowledge model has no logic", node)
    result = reader.type_of(of, node)
    result = ANY if result.name == "function" else result
    function = reader.inner(None) if logic is None else reader.function(logic, result)
    return _element(unit, node, kind="knowledge", variable=variable, logic=function, requires=_requirements(unit, node))


def _service(unit: _Unit, node: Xml) -> Element:
    variable, of = _variable(node)
    inputs = [reference(part) for part in (*children(node, "inputData"), *children(node, "inputDecision"))]
    outputs = [reference(part) for part in children(node, "outputDecision")]
    result = unit.reader.type_of(of, node)
    result = (result.item or ANY) if result.name == "function" else result
    requires = tuple(unit.key(href) for href in inputs if href)
    return _element(
        unit, node, kind="service", type=result, variable=variable, requires=requires, outputs=tuple(unit.key(href) for href in outputs if href)
    )


_READERS = {"inputData": _input, "decision": _decision, "businessKnowledgeModel": _knowledge, "decisionService": _service}


def _check(unit: _Unit, elements: dict[str, Element]) -> None:
    """References lead somewhere, and no decision requires itself. A business knowledge model may: functions recurse."""
    done: set[str] = set()
    for key, node in unit.written.items():
        element = elements[key]
        unit.reader.owner = node
        for required in (*element.requires, *element.outputs):
            if required not in elements:
                unit.reader.problem("dmn.reference", f"there is no element with the id {required!r}", node)
        if element.kind == "decision" and _cyclic(key, elements, done):
            unit.reader.problem("dmn.cycle", "the decision requires itself", node)


def _cyclic(start: str, elements: dict[str, Element], done: set[str]) -> bool:
    """Whether following required decisions from `start` meets a cycle; `done` are those known to meet none."""
    path: set[str] = set()
    stack: list[tuple[str, bool]] = [(start, False)]
    while stack:
        current, leaving = stack.pop()
        if leaving:
            path.discard(current)
            done.add(current)
        elif current in path:
            return True
        elif current not in done and current in elements and elements[current].kind == "decision":
            path.add(current)
            stack.append((current, True))
            stack += [(required, False) for required in elements[current].requires]
    return False
