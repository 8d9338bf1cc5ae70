"""Attributes and elements that BPMN leaves to vendors: our own namespace, Camunda 7 and its family, Zeebe, SpiffWorkflow.

Everything that would change what is executed and that we do not do is reported, never dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.bpmn import resource_roles
from engine.bpmn.diagram import Assignment, Mapping, Parameter
from engine.bpmn.languages import expression_in, template_in
from engine.bpmn.templates import Template, code, expression
from engine.bpmn.xml_source import CAMUNDA_LIKE, OURS, SPIFF, ZEEBE, Xml, child, text

JAVA = ("class", "delegateExpression", "expression")


def attribute(element: Xml, *names: str) -> str | None:
    """The first of the attributes in our own namespace or one of the Camunda family."""
    for name in names:
        for namespace in (OURS, *CAMUNDA_LIKE, SPIFF, ZEEBE):
            value = element.get(f"{{{namespace}}}{name}")
            if value is not None and value.strip():
                return str(value).strip()
    return None


def elements(element: Xml, name: str, *namespaces: str) -> list[Xml]:
    """Extension elements of that local name, also one level down (`ioMapping/input`), in the given namespaces (default: all)."""
    holder = child(element, "extensionElements")
    if holder is None:
        return []
    spaces = namespaces or (OURS, *CAMUNDA_LIKE, ZEEBE, SPIFF)
    return [one for one in holder.iter() if any(one.tag == f"{{{space}}}{name}" for space in spaces)]


def element_text(element: Xml, name: str, *namespaces: str) -> str | None:
    found = elements(element, name, *namespaces)
    return text(found[0]) or None if found else None


def element_attribute(element: Xml, name: str, key: str, *namespaces: str) -> str | None:
    for one in elements(element, name, *namespaces):
        value = one.get(key)
        if value and value.strip():
            return str(value).strip()
    return None


def unsupported(element: Xml) -> Iterator[tuple[Xml, str]]:
    """(element, what) for executable extensions that would be lost."""
    holder = child(element, "extensionElements")
    for one in holder.iterchildren() if holder is not None else ():
        name = one.tag.rsplit("}", 1)[-1]
        if one.tag.startswith(tuple(f"{{{space}}}" for space in (*CAMUNDA_LIKE, ZEEBE))) and name in (
            "executionListener",
            "taskListener",
            "connector",
            "executionListeners",
            "taskListeners",
        ):
            yield one, f"the extension {name} would not be executed"
    for key in JAVA:
        for space in CAMUNDA_LIKE:
            if element.get(f"{{{space}}}{key}"):
                yield element, f"an implementation by {key} cannot be run"


def asynchronous(element: Xml) -> tuple[bool, bool]:
    """Does a transaction begin before, and after, the element (or iteration)?"""
    before, after = attribute(element, "asyncBefore", "async"), attribute(element, "asyncAfter")
    return (before or "").lower() == "true", (after or "").lower() == "true"


def active_elements(element: Xml) -> str | None:
    """The activities of an ad-hoc subprocess that start with it, as an expression."""
    return attribute(element, "activeElements") or element_attribute(element, "adHoc", "activeElementsCollection", ZEEBE)


# --- people ---------------------------------------------------------------------------------------------------------
def assignment(element: Xml) -> Assignment:
    """Who, with what form, until when."""

    def zeebe(key: str) -> str | None:
        return element_attribute(element, "taskSchedule" if key.endswith("Date") else "assignmentDefinition", key, ZEEBE)

    owners, performers = resource_roles.read(element)
    groups = attribute(element, "candidateGroups") or zeebe("candidateGroups")
    users = attribute(element, "candidateUsers") or zeebe("candidateUsers")
    return Assignment(
        assignee=template_in(element, attribute(element, "assignee") or zeebe("assignee")) or performers,
        groups=_several(element, groups) + owners.groups,
        users=_several(element, users) + owners.users,
        excludes=_several(element, attribute(element, "excludes")),
        form_key=template_in(element, _form_key(element)),
        due=template_in(element, attribute(element, "dueDate", "due") or zeebe("dueDate")),
        follow_up=template_in(element, attribute(element, "followUpDate", "followUp") or zeebe("followUpDate")),
        priority=template_in(element, attribute(element, "priority") or element_attribute(element, "priorityDefinition", "priority", ZEEBE)),
    )


def _form_key(element: Xml) -> str | None:
    form = attribute(element, "formKey", "formRef", "formId")
    form = form or element_attribute(element, "formDefinition", "formKey", ZEEBE) or element_attribute(element, "formDefinition", "formId", ZEEBE)
    return form or _property(element, "formJsonSchemaFilename")


def _property(element: Xml, name: str) -> str | None:
    return next((one.get("value") for one in elements(element, "property", SPIFF) if one.get("name") == name), None)


def _several(element: Xml, said: str | None) -> tuple[Template, ...]:
    """Comma-separated texts; one that is an expression as a whole may give a list."""
    if said is None:
        return ()
    whole = template_in(element, said)
    if whole is not None and len(whole.parts) == 1:
        return (whole,)
    return tuple(found for part in said.split(",") if (found := template_in(element, part)) is not None)


# --- work of handlers -------------------------------------------------------------------------------------------------
def topic(element: Xml) -> Template | None:
    """The service task's type: the name under which a handler is registered."""
    said = attribute(element, "handler", "topic") or element_attribute(element, "taskDefinition", "type", ZEEBE)
    said = said or element_attribute(element, "serviceTaskOperator", "id", SPIFF)
    return template_in(element, said)


