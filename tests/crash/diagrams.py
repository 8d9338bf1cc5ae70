"""The processes of the crash harness: every kind of work that the engine promises not to lose or double."""

from __future__ import annotations

from tests.support.diagrams import chain, document, user

_CLERKS = 'camunda:candidateGroups="clerks"'
_SAID = '<dataInput id="key" name="said"/><dataInputAssociation><sourceRef>said</sourceRef><targetRef>key</targetRef></dataInputAssociation>'


def _event(kind: str, element_id: str, inner: str) -> str:
    return f'<{kind} id="{element_id}">{inner}</{kind}>'


def _message(name: str) -> str:
    return f'<messageEventDefinition messageRef="{name}"/>'


def _service(element_id: str, handler: str) -> str:
    return f'<serviceTask id="{element_id}" flowledger:handler="{handler}"/>'


def orders(pause: str) -> bytes:
    """An order, and the notice that it starts by a message that carries `said`, the order's business key; `pause` is the ISO 8601 duration of its timer.

    Whoever sends `go` gives `said`.
    """
    return document(
        '<message id="go" name="go"/><message id="done" name="done"/>',
        '<process id="order" isExecutable="true"><dataObject id="said" name="said"/><startEvent id="start"/>',
        user("a", _CLERKS),
        _service("tally", "crash.tally"),
        _event("intermediateCatchEvent", "wait", _message("go")),
        _event("intermediateCatchEvent", "pause", f"<timerEventDefinition><timeDuration>{pause}</timeDuration></timerEventDefinition>"),
        _service("call", "crash.call"),
        user("b", _CLERKS),
        _event("intermediateThrowEvent", "tell", _SAID + _message("done")),
        '<endEvent id="end"/>',
        chain("start", "a", "tally", "wait", "pause", "call", "b", "tell", "end"),
        '</process><process id="notice" isExecutable="true">',
        _event("startEvent", "told", _message("done")),
        _service("count", "crash.tally"),
        '<endEvent id="over"/>',
        chain("told", "count", "over"),
        "</process>",
    )
