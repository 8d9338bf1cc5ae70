"""Records in plain words: one sentence for each kind of input, and the reasons why a path was taken.

It reads `Explanation` and `ActivityRow`; it never interprets events again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.model.definition import Element, ProcessInfo
from engine.model.values import Json
from engine.model.views import ActivityRow, Explanation
from webui import causes
from webui.i18n import gettext, ngettext


@dataclass(frozen=True, slots=True)
class Names:
    """Words for ids: people by user id, elements by BPMN id."""

    people: Mapping[str, str]
    elements: Mapping[str, Element] = field(default_factory=dict)

    def person(self, user_id: str | None) -> str:
        """`王芳`; the engine itself is named as such."""
        if user_id is None:
            return gettext("nobody")
        return gettext("Flowledger") if user_id == "system" else self.people.get(user_id, user_id)

    def element(self, element_id: str | None) -> str:
        """The label on the diagram, else the id."""
        if element_id is None:
            return gettext("the process")
        element = self.elements.get(element_id)
        return (element.name if element else "") or element_id


def names_of(info: ProcessInfo | None, people: Mapping[str, str] | Sequence[tuple[str, str]]) -> Names:
    """From what the engine's queries answer."""
    return Names(dict(people), info.elements if info else {})


def _(text: str) -> str:
    """Marks a text for the catalogue; `_plain` translates it."""
    return text


#: the same kinds when an operator did them by hand, with a reason
BY_HAND = {
    "CompleteUserTask": _("%(who)s completed “%(element)s” by hand, in the place of whose task it was: %(reason)s"),
    "CompleteJob": _("%(who)s completed “%(element)s” by hand: %(reason)s"),
    "TriggerTimer": _("%(who)s let the timer “%(element)s” fire: %(reason)s"),
    "ThrowJobError": _("%(who)s let “%(element)s” end with the business error %(code)s: %(reason)s"),
    "RetryElement": _("%(who)s had “%(element)s” tried again: %(reason)s"),
    "FailJob": _("%(who)s let “%(element)s” fail: %(reason)s"),
}
OTHER = _("%(who)s: %(kind)s")
#: kind of input -> sentence
PLAIN = {
    "StartInstance": _("%(who)s started the process."),
    "CompleteUserTask": _("%(who)s completed “%(element)s”."),
    "CorrelateMessage": _("The message “%(name)s” arrived at “%(element)s”."),
    "DeliverSignal": _("The signal “%(name)s” arrived."),
    "TriggerTimer": _("The time of “%(element)s” was up."),
    "CompleteJob": _("The system carried out “%(element)s”."),
    "ThrowJobError": _("“%(element)s” reported the business error %(code)s."),
    "FailJob": _("“%(element)s” failed: %(cause)s"),
    "CompleteElement": _("%(who)s gave the results of “%(element)s” by hand: %(reason)s"),
    "MoveToken": _("%(who)s moved the token from “%(element)s” to “%(target)s”: %(reason)s"),
    "SuspendInstance": _("%(who)s suspended the process instance: %(reason)s"),
    "ResumeInstance": _("%(who)s resumed the process instance: %(reason)s"),
    "RetryJob": _("%(who)s had “%(element)s” tried again."),
    "RetryElement": _("%(who)s had “%(element)s” tried again."),
    "SetVariables": _("%(who)s changed variables: %(reason)s"),
    "StartActivity": _("%(who)s started an activity of an ad-hoc subprocess"),
    "CancelInstance": _("%(who)s cancelled the process instance: %(reason)s"),
    "AddAttachment": _("%(who)s attached the file %(name)s."),
}


def sentence(record: Explanation, names: Names) -> str:
    """What happened, with who did it: `王芳完成了“质量检查”。`"""
    text = _plain(record.kind, names.person(record.actor), names.element(record.element_id), record.details, names)
    if record.on_behalf_of:
        text += gettext(" (on behalf of %(whom)s)", whom=names.person(record.on_behalf_of))
    return text


def activity_sentence(row: ActivityRow) -> str:
    """The same for a line of "what I did", without details."""
    element = row.element_name or row.element_id or row.process_name
    return _plain(row.kind, row.actor_name, element, {}, Names({}))


