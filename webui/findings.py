"""Findings about deployed files in the reader's language: a sentence and an advice for each rule, before the engine's exact English words."""

from __future__ import annotations

import dataclasses
from typing import Any

from engine.errors import Problem
from engine.model.soundness import Soundness
from webui.i18n import gettext, language


def _(text: str) -> str:
    """Marks a text for the catalogue; `told` translates it."""
    return text


#: rule -> (what is wrong, what to do); a rule without words of its own takes those of its family (`form-type` -> `form`).
FINDINGS = {
    "bpmn.boundary": (_("The boundary event does not fit its activity"), _("Attach it to an activity and choose a kind that may stand there.")),
    "bpmn.call": (_("The called process cannot be found"), _("Deploy the called process first, or correct its id.")),
    "bpmn.cancel": (_("Cancel events belong to transactions"), _("Put it into a transaction, or use an error event.")),
    "bpmn.compensation": (_("The compensation is not complete"), _("Connect the compensation event with its activity.")),
    "bpmn.condition": (_("A condition is missing or not valid"), _("Write a condition, or make the flow the default one.")),
    "bpmn.default-flow": (_("The default flow is not valid"), _("Choose one of the outgoing flows as the default.")),
    "bpmn.duplicate-id": (_("An id is used twice"), _("Give each element an id of its own.")),
    "bpmn.end": (_("The end event is not valid"), _("End events have no outgoing flow.")),
    "bpmn.event": (_("The event definition is not complete"), _("Complete the event in the properties panel.")),
    "bpmn.event-gateway": (_("The event-based gateway is not valid"), _("Only catching events and receive tasks may follow it.")),
    "bpmn.event-subprocess": (_("The event subprocess is not valid"), _("It needs exactly one start event with a trigger and no flow of its own.")),
    "bpmn.flow": (_("A sequence flow leads nowhere"), _("Connect both ends within the same process or subprocess.")),
    "bpmn.handler": (_("The service task has no known type"), _("Choose a service task that a pack provides.")),
    "bpmn.link": (_("The link event has no counterpart"), _("Use one catching link of the same name in the same scope.")),
    "bpmn.loop": (_("The loop is not valid"), _("Give it a condition or a maximum.")),
    "bpmn.message": (_("The message is not complete"), _("Choose or define a message.")),
    "bpmn.missing-id": (_("An element has no id"), _("Give it an id.")),
    "bpmn.multi-instance": (_("The multi-instance activity is not valid"), _("Give it a collection or a number, not both.")),
    "bpmn.nesting": (_("Subprocesses are nested too deeply"), _("Move parts into processes of their own.")),
    "bpmn.no-process": (_("There is no executable process"), _("Mark the process as executable.")),
    "bpmn.quantity": (_("A quantity is not valid"), _("Use whole numbers of at least 1.")),
    "bpmn.reference": (_("Something that the element refers to does not exist"), _("Define it, or choose another.")),
    "bpmn.root": (_("This is not a BPMN 2.0 file"), _("Export BPMN 2.0 XML from the modeler that drew it.")),
    "bpmn.start": (_("The start event is missing or not valid"), _("A process needs a start event; a subprocess a plain one.")),
    "bpmn.timer": (_("The timer is not valid"), _("Set one time: a date, a duration such as PT2H, or a cycle.")),
    "bpmn.unreachable": (_("No flow leads to this element"), _("Connect it, or remove it.")),
    "bpmn.unsupported": (_("This element is not supported"), _("Replace it by a supported one.")),
    "dmn.aggregation": (_("The aggregation does not fit"), _("Choose a hit policy that allows it.")),
    "dmn.cycle": (_("The decision requires itself"), _("Remove the requirement that closes the circle.")),
    "dmn.duplicate-id": (_("A decision id is used twice"), _("Give each decision an id of its own.")),
    "dmn.external": (_("External functions are not available"), _("Write it in FEEL, or use a service task.")),
    "dmn.feel": (_("The FEEL expression is not valid"), _("Correct the expression in the named cell.")),
    "dmn.hit-policy": (_("The hit policy is unknown"), _("Use a hit policy of DMN.")),
    "dmn.id": (_("An element has no id, or one that is used twice"), _("Give it an id of its own.")),
    "dmn.import": (_("Imports are not available"), _("Put what the decision needs into one file.")),
    "dmn.input": (_("An input has no expression"), _("Name the variable to test.")),
    "dmn.language": (_("The expression language is not available"), _("Write the expression in FEEL.")),
    "dmn.logic": (_("The decision has no logic"), _("Draw a decision table or write an expression.")),
    "dmn.output": (_("A decision table needs an output"), _("Add an output column.")),
    "dmn.priority": (_("The hit policy needs ordered output values"), _("List the output values in their order.")),
    "dmn.reference": (_("Something that the decision refers to does not exist"), _("Define it in the same file.")),
    "dmn.root": (_("This is not a DMN file"), _("Export DMN 1.1 to 1.5 XML.")),
    "dmn.rule": (_("A rule does not fit its table"), _("Give it as many cells as the table has columns.")),
    "dmn.type": (_("A type is unknown"), _("Declare it, or use a type of FEEL.")),
    "form-missing": (_("The form is not part of the deployment"), _("Add the form file, or correct the form key.")),
    "soundness.deadlock": (
        _("Tokens wait here for ever (deadlock)"),
        _("Join with the kind of gateway that split; an inclusive join waits only for what can come."),
    ),
    "soundness.lack-of-synchronisation": (
        _("Parallel branches meet here without a join"),
        _("Join the branches before this element by a parallel or inclusive gateway."),
    ),
    "soundness.dead": (_("No token can ever come here"), _("Connect it with a branch that can be taken, or remove it.")),
    "soundness.livelock": (_("From here on the instance can never end"), _("Give the loop a way out that leads to an end event.")),
    "xml.depth": (_("The XML is nested too deeply"), _("Remove what is not needed.")),
    "xml.doctype": (_("The file holds a DOCTYPE, which is refused"), _("Remove the DOCTYPE.")),
    "xml.elements": (_("The file holds too many elements"), _("Divide the process.")),
    "xml.size": (_("The file is too large"), _("Make it smaller.")),
    "xml.syntax": (_("The file is not well-formed XML"), _("Export it again from the modeler that drew it.")),
    "expression": (_("An expression is not valid"), _("Correct the expression.")),
    "form": (_("The form definition is not valid"), _("Use the documented subset of JSON Schema.")),
}


def told(problem: Problem) -> dict[str, Any]:
    """The problem as plain JSON; in Chinese its message begins with the rule's sentence and keeps the exact words in brackets."""
    data = dataclasses.asdict(problem)
    family = problem.rule.replace("-", ".", 1).partition(".")[0]
    words = FINDINGS.get(problem.rule) or FINDINGS.get(family)
    if words is None:
        return data
    if language() == "zh":
        data["message"] = f"{gettext(words[0])}（{problem.message}）"
        data["advice"] = gettext(words[1])
    elif not problem.advice:
        data["advice"] = gettext(words[1])
    return data


def explored(one: Soundness) -> dict[str, Any]:
    """The check of one process as plain JSON; each finding is a problem with its trace."""
    findings = [told(f.problem) | {"trace": list(f.trace), "flows": list(f.flows), "tokens": list(f.tokens)} for f in one.findings]
    return {"process_id": one.process_id, "file": one.file, "states": one.states, "complete": one.complete, "findings": findings}
