"""Refusals of operators' acts and of suspended objects in the reader's language. The others stand in `webui.problems`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.errors import MigrationProblem, MigrationRefused
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


#: why an instance, or a plan, cannot be migrated (`engine.errors.MIGRATION_REASONS`)
UNMIGRATED = {
    "ended": _("it has ended"),
    "there": _("it runs under that version already"),
    "unmapped": _("“%(element)s” is open and has no target"),
    "unknown-source": _("the old version has no element “%(element)s”"),
    "unknown": _("the new version has no element “%(target)s”"),
    "kind": _("“%(element)s” and “%(target)s” are different kinds of elements"),
    "event": _("“%(element)s” and “%(target)s” wait for different kinds of events"),
    "twice": _("“%(target)s” is the target of several elements, “%(element)s” among them"),
    "scope": _("“%(target)s” does not lie in the subprocess that succeeds the one of “%(element)s”"),
    "parent": _("“%(element)s” lies in a subprocess that has no target"),
    "boundary": _("“%(target)s” is not attached to what succeeds the activity of “%(element)s”"),
    "loop": _("“%(element)s” is open and repeats in another way than “%(target)s”"),
    "ad-hoc": _("“%(element)s” is open and runs its activities in another order than “%(target)s”"),
    "join": _("tokens wait at “%(element)s”, and “%(target)s” does not have all of its incoming flows"),
    "race": _("no event that “%(element)s” waits for has a target behind “%(target)s”"),
    "compensation": _("“%(element)s” has completed and may have to be compensated, but has no target that could be"),
    "called": _("the version of the process that “%(element)s” has called is not known any more"),
    "arming": _("what “%(target)s” waits for cannot be evaluated: %(detail)s"),
    "form": _("the form of “%(target)s” cannot be evaluated: %(detail)s"),
}


#: acts by hand and retries that find nothing to act on, by the name of the error
BY_HAND = {
    "ElementNotOpen": _("“%(element)s” is not open in this process instance (any more). Nothing was changed."),
    "NoOpenIncident": _("There is no open incident (any more). Nothing was changed."),
    "StandsAlready": _("“%(element)s” stands with an incident already."),
    "NotAJob": _("Only a job can fail technically. Give an error code, move the token, or cancel the instance."),
    "NoResultByHand": _("“%(element)s” did not fail at work whose result could be given by hand. Change variables and try again, or move the token."),
}


def unmigrated(problem: MigrationProblem, old: Mapping[str, str] = MappingProxyType({}), new: Mapping[str, str] = MappingProxyType({})) -> str:
    """One reason in the reader's language; `old` and `new` are names by the ids of elements."""
    if problem.why not in UNMIGRATED:
        return problem.text
    element, target = old.get(problem.element, problem.element), new.get(problem.target, problem.target)
    return gettext(UNMIGRATED[problem.why], element=element, target=target, detail=problem.detail)


def of_operations(message_id: str, data: Mapping[str, str]) -> str | None:
    """The sentence for this error with its data; None for an error of another kind."""
    element, target, subject = data.get("element", "?"), data.get("target", "?"), data.get("id", "?")
    if message_id in BY_HAND:
        return gettext(BY_HAND[message_id], element=element)
    match message_id:
        case "MoveRefused":
            key = data.get("why", "")
            reason = gettext(UNMOVED[key]) if key in UNMOVED else data.get("reason", "?")
            return gettext("The token cannot be moved from %(element)s to %(target)s: %(reason)s.", element=element, target=target, reason=reason)
        case "MigrationRefused":
            reasons = gettext("; ").join(unmigrated(one) for one in MigrationRefused(problems=data.get("problems", "[]")).problems)
            return gettext("The instance cannot be migrated to %(target)s: %(reason)s. Nothing was changed.", target=target, reason=reasons)
        case "MigrationNotUndone":
            return gettext("The migration cannot be taken back: something has happened since. Migrate the instance again instead.")
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
