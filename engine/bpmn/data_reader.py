"""Data of a diagram (BPMN 2.0.2 sections 10.4.1 and 10.4.2): data objects, properties, inputs, outputs and the associations between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.bpmn.diagram import Node, Parameter
from engine.bpmn.templates import expression, source
from engine.bpmn.xml_source import Xml, child, children, reference, text

if TYPE_CHECKING:
    from engine.bpmn.reader import Reader

MADE_BY_MODELERS = "DataObject_"


def objects(element: Xml) -> list[str]:
    """Names of data objects and properties; the ids that modelers make up for unnamed ones are no variables."""
    found = [one.get("name") or one.get("id") or "" for one in children(element, "property")]
    for one in children(element, "dataObject"):
        name = one.get("name") or one.get("id") or ""
        if not (one.get("name") is None and name.startswith(MADE_BY_MODELERS)):
            found.append(name)
    return [name for name in dict.fromkeys(found) if name]


def parameters_of(element: Xml) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the data inputs and outputs of a process."""
    io = child(element, "ioSpecification")
    if io is None:
        return (), ()
    names = ([one.get("name") or one.get("id") or "" for one in children(io, tag)] for tag in ("dataInput", "dataOutput"))
    given, returned = (tuple(filter(None, found)) for found in names)
    return given, returned


def associate(reader: Reader, made: Node, element: Xml) -> None:
    """Data associations copy between variables of the scope and names of the activity or event; what they compute are expressions.

    A copy to the same name is none, unless it decides what a message or event carries.
    """
    copied_in, given, _ = _read(reader, element, "dataInputAssociation")
    copied_out, returned, made.data_outputs = _read(reader, element, "dataOutputAssociation")
    carries = made.type.endswith("Event") or made.type in ("sendTask", "receiveTask")
    made.copied_in, made.copied_out = (tuple(pair for pair in pairs if carries or pair[0] != pair[1]) for pairs in (copied_in, copied_out))
    made.associated_in = tuple(given)
    made.inputs, made.outputs = (*made.inputs, *given), (*made.outputs, *returned)


def _read(reader: Reader, element: Xml, tag: str) -> tuple[list[tuple[str, str]], list[Parameter], tuple[str, ...]]:
    """(copies, what is computed, names of the sources)."""
    copies: list[tuple[str, str]] = []
    computed: list[Parameter] = []
    names: dict[str, None] = {}
    for one in children(element, tag):
        sources, target = children(one, "sourceRef"), reference(text(child(one, "targetRef")))
        names |= dict.fromkeys(variable(reader, reference(text(one_source)) or "") for one_source in sources)
        assignments = [(text(child(a, "from")), text(child(a, "to"))) for a in children(one, "assignment")]
        computed += [Parameter(source(to), expression(said)) for said, to in assignments if said and to]
        transformed = text(child(one, "transformation"))
        if transformed and target:
            computed.append(Parameter(variable(reader, target), expression(transformed)))
        elif not assignments and target and len(sources) == 1:
            copies.append((variable(reader, reference(text(sources[0])) or ""), variable(reader, target)))
        elif not assignments:
            message = (
                f"a data association with {len(sources)} sources copies nothing" if target else "a data association without target copies nothing"
            )
            reader.problem(
                one, "bpmn.data", message, "name one source and the target, or write a transformation that makes one value of several sources"
            )
    return copies, computed, tuple(names)


def variable(reader: Reader, key: str) -> str:
    """The variable that a data element stands for: of a reference that of its object, else its name or id."""
    one = reader.by_id.get(key)
    if one is None:
        return key
    target = reference(one.get("dataObjectRef"))
    if target:
        known = reader.by_id.get(target)
        return str((known.get("name") if known is not None else None) or one.get("name") or target)
    return str(one.get("name") or key)