def handler_parameters(element: Xml) -> tuple[Parameter, ...]:
    """`flowledger:parameter name value` and SpiffWorkflow's typed parameters, whose values are expressions."""
    ours = [Parameter(one.get("name") or "", _value(one, one.get("value") or text(one))) for one in elements(element, "parameter", OURS)]
    theirs = [
        Parameter(one.get("id") or one.get("name") or "", expression(one.get("value") or "None"))
        for one in elements(element, "parameter", SPIFF)
        if one.get("id") or one.get("name")
    ]
    return tuple(p for p in ours + theirs if p.name)


def inputs(element: Xml) -> tuple[Parameter, ...]:
    return tuple(p for p in (*_in_camunda(element, "inputParameter"), *_in_zeebe(element, "input")) if p.name)


def outputs(element: Xml) -> tuple[Parameter, ...]:
    zeebe = [] if calls_as_zeebe(element) else _in_zeebe(element, "output")
    return tuple(p for p in (*_in_camunda(element, "outputParameter"), *zeebe) if p.name)


def _in_camunda(element: Xml, tag: str) -> list[Parameter]:
    found = elements(element, tag, OURS, *CAMUNDA_LIKE)
    return [Parameter(one.get("name") or "", _value(one, text(one)), chained=True, outward=tag == "outputParameter") for one in found]


def _in_zeebe(element: Xml, tag: str) -> list[Parameter]:
    """Their targets may be parts of variables: `order.total`."""
    found = []
    for one in elements(element, tag, ZEEBE):
        name, *path = (part.strip() for part in (one.get("target") or "").split("."))
        found.append(Parameter(name, _value(one, one.get("source") or ""), tuple(path), chained=True, outward=tag == "output"))
    return found


def complex_parameters(element: Xml) -> list[Xml]:
    """Input and output parameters with scripts, lists or maps inside."""
    both = elements(element, "inputParameter", *CAMUNDA_LIKE) + elements(element, "outputParameter", *CAMUNDA_LIKE)
    return [one for one in both if len(one)]


def result_variable(element: Xml) -> str | None:
    return (
        attribute(element, "resultVariable")
        or element_attribute(element, "serviceTaskOperator", "resultVariable", SPIFF)
        or element_attribute(element, "calledDecision", "resultVariable", ZEEBE)
        or element_attribute(element, "script", "resultVariable", ZEEBE)
    )


def decision(element: Xml) -> Template | None:
    said = attribute(element, "decision", "decisionRef") or element_attribute(element, "calledDecision", "decisionId", ZEEBE)
    return template_in(element, said or element_text(element, "calledDecisionId", SPIFF))


def _value(element: Xml, said: str) -> Template:
    found = template_in(element, said)
    return found if found is not None else Template("", ((False, ""),))


# --- events and calls ---------------------------------------------------------------------------------------------------
def correlation(*holders: Xml | None) -> Template | None:
    for holder in holders:
        if holder is not None:
            said = attribute(holder, "correlationKey") or element_attribute(holder, "subscription", "correlationKey", ZEEBE)
            said = said or element_text(holder, "correlationKey", OURS)
            if said:
                return template_in(holder, said)
    return None


def payload_variable(*holders: Xml | None) -> str | None:
    for holder in holders:
        if holder is not None:
            said = attribute(holder, "variable", "resultVariable") or element_text(holder, "messageVariable", SPIFF)
            if said:
                return said
    return None


def mapping(element: Xml, direction: str) -> Mapping:
    """`direction` in or out: camunda:in/out, zeebe's propagation and io mapping, ours."""
    parameters: list[Parameter] = []
    everything = False
    found = elements(element, direction, OURS, *CAMUNDA_LIKE)
    for one in found:
        if one.get("variables") == "all":
            everything = True
        elif one.get("businessKey") is None:
            said = one.get("sourceExpression")
            value = expression_in(one, said) if said else expression(one.get("source") or "None")
            parameters.append(Parameter(one.get("target") or one.get("source") or "", value))
    stated = any(one.get("businessKey") is None for one in found)
    called = calls_as_zeebe(element)
    if called:
        propagates = called[0].get("propagateAllParentVariables" if direction == "in" else "propagateAllChildVariables")
        outward = [replace(one, outward=False) for one in _in_zeebe(element, "output")] if direction == "out" else []
        everything, stated = propagates != "false" and not outward, True
        parameters += outward
    return Mapping(everything, tuple(p for p in parameters if p.name), stated, own=bool(called))


def calls_as_zeebe(element: Xml) -> list[Xml]:
    """Zeebe's way to name the called process. Then input parameters pass into it, and output parameters are computed from its results."""
    return elements(element, "calledElement", ZEEBE)


def called_element(element: Xml) -> str | None:
    said = element.get("calledElement") or element_attribute(element, "calledElement", "processId", ZEEBE)
    if said and ":" in said and "{" not in said and not said.startswith("="):
        said = said.rsplit(":", 1)[-1]
    return said


def script(element: Xml, name: str) -> str | None:
    """SpiffWorkflow's preScript and postScript."""
    found = elements(element, name, SPIFF)
    return code("".join(found[0].itertext())) if found else None
