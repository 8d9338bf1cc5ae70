"""The outcome of the plain path: start, user task, gateways, service job, timer, message, end."""

from __future__ import annotations

from engine.model import events as ev
from tests.support.bpmn_bench import Bench, flows, process, script

MESSAGE = '<message id="m" name="paid"/>'
DIAGRAM = process(
    '<startEvent id="Start"/>',
    '<userTask id="A" name="Work" f:candidateGroups="g1, g2" f:assignee="${boss}" f:formKey="k" f:dueDate="P1M"/>',
    '<exclusiveGateway id="X" default="X-A"/>',
    script("S", "y = x + 1"),
    '<parallelGateway id="P"/>',
    '<serviceTask id="J" f:handler="mail"><extensionElements><f:parameter name="to" value="=boss"/></extensionElements></serviceTask>',
    '<intermediateCatchEvent id="M"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>',
    '<intermediateCatchEvent id="T"><timerEventDefinition><timeDuration>PT10M</timeDuration></timerEventDefinition></intermediateCatchEvent>',
    '<parallelGateway id="Q"/><endEvent id="End"/>',
    flows("Start A", "A X", "X A", "X S if ok", "S P", "P J", "P M", "P T", "J Q", "M Q", "T Q", "Q End"),
    before=MESSAGE,
)


def test_the_whole_path() -> None:
    bench = Bench(DIAGRAM).start(x=1, boss="kim")
    (task,) = bench.open_tasks().values()
    assert (task.assignee, task.candidate_groups, task.form_key, task.due) == ("kim", ("g1", "g2"), "k", "2026-02-28T08:00:00.000000Z")
    bench.complete("A", ok=False).complete("A", ok=True)
    assert [(d.subject, d.result, d.reads) for d in bench.of(ev.DecisionTaken)] == [("X-S", False, {"ok": False}), ("X-S", True, {"ok": True})]
    (job,) = bench.open_jobs("service").values()
    assert (job.handler, job.parameters) == ("mail", {"to": "kim"})
    bench.message("paid", amount=3).advance(minutes=9)
    assert "T" not in bench.trace()
    bench.advance(minutes=1).work("J", sent=True)
    assert bench.state == "completed"
    assert bench.variables == {"x": 1, "boss": "kim", "ok": True, "y": 2, "amount": 3, "sent": True}
    assert bench.trace() == ["Start", "A", "X", "A", "X", "S", "P", "M", "T", "J", "Q", "End"]


def test_events_tell_what_happened_in_order() -> None:
    bench = Bench(DIAGRAM).start(x=1, boss="kim")
    assert [type(e).__name__ for e in bench.last] == [
        "InstanceStarted", "VariableSet", "VariableSet", "ElementEntered", "ElementCompleted", "FlowTaken", "ElementEntered", "UserTaskCreated",
    ]  # fmt: skip
    bench.complete("A", ok=True)
    assert [type(e).__name__ for e in bench.last][:4] == ["VariableSet", "UserTaskCompleted", "ElementCompleted", "FlowTaken"]


def test_a_growing_list_is_told_by_its_new_items() -> None:
    bench = Bench(
        process(
            '<startEvent id="s"/>', script("a", "lines = [1]"), script("b", "lines.append(2)"), script("c", "lines = [2]"), flows("s a", "a b", "b c")
        )
    )
    bench.start()
    assert bench.of(ev.VariableExtended) == [ev.VariableExtended(0, "lines", (2,))]
    assert [e.value for e in bench.of(ev.VariableSet)] == [[1], [2]]
