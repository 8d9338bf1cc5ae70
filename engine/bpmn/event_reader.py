"""Event definitions of one file (BPMN 2.0.2 section 10.5.5), inside events or by reference, with the messages, signals, errors they name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.bpmn import extensions, languages
from engine.bpmn.correlation_reader import CorrelationReader
from engine.bpmn.diagram import Definition, Node
from engine.bpmn.order import of_definitions
from engine.bpmn.templates import Template
from engine.bpmn.xml_source import BPMN, SPIFF, Xml, child, children, flag, local, qualified, reference, text

if TYPE_CHECKING:
    from engine.bpmn.reader import Reader

KINDS = {
    "messageEventDefinition": "message",
    "signalEventDefinition": "signal",
    "timerEventDefinition": "timer",
    "errorEventDefinition": "error",
    "escalationEventDefinition": "escalation",
    "conditionalEventDefinition": "conditional",
    "cancelEventDefinition": "cancel",
    "terminateEventDefinition": "terminate",
    "compensateEventDefinition": "compensate",
    "linkEventDefinition": "link",
}
REFERENCES = {"message": "messageRef", "signal": "signalRef", "error": "errorRef", "escalation": "escalationRef"}
FORMS = {"timeDate": "date", "timeDuration": "duration", "timeCycle": "cycle"}


class EventReader:
    def __init__(self, reader: Reader, root: Xml, imported: Sequence[Xml]) -> None:
        self.reader = reader
        self.root = root
        self.roots = _by_id(root)
        self.imported = [(other.get("targetNamespace"), _by_id(other)) for other in imported]
        self.correlations = CorrelationReader(reader, root)

    def by_id(self, key: str) -> Definition | None:
        """Any event definition of the file."""
        found = self.reader.by_id.get(key)
        return self.definition(found, found.getparent()) if found is not None and local(found) in KINDS else None

    def definitions(self, element: Xml, node: Node | None) -> list[Definition]:
        """In the order of `engine.bpmn.order`."""
        found = []
        for one in element:
            if local(one) in KINDS:
                found.append(self.definition(one, element))
            elif local(one) == "eventDefinitionRef":
                definition = self.by_id(reference(text(one)) or "")
                if definition is None:
                    self.reader.problem(one, "bpmn.reference", f"there is no event definition {text(one)!r}")
                else:
                    found.append(definition)
            elif local(one).endswith("EventDefinition"):
                self.reader.problem(one, "bpmn.unsupported", f"{local(one)} is not supported")
        return of_definitions(found)

    def handled(self, element: Xml) -> tuple[Template | None, str | None]:
        """The handler that sends the message of a throwing event, named by the event (Zeebe) or by its definition (Camunda 7), and its result variable."""
        messages = children(element, "messageEventDefinition")
        found = next((topic for one in (element, *messages) if (topic := extensions.topic(one)) is not None), None) if messages else None
        return found, next(filter(None, map(extensions.result_variable, (element, *messages))), None) if found is not None else None

    def message_of(self, element: Xml) -> list[Definition]:
        """The message of a send or receive task: its attribute, or an event definition inside."""
        if not self._reference(element, "messageRef")[1]:
            return [d for d in self.definitions(element, None) if d.kind == "message"]
        made = Definition("message", line=element.sourceline)
        self._named(made, element)
        self._message(made, element, element)
        self._spiff(made, element, element)
        return [made]

    def definition(self, element: Xml, event: Xml) -> Definition:
        kind = KINDS[local(element)]
        made = Definition(kind, element.get("id") or "", line=element.sourceline)
        if kind in REFERENCES:
            self._named(made, element, event)
        if kind == "message":
            self._message(made, element, event)
        elif kind == "timer":
            self._timer(made, element)
        elif kind == "conditional":
            made.text = languages.formal(child(element, "condition"))
        elif kind == "compensate":
            made.activity = reference(element.get("activityRef"))
            made.waits = flag(element, "waitForCompletion", True)
        elif kind == "link":
            made.name = element.get("name") or event.get("name") or ""
            made.target = reference(text(child(element, "target")))
            made.sources = tuple(filter(None, (reference(text(one)) for one in children(element, "source"))))
        self._spiff(made, element, event)
        made.variable = made.variable or extensions.payload_variable(element)
        made.code_variable = extensions.attribute(element, "errorCodeVariable", "escalationCodeVariable")
        made.message_variable = extensions.attribute(element, "errorMessageVariable")
        if not made.content:
            made.content = extensions.handler_parameters(element) + extensions.inputs(element)
        if kind == "signal":
            passed = extensions.mapping(element, "in")
            made.content, made.everything = made.content + passed.parameters, passed.everything
        return made

    def _named(self, made: Definition, element: Xml, event: Xml | None = None) -> None:
        """Resolve the message, signal, error or escalation."""
        key = self._reference(element, REFERENCES[made.kind])[1]
        if not key:
            handled = any(one is not None and extensions.topic(one) is not None for one in (element, event))
            made.name = (event.get("name") or "") if event is not None and made.kind in ("message", "signal") and not handled else ""
            return
        found = self._root(element, REFERENCES[made.kind])
        if found is None or local(found) != made.kind:
            self.reader.problem(element, "bpmn.reference", f"there is no {made.kind} {key!r}", f"define the {made.kind} or choose another")
        elif made.kind in ("message", "signal"):
            made.name = languages.name_in(found, found.get("name") or key)
        else:
            made.code = (found.get("errorCode") or found.get("escalationCode") or "").strip() or None
            made.name = key

    def _root(self, element: Xml, attribute: str) -> Xml | None:
        """The message, signal, error or escalation that a reference means, in this file or in one that it imports."""
        namespace, key = self._reference(element, attribute)
        if key in self.roots and namespace in (None, BPMN, self.root.get("targetNamespace")):
            return self.roots[key]
        named = (roots[key] for target, roots in self.imported if key in roots and namespace in (None, target))
        return next(named, self.roots.get(key))

    def _reference(self, element: Xml, attribute: str) -> tuple[str | None, str]:
        """Namespace and id of what an attribute names; of a message also the one that its operation takes (section 8.4.3)."""
        said = element.get(attribute)
        if said or attribute != "messageRef":
            return qualified(element, said)
        named = reference(element.get("operationRef") or text(child(element, "operationRef")))
        operation = self.reader.by_id.get(named or "")
        message = child(operation, "inMessageRef") if operation is not None and local(operation) == "operation" else None
        return qualified(element, None) if message is None else qualified(message, text(message))

    def _message(self, made: Definition, element: Xml, event: Xml) -> None:
        message = self._root(element, "messageRef")
        made.correlation = extensions.correlation(element, event, message)
        made.keys = self.correlations.of(message, element) if made.correlation is None else ()
        made.variable = extensions.payload_variable(element, event if local(event) != "sendTask" else None, message)
        made.content = extensions.handler_parameters(element) + (extensions.inputs(element) if element is not event else ())

    def _spiff(self, made: Definition, element: Xml, event: Xml) -> None:
        """SpiffWorkflow's payloads: one expression for what is thrown, one variable for what is caught; at the event or at what it names."""
        if made.kind not in REFERENCES:
            return
        root = self._root(element, REFERENCES[made.kind])
        expression_tag, variable_tag = ("messagePayload", "messageVariable") if made.kind == "message" else ("payloadExpression", "variableName")
        for holder in (element, event, root):
            if holder is not None:
                said = extensions.element_text(holder, expression_tag, SPIFF)
                made.payload = made.payload or (languages.expression_in(holder, said) if said else None)
                variable = extensions.element_text(holder, variable_tag, SPIFF)
                if variable and made.variable in (None, variable):
                    made.variable, made.unwraps = variable, True

    def _timer(self, made: Definition, element: Xml) -> None:
        found = [(form, one) for tag, form in FORMS.items() for one in children(element, tag)]
        if len(found) != 1 or not text(found[0][1]):
            self.reader.problem(element, "bpmn.timer", "a timer needs exactly one of timeDate, timeDuration, timeCycle", "set its time")
            return
        made.form, made.text = found[0][0], languages.timer(found[0][1])


def _by_id(root: Xml) -> dict[str, Xml]:
    return {one.get("id"): one for one in root if one.get("id") and local(one)}
