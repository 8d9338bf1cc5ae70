"""DMN files to models: reads the elements, checks references and cycles. Implements the port `DecisionCompiler`; evaluates nothing."""

from __future__ import annotations

from collections.abc import Iterator

from engine.dmn.feel.types import ANY
from engine.dmn.model import DmnModel, Element
from engine.dmn.reading import EXPRESSIONS, Reader
from engine.dmn.xml import Xml, child, children, local, name_of, parse, reference
from engine.errors import DeploymentRejected

_REQUIRED = ("requiredDecision", "requiredInput", "requiredKnowledge")


class DmnCompiler:
    """Implements `engine.ports.DecisionCompiler`. `lenient` turns faulty expressions into null, as the conformance tests of DMN want it."""

    def __init__(self, *, lenient: bool = False) -> None:
        self._lenient = lenient

    def compile(self, file: str, xml: bytes) -> DmnModel:
        """The model of one file, DMN 1.1 to 1.5. Raises DeploymentRejected with every problem."""
        root = parse(file, xml)
        reader = Reader(file, root)
        elements: dict[str, Element] = {}
        written: dict[str, Xml] = {}
        for node in children(root, "inputData", "decision", "businessKnowledgeModel", "decisionService"):
            reader.owner = node
            element = _READERS[local(node)](reader, node)
            if not element.id or element.id in elements:
                reader.problem("dmn.id", "an element without id and name, or with an id that is used twice", node)
            elements[element.id] = element
            written[element.id] = node
        _check(reader, elements, written)
        for node in children(root, "import"):
            reader.owner = node
            reader.problem("dmn.import", "imports of other files are not available", node, "put what the decision needs into one file")
        if reader.problems and not self._lenient:
            raise DeploymentRejected(reader.problems)
        return DmnModel(elements, reader.items.types)


def _requirements(node: Xml) -> Iterator[str]:
    for requirement in children(node, "informationRequirement", "knowledgeRequirement"):
        found = reference(child(requirement, *_REQUIRED))
        if found is not None:
            yield found.rpartition("#")[2]


def _id(node: Xml) -> str:
    """The id; the name where the file gives none."""
    return node.get("id") or name_of(node)


def _variable(node: Xml) -> tuple[str, str | None]:
    """Name and type reference of the element's variable."""
    variable = child(node, "variable")
    return (name_of(node), None) if variable is None else (name_of(variable) or name_of(node), variable.get("typeRef"))


def _input(reader: Reader, node: Xml) -> Element:
    variable, of = _variable(node)
    return Element(_id(node), name_of(node) or variable, "input", reader.type_of(of, node), variable)


def _decision(reader: Reader, node: Xml) -> Element:
    variable, of = _variable(node)
    kind = child(node, *EXPRESSIONS)
    if kind is None:
        reader.problem("dmn.logic", "the decision has no expression", node, "draw a decision table or write a literal expression")
    expected = reader.type_of(of, node)
    return Element(_id(node), name_of(node), "decision", expected, variable, reader.inner(node), tuple(_requirements(node)))


def _knowledge(reader: Reader, node: Xml) -> Element:
    variable, of = _variable(node)
    logic = child(node, "encapsulatedLogic")
    if logic is None:
        reader.problem("dmn.logic", "the business knowledge model has no logic", node)
    result = reader.type_of(of, node)
    result = ANY if result.name == "function" else result
    function = reader.inner(None) if logic is None else reader.function(logic, result)
    return Element(_id(node), name_of(node), "knowledge", ANY, variable, function, tuple(_requirements(node)))


def _service(reader: Reader, node: Xml) -> Element:
    variable, of = _variable(node)
    inputs = [reference(part) for part in children(node, "inputData")] + [reference(part) for part in children(node, "inputDecision")]
    outputs = [reference(part) for part in children(node, "outputDecision")]
    result = reader.type_of(of, node)
    result = (result.item or ANY) if result.name == "function" else result
    return Element(
        id=_id(node),
        name=name_of(node),
        kind="service",
        type=result,
        variable=variable,
        requires=tuple(i for i in inputs if i),
        outputs=tuple(i for i in outputs if i),
    )


_READERS = {"inputData": _input, "decision": _decision, "businessKnowledgeModel": _knowledge, "decisionService": _service}


def _check(reader: Reader, elements: dict[str, Element], written: dict[str, Xml]) -> None:
    """References lead somewhere, and no decision requires itself. A business knowledge model may: functions recurse."""
    for element in elements.values():
        reader.owner = written[element.id]
        for required in (*element.requires, *element.outputs):
            if required not in elements:
                reader.problem("dmn.reference", f"there is no element with the id {required!r} in this file", written[element.id])
    done: set[str] = set()
    for element in elements.values():
        if element.kind == "decision" and _cyclic(element.id, elements, done):
            reader.owner = written[element.id]
            reader.problem("dmn.cycle", "the decision requires itself", written[element.id])


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
