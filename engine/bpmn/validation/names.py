"""Ids and names that the databases keep in columns have an end: what a diagram states is refused here, what it computes fails when it is executed."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.computed import fault, names
from engine.bpmn.diagram import Container, Definition, Node
from engine.bpmn.failure import ElementFailure
from engine.bpmn.templates import Template, template
from engine.bpmn.validation.rule import Finding, Findings, Place, checks, declare
from engine.model.values import length

TOO_LONG = declare(
    "bpmn.too-long", "", "An id or a name is too long",
    "Shorten it. Ids of elements, names of messages, signals, handlers, groups and persons: 255 characters; ids of processes: 200; names of user tasks: "
    "765 bytes, which are 255 Chinese characters.",
)  # fmt: skip
PROCESS = 200
TASK_BYTES = 765  # it stands in an index beside two ids, and an entry of PostgreSQL's indexes has 2704 bytes
WORKED_ON = ("userTask", "manualTask", "receiveTask")


@checks(TOO_LONG, "container")
def ids_of_processes_have_an_end(_: Place, container: Container) -> Findings:
    if container.parent is None and length(container.id) > PROCESS:
        yield Finding(container, f"the id of the process has {length(container.id)} characters, and {PROCESS} are the most")


@checks(TOO_LONG, "node")
def names_have_an_end(_: Place, node: Node) -> Findings:
    size = len(node.name.encode())
    if node.type in WORKED_ON and size > TASK_BYTES:
        yield Finding(node, f"the name of the task has {size} bytes, and {TASK_BYTES} are the most")
    for what, text in (("the id", node.id), *_stated(node)):
        wrong = fault(text)
        if wrong is not None:
            yield Finding(node, f"{what} {wrong}")
    work = node.assignment
    for what, several in (("the candidate group", work.groups), ("the candidate user", work.users), ("the excluded element", work.excludes)):
        try:
            names([one.literal for one in several], what)
        except ElementFailure as failure:
            yield Finding(node, failure.cause)


def _stated(node: Node) -> Iterator[tuple[str, str]]:
    """What nothing computes."""
    work = node.assignment
    fields: tuple[tuple[str, Template | None], ...] = (
        ("the assignee", work.assignee),
        ("the form key", work.form_key),
        ("the name of the handler", node.topic),
        ("the id of the called process", node.called),
        *((f"the name of the {one.kind}", template(one.name)) for one in _events(node)),
    )
    yield from ((what, said) for what, one in fields if one is not None and (said := one.literal) is not None)


def _events(node: Node) -> Iterator[Definition]:
    """Its messages and signals, also those that a multi-instance activity throws."""
    loop = node.loop
    thrown = () if loop is None else (loop.one_event, loop.none_event, *(definition for _, definition in loop.complex_events))
    yield from (one for one in (*node.definitions, *thrown) if one is not None and one.kind in ("message", "signal"))