def _plain(kind: str, who: str, element: str, details: Mapping[str, Any], names: Names) -> str:
    if kind == "AssignUserTask":
        return _assigned(who, element, details, names)
    if kind == "AddComment":
        return gettext("%(who)s commented: %(text)s", who=who, text=details["text"]) if "text" in details else gettext("%(who)s commented.", who=who)
    if kind == "MigrateInstance":
        return _migrated(who, details)
    words = {
        "who": who,
        "element": element,
        "name": details.get("name", ""),
        "code": details.get("code") or "?",
        "cause": causes.plain(str(details.get("cause", ""))).what or details.get("cause", ""),
        "reason": details.get("reason") or details.get("cause") or "–",
        "target": names.element(str(details["target"])) if details.get("target") else "",
        "kind": kind,
    }
    by_hand = bool(details.get("reason")) or (kind == "FailJob" and who != names.person("system"))
    return gettext(BY_HAND.get(kind, PLAIN.get(kind, OTHER)) if by_hand else PLAIN.get(kind, OTHER), **words)


def _migrated(who: str, details: Mapping[str, Any]) -> str:
    """From one version to another; of another process, by their whole ids."""
    if not details:
        return gettext("%(who)s migrated the process instance to another version, or back.", who=who)
    versions = [str(details[key]).rpartition(":") for key in ("source", "definition")]
    old, new = ["".join(one) if versions[0][0] != versions[1][0] else one[2] for one in versions]
    if details.get("undoes"):
        return gettext(
            "%(who)s took the migration back, from version %(old)s to version %(new)s: %(reason)s",
            who=who,
            old=old,
            new=new,
            reason=details["reason"],
        )
    return gettext(
        "%(who)s migrated the process instance from version %(old)s to version %(new)s: %(reason)s",
        who=who,
        old=old,
        new=new,
        reason=details["reason"],
    )


def _assigned(who: str, element: str, details: Mapping[str, Any], names: Names) -> str:
    if not details:
        return gettext("%(who)s claimed, released or handed over “%(element)s”.", who=who, element=element)
    assignee = details.get("assignee")
    if assignee is None:
        return gettext("%(who)s gave “%(element)s” back to the group.", who=who, element=element)
    if names.person(assignee) == who:
        return gettext("%(who)s claimed “%(element)s”.", who=who, element=element)
    if details.get("reason"):
        return gettext(
            "%(who)s handed “%(element)s” over to %(whom)s: %(reason)s",
            who=who,
            element=element,
            whom=names.person(assignee),
            reason=details["reason"],
        )
    return gettext("%(who)s handed “%(element)s” over to %(whom)s.", who=who, element=element, whom=names.person(assignee))


def reasons(record: Explanation, names: Names) -> list[str]:
    """Why the path was taken: each condition with the values that it read and its result."""
    return [_reason(why, names) for why in record.why]


def _reason(why: Mapping[str, Json], names: Names) -> str:
    reads = why.get("reads")
    read = gettext(", ").join(f"{name} = {_short(value)}" for name, value in reads.items()) if isinstance(reads, Mapping) else ""
    kind, subject, expression = why.get("kind"), str(why.get("subject") or ""), str(why.get("expression") or "")
    element, result = names.element(str(why["element"]) if why.get("element") else None), why.get("result")
    given = gettext(" (%(reads)s)", reads=read) if read else ""
    if kind == "decision":
        rules = why.get("rules")
        count = len(rules) if isinstance(rules, Sequence) else 0
        matched = ngettext("%(num)s rule matched", "%(num)s rules matched", count)
        return gettext(
            "“%(element)s”: the decision %(subject)s gave %(result)s%(given)s; %(matched)s.",
            element=element,
            subject=subject,
            result=_short(result),
            given=given,
            matched=matched,
        )
    flow = names.elements.get(subject)
    target = names.element(flow.target) if flow and flow.target else subject
    if kind == "condition" and not expression:
        return gettext("“%(element)s”: no other condition held, so the default way to “%(target)s” was taken.", element=element, target=target)
    if kind == "condition":
        outcome = gettext("held") if result is True else gettext("did not hold") if result is False else _short(result)
        return gettext(
            "“%(element)s” to “%(target)s”: %(expression)s %(outcome)s%(given)s.",
            element=element,
            target=target,
            expression=expression,
            outcome=outcome,
            given=given,
        )
    return gettext(
        "“%(element)s”: %(expression)s gave %(result)s%(given)s.", element=element, expression=expression, result=_short(result), given=given
    )


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"


def reached(record: Explanation, names: Names) -> list[str]:
    """Labels of user tasks and events that the record brought tokens to, gateways left out."""
    skipped = ("exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway")
    found = (e for e in record.entered if e not in record.completed)
    return [names.element(e) for e in found if e not in names.elements or names.elements[e].type not in skipped]
