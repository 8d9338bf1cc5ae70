"""Data of a diagram (BPMN 2.0.2 sections 10.4.1 and 10.4.2): data objects, properties, inputs, outputs and the associations between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.bpmn.diagram import Node, Parameter
from engine.bpmn.languages import expression_in, own_language
from engine.bpmn.parts import target as place_of
from engine.bpmn.templates import Template, source
from engine.bpmn.xml_source import Xml, child, children, local, reference, text

if TYPE_CHECKING:
    from engine.bpmn.reader import Reader

MADE_BY_MODELERS = "DataObject_"
PLACEHOLDER = "__targetRef_placeholder"  # what bpmn-js writes where the diagram shows nothing but an arrow from the data to the activity
DATA = ("dataInput", "dataOutput", "dataObject", "dataObjectReference", "property")


def objects(element: Xml) -> list[str]:
    """Names of data objects and properties, sorted; the ids that modelers make up for unnamed ones are no variables."""
    found = [one.get("name") or one.get("id") or "" for one in children(element, "property") if one.get("name") != PLACEHOLDER]
    for one in children(element, "dataObject"):
        name = one.get("name") or one.get("id") or ""
        if not (one.get("name") is None and name.startswith(MADE_BY_MODELERS)):
            found.append(name)
    return sorted({name for name in found if name})


def parameters_of(element: Xml) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the data inputs and outputs of a process."""
    ios = children(element, "ioSpecification")
    names = ([one.get("name") or one.get("id") or "" for io in ios for one in children(io, tag)] for tag in ("dataInput", "dataOutput"))
    given, returned = (tuple(filter(None, found)) for found in names)
    return given, returned


def associate(reader: Reader, made: Node, element: Xml) -> None:
    """Data associations copy between variables of the scope and names of the activity or event; what they compute are expressions.

    A copy to the same name is none, unless it decides what a message or event carries. An arrow that connects nothing inside the activity (as modelers
    draw it) means the variable of the same name.
    """
    given, taken = _Associations(reader, element, "dataInputAssociation"), _Associations(reader, element, "dataOutputAssociation")
    carries = made.type.endswith("Event") or made.type in ("sendTask", "receiveTask")
    made.own_outputs = tuple(taken.own)
    made.copied_in, made.copied_out = (tuple(pair for pair in one.copies if carries or pair[0] != pair[1]) for one in (given, taken))
    made.associated_in, made.data_outputs = tuple(given.computed), tuple(taken.names)
    made.stores_in, made.stores_out, made.store_outputs = tuple(given.stores), tuple(taken.stores), tuple(taken.stored)
    made.inputs, made.outputs = (*made.inputs, *given.computed), (*made.outputs, *taken.computed)


