"""Loop characteristics of an activity (BPMN 2.0.2 sections 10.3.9, 13.3.6, 13.3.7), also in the notation of Camunda and Zeebe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.bpmn import extensions, languages
from engine.bpmn.data_reader import store_of
from engine.bpmn.diagram import Definition, Loop
from engine.bpmn.xml_source import ZEEBE, Xml, child, children, flag, local, reference, text, whole

if TYPE_CHECKING:
    from engine.bpmn.reader import Reader


def read_loop(reader: Reader, element: Xml) -> Loop | None:
    standard, multi = child(element, "standardLoopCharacteristics"), child(element, "multiInstanceLoopCharacteristics")
    if standard is not None and multi is not None:
        reader.problem(element, "bpmn.loop", "an activity is either a loop or multi-instance, not both", "remove one of the two")
    if standard is not None:
        return _standard(reader, standard)
    return _multi_instance(reader, element, multi) if multi is not None else None


def _standard(reader: Reader, element: Xml) -> Loop:
    condition = child(element, "loopCondition")
    said = text(condition)
    maximum = element.get("loopMaximum")
    loop = Loop("standard", languages.formal(condition) or None, said, None, flag(element, "testBefore", False))
    if maximum is not None:
        loop.maximum = whole(maximum)
        if loop.maximum is None:
            reader.problem(element, "bpmn.loop", f"loopMaximum must be a whole number of at least 0, not {maximum[:40]!r}")
    elif not said:
        reader.problem(element, "bpmn.loop", "the loop has neither a loopCondition nor a loopMaximum", "it would never end: give it one of them")
    return loop


def _multi_instance(reader: Reader, activity: Xml, element: Xml) -> Loop:
    condition = child(element, "completionCondition")
    loop = Loop("sequential" if flag(element, "isSequential", False) else "parallel", languages.formal(condition) or None, text(condition))
    loop.first_number = 1 if extensions.elements(element, "loopCharacteristics", ZEEBE) else 0
    loop.async_before, loop.async_after = extensions.asynchronous(element)
    _input(reader, activity, element, loop)
    _output(reader, activity, element, loop)
    loop.behaviour = (element.get("behavior") or "All").strip().capitalize()
    loop.one_event = _event(reader, element.get("oneBehaviorEventRef"))
    loop.none_event = _event(reader, element.get("noneBehaviorEventRef"))
    loop.complex_events = tuple(_complex(reader, element))
    return loop


def _input(reader: Reader, activity: Xml, element: Xml, loop: Loop) -> None:
    cardinality, collection = text(child(element, "loopCardinality")), text(child(element, "loopDataInputRef"))
    vendor = extensions.attribute(element, "collection") or extensions.element_attribute(element, "loopCharacteristics", "inputCollection", ZEEBE)
    if cardinality:
        loop.cardinality = languages.formal(child(element, "loopCardinality"))
    elif collection:
        loop.collection = _names(reader, activity, reference(collection) or "", "dataInputAssociation", "sourceRef", "targetRef")
    elif vendor and vendor.isidentifier():
        loop.collection = (vendor,)
    elif vendor:
        loop.collection_expression = languages.whole(element, vendor)
    else:
        reader.problem(
            element, "bpmn.multi-instance", "the multi-instance activity has neither a loopCardinality nor a collection", "give it one of them"
        )
    if cardinality and (collection or vendor):
        reader.problem(element, "bpmn.multi-instance", "the multi-instance activity has both a loopCardinality and a collection", "keep one of them")
    item = child(element, "inputDataItem")
    named = (item.get("name") or item.get("id")) if item is not None else None
    named = named or extensions.attribute(element, "elementVariable")
    loop.item = named or extensions.element_attribute(element, "loopCharacteristics", "inputElement", ZEEBE)


def _output(reader: Reader, activity: Xml, element: Xml, loop: Loop) -> None:
    ref = reference(text(child(element, "loopDataOutputRef")))
    if ref:
        loop.output = _names(reader, activity, ref, "dataOutputAssociation", "targetRef", "sourceRef")[-1]
    else:
        loop.output = extensions.attribute(element, "outputCollection") or extensions.element_attribute(
            element, "loopCharacteristics", "outputCollection", ZEEBE
        )
    item = child(element, "outputDataItem")
    loop.output_item = (item.get("name") or item.get("id")) if item is not None else None
    said = extensions.element_attribute(element, "loopCharacteristics", "outputElement", ZEEBE)
    if said:
        bare = languages.whole(element, said)
        loop.output_item, loop.output_expression = (bare, None) if bare.isidentifier() else (None, bare)


def _names(reader: Reader, activity: Xml, ref: str, association: str, far: str, near: str) -> tuple[str, ...]:
    """Names under which the collection may be known: the reference itself, its name, and what an association connects it with."""
    found = [ref]
    if any(store_of(reader, key) for key in (ref, *_opposite(activity, ref, association, far, near))):
        message = "the collection of a multi-instance activity cannot be a data store"
        reader.problem(activity, "bpmn.data", message, "copy the store into a variable before it, or the variable into the store after it")
    found += _opposite(activity, ref, association, far, near)
    for key in list(found):
        one = reader.by_id.get(key)
        if one is not None and local(one) in ("dataInput", "dataOutput", "dataObject", "property", "dataObjectReference"):
            target = reference(one.get("dataObjectRef"))
            known = reader.by_id.get(target or "")
            found += [name for name in (one.get("name"), target, known.get("name") if known is not None else None) if name]
    return tuple(dict.fromkeys(found))


def _opposite(activity: Xml, ref: str, association: str, far: str, near: str) -> list[str]:
    """What the associations of the activity connect it with."""
    found = [one for one in children(activity, association) if ref in [reference(text(end)) for end in children(one, near)]]
    return [reference(text(end)) or "" for one in found for end in children(one, far)]


def _event(reader: Reader, ref: str | None) -> Definition | None:
    key = reference(ref)
    return reader.events.by_id(key) if key else None


def _complex(reader: Reader, element: Xml) -> list[tuple[str, Definition]]:
    found = []
    for one in children(element, "complexBehaviorDefinition"):
        event = child(one, "event")
        definitions = reader.events.definitions(event, None) if event is not None else []
        condition = languages.formal(child(one, "condition"))
        if definitions and condition:
            found.append((condition, definitions[0]))
    return sorted(found, key=lambda pair: (pair[0], pair[1].id, pair[1].name))
