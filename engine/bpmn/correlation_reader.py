"""Correlation of a file (BPMN 2.0.2 section 8.4.2): keys, their properties, and how a process binds them to its data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.bpmn import languages
from engine.bpmn.diagram import CorrelationKey
from engine.bpmn.xml_source import BPMN, SPIFF, Xml, child, children, local, reference, text

if TYPE_CHECKING:
    from engine.bpmn.reader import Reader

Bindings = dict[str, dict[str, str]]


class CorrelationReader:
    """`paths`: by message and property, the expression over the payload; `keys`: the properties of each correlation key."""

    def __init__(self, reader: Reader, root: Xml) -> None:
        self.reader = reader
        self.paths: dict[str, dict[str, str]] = {}
        self.keys: dict[str, tuple[str, ...]] = {}
        for one in root.iter(f"{{{BPMN}}}correlationProperty"):
            for retrieval in children(one, "correlationPropertyRetrievalExpression"):
                self._retrieval(one.get("id") or one.get("name") or "", retrieval)
        for one in root.iter(f"{{{BPMN}}}correlationKey"):
            refs = [reference(text(ref)) or "" for ref in children(one, "correlationPropertyRef")]
            for key in refs:
                self._known(one, key, "correlationProperty")
            if refs:
                self.keys[one.get("id") or one.get("name") or ""] = tuple(refs)

    def _retrieval(self, prop: str, element: Xml) -> None:
        message = reference(element.get("messageRef")) or ""
        said = languages.formal(child(element, "messagePath")) or languages.formal(child(element, "formalExpression"))
        self._known(element, message, "message")
        if not said:
            self.reader.problem(element, "bpmn.correlation", f"the property {prop!r} has no messagePath for message {message!r}", "give it one")
        else:
            self.paths.setdefault(message, {})[prop] = said

    def _known(self, element: Xml, key: str, kind: str) -> None:
        found = self.reader.by_id.get(key)
        if found is None or local(found) != kind:
            self.reader.problem(element, "bpmn.reference", f"there is no {kind} {key!r}", f"define the {kind} or choose another")

    def of(self, message: Xml | None, event: Xml) -> tuple[CorrelationKey, ...]:
        """Keys that a message can carry: all their properties can be read from it. Properties of no key make one key together."""
        paths = self.paths.get((message.get("id") or "") if message is not None else "", {})
        listed = {prop for props in self.keys.values() for prop in props}
        rest = tuple(prop for prop in paths if prop not in listed)
        wanted = [*self.keys.items(), *([(f"${','.join(rest)}", rest)] if rest else [])]  # no id in XML begins so
        bound = _of_variables(event)
        return tuple(
            CorrelationKey(key, props, tuple(paths[prop] for prop in props), tuple(bound.get(prop, "") for prop in props))
            for key, props in wanted
            if all(prop in paths for prop in props)
        )

    def bindings(self, process: Xml) -> Bindings:
        """What the correlation subscriptions of a process say: by key and property, the expression over the instance's data."""
        found: Bindings = {}
        for one in children(process, "correlationSubscription"):
            key = reference(one.get("correlationKeyRef")) or ""
            self._known(one, key, "correlationKey")
            bound = {
                reference(binding.get("correlationPropertyRef")) or "": languages.formal(child(binding, "dataPath"))
                for binding in children(one, "correlationPropertyBinding")
            }
            missing = [prop for prop in self.keys.get(key, ()) if not bound.get(prop)]
            if missing:
                message = f"the correlation subscription binds no dataPath to {', '.join(missing)}"
                self.reader.problem(one, "bpmn.correlation", message, "bind every property of the key")
            for prop in bound:
                if prop not in self.keys.get(key, (prop,)):
                    self.reader.problem(one, "bpmn.reference", f"the key {key!r} has no property {prop!r}", "choose a property of the key")
            found[key] = bound
        return found


def _of_variables(event: Xml) -> dict[str, str]:
    """SpiffWorkflow's processVariableCorrelation: by property, the expression over the process' variables."""
    found = {}
    for one in event.iter(f"{{{SPIFF}}}processVariableCorrelation"):
        prop, said = one.find(f"{{{SPIFF}}}propertyId"), one.find(f"{{{SPIFF}}}expression")
        if text(prop) and text(said):
            found[text(prop)] = languages.whole(said, text(said))
    return found
