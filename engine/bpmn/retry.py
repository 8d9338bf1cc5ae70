"""How often a job of an element is tried and how long it waits in between: ISO 8601 repeats and lists of durations in extension attributes.

`R5/PT10M`: five attempts in all, ten minutes apart. `PT1M,PT10M,PT1H`: one attempt more than there are durations, waiting that long after each.
Camunda's `failedJobRetryTimeCycle` means the same; a plain number (`retries`) counts the attempts and leaves the waiting to the engine.
"""

from __future__ import annotations

import re

from engine.bpmn.diagram import Retry
from engine.bpmn.extensions import attribute, element_attribute, element_text
from engine.bpmn.xml_source import CAMUNDA_LIKE, OURS, ZEEBE, Xml, whole
from engine.errors import InvalidInput
from engine.model.schedule import duration

MOST = 1000
LONGEST_SECONDS = 366 * 86400
_REPEAT = re.compile(r"R(\d{1,4})/(.+)")


def read_retry(element: Xml) -> Retry:
    """Of a task, or of an event with a timer. Raises InvalidInput for a text that is neither a repeat, a list of durations nor a number."""
    said = attribute(element, "retry") or element_text(element, "failedJobRetryTimeCycle", *CAMUNDA_LIKE, OURS)
    if said:
        return parse(said)
    plain = attribute(element, "retries") or element_attribute(element, "taskDefinition", "retries", ZEEBE)
    if plain is None:
        return Retry()
    count = whole(plain)
    if count is None:
        raise InvalidInput(f"{plain!r} is no number of attempts.")
    return Retry(_attempts(count, plain))


def parse(text: str) -> Retry:
    """Raises InvalidInput."""
    repeat = _REPEAT.fullmatch(text.strip())
    if repeat is not None:
        return Retry(_attempts(int(repeat[1]), text), (_wait(repeat[2]),))
    waits = tuple(_wait(part) for part in text.split(","))
    return Retry(_attempts(len(waits) + 1, text), waits)


def _wait(text: str) -> str:
    span = duration(text)
    if not 0 <= span.months * 31 * 86400 + span.seconds <= LONGEST_SECONDS or span.months < 0 or span.seconds < 0:
        raise InvalidInput(f"{text!r}: the time between two attempts is at most a year.")
    return text.strip()


def _attempts(count: int, text: str) -> int:
    if not 1 <= count <= MOST:
        raise InvalidInput(f"{text!r}: the number of attempts must be from 1 to {MOST}.")
    return count
