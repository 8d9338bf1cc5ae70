"""Causes of incidents in plain words: what is known to go wrong, in the reader's language, with what to do; the engine's own words stay beside it.

It reads the recorded text, so that old incidents are explained, too. What it does not know it leaves alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from webui.i18n import gettext


def _(text: str) -> str:
    """Marks a text for the catalogue; `plain` translates it."""
    return text


@dataclass(frozen=True, slots=True)
class Plain:
    """`what` happened, `advice`: what an operator can do. Both empty for a cause that is not known."""

    what: str = ""
    advice: str = ""


RETRY_LATER = _("Try again when it can be reached.")
CHANGE = _("Correct the variables and try again.")
DIAGRAM = _("Give the results by hand or move the token; then correct the diagram.")

#: (what the recorded text holds, what it means, what to do). Named groups fill the placeholders. The first that fits counts.
KNOWN: tuple[tuple[str, str, str], ...] = (
    # first, because they show the name, which may hold anything
    (r"^the [a-z ]+ has \d+ characters, and \d+ are the most", _("A name that was computed, such as that of a group, is too long."), CHANGE),
    (
        r"^the [a-z ]+ holds a character that is no text",
        _("A name that was computed, such as that of a group, holds a character that is no text."),
        CHANGE,
    ),
    (r"^the priority -?\d+ does not lie between", _("The priority of a task is too large or too small."), CHANGE),
    (
        r"no installed pack provides the service task '?(?P<name>[^']*)'?",
        _("No installed process pack provides the service task “%(name)s”."),
        _("Install the pack, or correct the handler in the diagram, then try again."),
    ),
    (
        r"ConnectionError|ConnectionRefused|ConnectionReset|URLError|BrokenPipe|gaierror|SSLError",
        _("Another system could not be reached."),
        RETRY_LATER,
    ),
    (
        r"TimeoutError|[Tt]imed out|time limit",
        _("It took too long and was stopped."),
        _("Try again; when it happens often, look at the other system."),
    ),
    (
        r"HTTPError|HTTP Error (?P<code>\d+)",
        _("Another system refused the request."),
        _("Look at its answer below, put it right there, then try again."),
    ),
    (r"No space left|disk full|disk is full", _("The disk is full."), _("Make room, then try again.")),
    (r"PermissionError|[Pp]ermission denied|[Aa]ccess denied", _("The right to do it is missing."), _("Grant the right, then try again.")),
    (r"FileNotFoundError|No such file", _("A file that is needed is missing."), _("Put the file in its place, then try again.")),
    (r"MemoryError|memory limit|out of memory", _("It needed more memory than is allowed."), _("Make the data smaller, then try again.")),
    (r"ZeroDivisionError|division by zero", _("Something was divided by zero."), CHANGE),
    (r"name '(?P<name>[^']+)' is not defined", _("The variable “%(name)s” does not exist."), CHANGE),
    (r"the collection variable '(?P<name>[^']+)' does not exist", _("The list “%(name)s” to repeat over does not exist."), CHANGE),
    (r"KeyError: '(?P<name>[^']+)'", _("The entry “%(name)s” is missing in the data."), CHANGE),
    (r"the collection must be a list|loop cardinality must be", _("It is not clear how often to repeat."), CHANGE),
    (
        r"no condition holds and there is no default flow",
        _("None of the ways can be taken: no condition holds and there is no default flow."),
        _("Correct the variables and try again, or move the token."),
    ),
    (
        r"more than \d+ (steps|events)|led to each other|followed each other at once|used up its time",
        _("Too many steps in one go; the process seems to turn in circles."),
        DIAGRAM,
    ),
    (r"more than \d+ elements|the limit is|nested deeper|the values of one command are larger", _("A limit of the engine is exceeded."), DIAGRAM),
    (r"the called process '(?P<name>[^']+)' is not deployed", _("The called process “%(name)s” is not deployed."), _("Deploy it, then try again.")),
    (r"there is no decision '(?P<name>[^']+)'", _("The decision “%(name)s” is not part of the deployment."), DIAGRAM),
    (r"ISO 8601|timer", _("A date or duration cannot be read."), CHANGE),
    (r"the priority .* is no whole number", _("The priority of a task is no whole number."), CHANGE),
    (r"IntegrityError|OperationalError|DataError", _("The database did not take the values."), CHANGE),
    (r"The expression .* failed|TypeError|ValueError|AttributeError|IndexError", _("An expression or a value does not fit."), CHANGE),
)


def plain(cause: str) -> Plain:
    """The cause in the reader's language."""
    for pattern, what, advice in KNOWN:
        found = re.search(pattern, cause)
        if found is not None:
            return Plain(gettext(what, **{k: v or "?" for k, v in found.groupdict().items()}), gettext(advice))
    return Plain()
