"""Data of a diagram (BPMN 2.0.2 sections 10.4.1 and 10.4.2): data objects, properties, inputs, outputs and the associations between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.bpmn.diagram import Node, Parameter
from engine.bpmn.languages import expression_in, own_language
from engine.bpmn.templates import Template, source
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
    """Data associations copy between variables of the scope and names of the activity; what they compute are expressions."""
    made.copied_in, given = _read(reader, element, "dataInputAssociation")
    made.copied_out, returned = _read(reader, element, "dataOutputAssociation")
    made.inputs, made.outputs = (*made.inputs, *given), (*made.outputs, *returned)


def _read(reader: Reader, element: Xml, tag: str) -> tuple[tuple[tuple[str, str], ...], list[Parameter]]:
    copies: list[tuple[str, str]] = []
    computed: list[Parameter] = []
    for one in children(element, tag):
        sources, target = children(one, "sourceRef"), reference(text(child(one, "targetRef")))
        assignments = [(child(a, "from"), text(child(a, "to"))) for a in children(one, "assignment")]
        computed += [Parameter(source(to), _computed(said)) for said, to in assignments if text(said) and to]
        transformed = child(one, "transformation")
        if text(transformed) and target:
            computed.append(Parameter(variable(reader, target), _computed(transformed)))
        elif not assignments and target and len(sources) == 1:
            copies.append((variable(reader, reference(text(sources[0])) or ""), variable(reader, target)))
    return tuple((one, other) for one, other in copies if one != other), computed


def _computed(element: Xml) -> Template:
    return expression_in(element, text(element), own_language(element))


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
