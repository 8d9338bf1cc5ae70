"""Findings about deployed files in the reader's language: a sentence and an advice for each rule, before the engine's exact English words.

The engine's rules bring their English words themselves (`RULES`); a test sees to it that the catalogue has their Chinese.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from engine.bootstrap import RULES
from engine.errors import Problem
from engine.model.soundness import Soundness
from webui.i18n import gettext, language


def _(text: str) -> str:
    """Marks a text for the catalogue; `told` translates it."""
    return text


#: Words for what is checked outside of the interpreter; a rule without words of its own takes those of its family (`form-type` -> `form`).
FINDINGS = {
    "file-name": (_("The name or kind of the file is not known"), _("Use .bpmn, .dmn or .form.json.")),
    "forms-unavailable": (_("Forms cannot be checked here"), _("Install the package whole.")),
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
    "form": (_("The form definition is not valid"), _("Use the documented subset of JSON Schema.")),
} | {one.id: (one.wrong, one.advice) for one in RULES.values()}


def told(problem: Problem) -> dict[str, Any]:
    """The problem as plain JSON; in Chinese its message begins with the rule's sentence and keeps the exact words in brackets."""
    data = dataclasses.asdict(problem)
    family = problem.rule.replace("-", ".", 1).partition(".")[0]
    words = FINDINGS.get(problem.rule) or FINDINGS.get(family)
    if words is None:
        return data
    if language() == "zh":
        data["message"] = f"{gettext(words[0])}（{problem.message}）"
        exact = gettext(problem.advice) if problem.advice else ""
        data["advice"] = exact if exact != problem.advice else gettext(words[1])
    elif not problem.advice:
        data["advice"] = gettext(words[1])
    return data


def explored(one: Soundness) -> dict[str, Any]:
    """The check of one process as plain JSON; each finding is a problem with its trace."""
    findings = [told(f.problem) | {"trace": list(f.trace), "flows": list(f.flows), "tokens": list(f.tokens)} for f in one.findings]
    return {"process_id": one.process_id, "file": one.file, "states": one.states, "complete": one.complete, "findings": findings}
