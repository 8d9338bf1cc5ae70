"""Parts of diagrams for tests of migrations, and versions of a process made of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.bpmn_bench import flows, log, process
from tests.support.migration_bench import Versions

S = '<startEvent id="s"/>'
ROOTS = '<message id="M" name="m"/><message id="N" name="n"/><signal id="G" name="g"/><error id="E" errorCode="broken"/>'
MESSAGE, OTHER = '<messageEventDefinition messageRef="M"/>', '<messageEventDefinition messageRef="N"/>'
SIGNAL, TRUE = '<signalEventDefinition signalRef="G"/>', "<conditionalEventDefinition><condition>n &gt; 1</condition></conditionalEventDefinition>"
MANY = '<multiInstanceLoopCharacteristics isSequential="{}"><loopCardinality>{}</loopCardinality></multiInstanceLoopCharacteristics>'


def timer(text: str = "PT1H") -> str:
    """Fires after an ISO 8601 duration."""
    return f"<timerEventDefinition><timeDuration>{text}</timeDuration></timerEventDefinition>"


def boundary(id: str, host: str, definition: str, interrupting: str = "true") -> str:
    """A boundary event of `host`."""
    return f'<boundaryEvent id="{id}" attachedToRef="{host}" cancelActivity="{interrupting}">{definition}</boundaryEvent>'


def task(id: str, inside: str = "", name: str = "", **attributes: str) -> str:
    """A user task; `f_formKey` is the attribute f:formKey."""
    extra = "".join(f' {key.replace("_", ":")}="{value}"' for key, value in attributes.items())
    return f'<userTask id="{id}" name="{name or id}"{extra}>{inside}</userTask>'


def sub(id: str, *inside: str, attributes: str = "") -> str:
    """An embedded subprocess."""
    return f'<subProcess id="{id}" {attributes}>{"".join(inside)}</subProcess>'


def handler(id: str, definition: str, *, interrupting: str = "false") -> str:
    """An event subprocess with a task."""
    start = f'<startEvent id="{id}s" isInterrupting="{interrupting}">{definition}</startEvent>'
    return sub(id, start, task(f"{id}t"), flows(f"{id}s {id}t"), attributes='triggeredByEvent="true"')


def fork(join: str, kind: str = "parallelGateway", extra: str = "") -> tuple[str, ...]:
    """Two tasks whose ways meet at `join`."""
    ways = ["s g", "g a", "g b", f"a {join}", f"b {join}", f"{join} z"]
    return (f'<parallelGateway id="g"/><{kind} id="{join}"/>', task("a"), task("b"), log("z"), extra, flows(*ways))


def versions(*parts: tuple[str, ...], **options: Any) -> Versions:
    """Each version is what stands inside its process."""
    return Versions(*(process(S, *one, before=ROOTS) for one in parts), **options).begin(n=1)


@contextmanager
def executed_again() -> Iterator[None]:
    """Every history that is made meanwhile, at the end."""
    made: list[Versions] = []
    begin = Versions.begin
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Versions, "begin", lambda self, **values: (made.append(self), begin(self, **values))[1])
        yield
    for one in made:
        one.reexecute()