class _Associations:
    """The data associations of one direction: what is copied, what is computed, the names of the sources; what is read from or copied and computed
    to data stores.
    """

    def __init__(self, reader: Reader, element: Xml, tag: str) -> None:
        self.reader = reader
        self.inward = tag == "dataInputAssociation"
        self.copies: list[tuple[str, str]] = []
        self.computed: list[Parameter] = []
        self.names: dict[str, None] = {}
        self.own: dict[str, None] = {}
        self.stores: list[tuple[str, str]] = []
        self.stored: list[Parameter] = []
        for one in sorted(children(element, tag), key=_place):
            self._read(one)

    def _read(self, element: Xml) -> None:
        sources = [key for one in children(element, "sourceRef") if (key := reference(text(one)))]
        target = self._end(reference(text(child(element, "targetRef"))) or "")
        store = None if self.inward else store_of(self.reader, target)
        for key in (*sources, target):
            self._hidden(element, key)
        self.names |= dict.fromkeys(variable(self.reader, one) for one in sources)
        self.own |= dict.fromkeys(variable(self.reader, one) for one in sources if self._is_own(element, one))
        assignments = [(child(a, "from"), text(child(a, "to"))) for a in children(element, "assignment")]
        transformed = child(element, "transformation")
        if assignments and store is not None:
            self._say(element, "an assignment into a data store is not supported", "write a transformation that makes the new value of the store")
            return
        if text(transformed) and target:
            (self.computed if store is None else self.stored).append(Parameter(store or variable(self.reader, target), _computed(transformed)))
        self.computed += [one for said, to in assignments if (one := self._assigned(element, said, to)) is not None]
        if not assignments and not (text(transformed) and target):
            self._copy(element, sources, target, store)
            return
        if self.inward:
            self.stores += [(found, variable(self.reader, one)) for one in sources if (found := store_of(self.reader, one)) is not None]

    def _hidden(self, association: Xml, key: str) -> None:
        """Between an association and the data object that it means there must be no other of that name: names are all that is left when it runs."""
        one = self.reader.by_id.get(key)
        meant = self.reader.by_id.get(reference(one.get("dataObjectRef")) or key) if one is not None else None
        if meant is None or local(meant) not in ("dataObject", "property"):
            return
        name = variable(self.reader, key)
        for holder in association.getparent().iterancestors():
            if holder is meant.getparent():
                return
            if name in objects(holder):
                self._say(association, f"{key!r} is hidden by the {name!r} of {holder.get('id')!r}", "give one of the two another name")
                return

    def _end(self, key: str) -> str:
        """Nothing, where a modeler wrote a place that the diagram does not show."""
        one = self.reader.by_id.get(key)
        return "" if one is not None and one.get("name") == PLACEHOLDER else key

    def _is_own(self, association: Xml, key: str) -> bool:
        """Is it a data output of the very activity, or does a plain copy say that it is?"""
        one = self.reader.by_id.get(key)
        declared = one is not None and local(one) == "dataOutput" and association.getparent() in one.iterancestors()
        return declared or (child(association, "transformation") is None and child(association, "assignment") is None)

    def _assigned(self, element: Xml, said: Xml | None, to: str) -> Parameter | None:
        """What an assignment computes, and where it writes it: a variable, by its name or the id of its data element, or a part of one."""
        if said is None or not text(said) or not to:
            self._say(element, "an assignment needs both from and to", "say what is assigned, and to which variable")
            return None
        key = reference(to) or ""
        known = self.reader.by_id.get(key)
        place = (variable(self.reader, key), ()) if known is not None and local(known) in DATA else place_of(source(to))
        if place is None:
            self._say(element, f"the assignment writes to {to!r}, which is no variable", 'name a variable, or a part of one such as order["total"]')
            return None
        return Parameter(place[0], _computed(said), place[1])

    def _copy(self, element: Xml, sources: list[str], target: str, store: str | None) -> None:
        if len(sources) > 1 or not (sources if self.inward else target):
            said = f"a data association with {len(sources)} sources copies nothing" if target else "a data association without target copies nothing"
            self._say(element, said, "name one source and the target, or write a transformation that makes one value of several sources")
            return
        near, far = variable(self.reader, sources[0] if sources else target), variable(self.reader, target or sources[0])
        read = store_of(self.reader, sources[0]) if self.inward else None
        if read is not None:
            self.stores.append((read, far))
        elif store is not None:
            self.stores.append((near, store))
        elif sources:
            self.copies.append((near, far))

    def _say(self, element: Xml, message: str, advice: str) -> None:
        self.reader.problem(element, "bpmn.data", message, advice)


def _place(association: Xml) -> tuple[str, ...]:
    """An order that does not depend on that of the document: by what is written, then by what is read."""
    return (text(child(association, "targetRef")), *(text(one) for one in children(association, "sourceRef")), association.get("id") or "")


def store_of(reader: Reader, key: str) -> str | None:
    """The name of the data store that a reference stands for (section 10.4.1); None when it is another data element.

    Without a `dataStoreRef`, as modelers write them, the reference's own name is that of the store.
    """
    one = reader.by_id.get(key)
    if one is None or local(one) not in ("dataStoreReference", "dataStore"):
        return None
    known = reader.by_id.get(reference(one.get("dataStoreRef")) or "")
    named = known if known is not None and local(known) == "dataStore" else one
    return str(named.get("name") or named.get("id"))


def _computed(element: Xml) -> Template:
    return expression_in(element, text(element), own_language(element))


def variable(reader: Reader, key: str) -> str:
    """The variable that a data element stands for: of a reference that of its object or store, else its name or id."""
    one = reader.by_id.get(key)
    if one is None:
        return key
    store = store_of(reader, key)
    if store is not None:
        return store if store.isidentifier() else key
    target = reference(one.get("dataObjectRef"))
    if target:
        known = reader.by_id.get(target)
        return str((known.get("name") if known is not None else None) or one.get("name") or target)
    return str(one.get("name") or key)
