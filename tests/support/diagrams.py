"""Small BPMN documents for tests, written as text so that a test shows what it runs."""

from __future__ import annotations

from itertools import pairwise

HEAD = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:flowledger="https://flowledger.org/bpmn/1.0" targetNamespace="t">'
)


def document(*parts: str) -> bytes:
    """A definitions document around processes, messages and the like."""
    return f"<?xml version='1.0' encoding='UTF-8'?>{HEAD}{''.join(parts)}</definitions>".encode()


def process(body: str, process_id: str = "p") -> bytes:
    """A document with one executable process."""
    return document(f'<process id="{process_id}" name="{process_id}" isExecutable="true">{body}</process>')


def flow(source: str, target: str, condition: str = "") -> str:
    """A sequence flow with the id `source_target`."""
    inner = f'<conditionExpression xsi:type="tFormalExpression">{condition}</conditionExpression>' if condition else ""
    return f'<sequenceFlow id="{source}_{target}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>'


def chain(*ids: str) -> str:
    """Flows from one element to the next."""
    return "".join(flow(a, b) for a, b in pairwise(ids))


START = '<startEvent id="start"/>'
END = '<endEvent id="end"/>'


def user(element_id: str, extra: str = "", inner: str = "") -> str:
    """A user task."""
    return f'<userTask id="{element_id}" name="{element_id.title()}" {extra}>{inner}</userTask>'


TWO_TASKS = process(START + user("a") + user("b") + END + chain("start", "a", "b", "end"), "two")

LOOP = process(
    START
    + user("work")
    + '<exclusiveGateway id="more" default="more_end"/>'
    + END
    + chain("start", "work", "more")
    + flow("more", "work", "again")
    + flow("more", "end"),
    "loop",
)
