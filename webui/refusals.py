"""Refusals of operators' acts and of suspended objects in the reader's language. The others stand in `webui.problems`."""

from __future__ import annotations

from collections.abc import Mapping

from webui.i18n import gettext


def _(text: str) -> str:
    """Marks a text for the catalogue; `of_operations` translates it."""
    return text


#: why a token cannot be moved (`engine.errors.MoveRefused.REASONS`)
UNMOVED = {
    "iteration": _("it is one iteration of a loop, which cannot be moved by itself"),
    "compensation": _("it compensates"),
    "joining": _("its tokens wait for others to join them"),
    "event-subprocess": _("it is an event subprocess, which its event has started"),
    "ad-hoc": _("it is in an ad-hoc subprocess, where no order is laid down; complete it by hand instead"),
    "scope": _("the target lies in another scope; a token moves within its scope"),
    "unknown": _("the process has no such element"),
    "boundary": _("the target is a boundary event, which begins only when its event happens"),
    "event": _("the target begins only when its event happens"),
    "compensates": _("the target only compensates"),
    "join": _("the target is a join, which counts the flows that its tokens come over; move to what follows it"),
    "several": _("the target takes several tokens at once"),
}


def of_operations(message_id: str, data: Mapping[str, str]) -> str | None:
    """The sentence for this error with its data; None for an error of another kind."""
    element, target, subject = data.get("element", "?"), data.get("target", "?"), data.get("id", "?")
    match message_id:
        case "MoveRefused":
            key = data.get("why", "")
            reason = gettext(UNMOVED[key]) if key in UNMOVED else data.get("reason", "?")
            return gettext("The token cannot be moved from %(element)s to %(target)s: %(reason)s.", element=element, target=target, reason=reason)
        case "ErrorNotCaught":
            return gettext(
                "The diagram does not catch the error %(code)s at %(element)s; the instance would fail. Cancel it, or move the token.",
                code=data.get("code", "?"),
                element=element,
            )
        case "InstanceSuspended":
            return gettext("Instance %(id)s is suspended; an operator must resume it first. Nothing was changed.", id=subject)
        case "DefinitionSuspended":
            return gettext("%(id)s is suspended; no instance of it can be started. Nothing was changed.", id=subject)
        case _:
            return None
