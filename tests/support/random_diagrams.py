"""Random block-structured processes and random runs through them, from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable

from engine.model import inputs
from tests.support.bpmn_bench import Bench, definitions

ROOTS = '<message id="M" name="m"/><signal id="G" name="g"/><error id="E1" errorCode="one"/><escalation id="C1" escalationCode="c1"/>'
COMPENSATE = "<compensateEventDefinition/>"


class Writer:
    """Writes one process; a block is (entry id, exit id)."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.parts: list[str] = []
        self.count = 0

    def id(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def flow(self, source: str, target: str, condition: str = "") -> str:
        key = self.id("f")
        inside = f"<conditionExpression>{condition}</conditionExpression>" if condition else ""
        self.parts.append(f'<sequenceFlow id="{key}" sourceRef="{source}" targetRef="{target}">{inside}</sequenceFlow>')
        return key

    def node(self, tag: str, inside: str = "", attributes: str = "") -> str:
        key = self.id("n")
        self.parts.append(f'<{tag} id="{key}" {attributes}>{inside}</{tag}>')
        return key

    def xml(self) -> bytes:
        start = self.node("startEvent")
        entry, leave = self.block(3)
        self.flow(start, entry)
        self.flow(leave, self.node("endEvent"))
        return definitions(ROOTS, f'<process id="p">{"".join(self.parts)}</process>')

    def block(self, depth: int) -> tuple[str, str]:
        kinds: list[Callable[[int], tuple[str, str]]] = [self.task, self.task, self.wait]
        if depth > 0:
            kinds += [
                self.sequence,
                self.sequence,
                self.choice,
                self.fork,
                self.inclusive,
                self.loop,
                self.subprocess,
                self.guarded,
                self.race,
                self.undone,
            ]
        return self.random.choice(kinds)(depth)

    def task(self, depth: int) -> tuple[str, str]:
        kind = self.random.randrange(4)
        if kind == 0:
            key = self.node("scriptTask", "<script>n = n + 1; rows = rows + [n]</script>")
        elif kind == 1:
            key = self.node("userTask")
        elif kind == 2:
            key = self.node("serviceTask", attributes='f:handler="h"')
        else:
            sequential = self.random.choice(["true", "false"])
            loop = f'<multiInstanceLoopCharacteristics isSequential="{sequential}"><loopCardinality>{self.random.randrange(4)}</loopCardinality>'
            key = self.node("userTask", loop + "</multiInstanceLoopCharacteristics>")
        return key, key

    def wait(self, depth: int) -> tuple[str, str]:
        definition = self.random.choice(['<messageEventDefinition messageRef="M"/>', '<signalEventDefinition signalRef="G"/>',
                                         "<timerEventDefinition><timeDuration>PT5M</timeDuration></timerEventDefinition>",
                                         "<conditionalEventDefinition><condition>n % 2 == 1</condition></conditionalEventDefinition>"])  # fmt: skip
        key = self.node("intermediateCatchEvent", definition)
        return key, key

    def sequence(self, depth: int) -> tuple[str, str]:
        one, other = self.block(depth - 1), self.block(depth - 1)
        self.flow(one[1], other[0])
        return one[0], other[1]

    def choice(self, depth: int) -> tuple[str, str]:
        split, join = self.id("n"), self.node("exclusiveGateway")
        one, other = self.block(depth - 1), self.block(depth - 1)
        self.flow(split, one[0], f"n % {self.random.randrange(2, 4)} == 0")
        default = self.flow(split, other[0])
        self.parts.append(f'<exclusiveGateway id="{split}" default="{default}"/>')
        self.flow(one[1], join)
        self.flow(other[1], join)
        return split, join

    def fork(self, depth: int) -> tuple[str, str]:
        return self._split("parallelGateway", depth, lambda: "")

    def inclusive(self, depth: int) -> tuple[str, str]:
        return self._split("inclusiveGateway", depth, lambda: self.random.choice(["n % 2 == 0", "n % 3 == 0", "True"]), always=True)

    def _split(self, tag: str, depth: int, condition: Callable[[], str], *, always: bool = False) -> tuple[str, str]:
        split, join = self.node(tag), self.node(tag)
        for branch in range(self.random.randrange(2, 4)):
            one = self.block(depth - 1)
            self.flow(split, one[0], "True" if always and branch == 0 else condition())
            self.flow(one[1], join)
        return split, join

    def loop(self, depth: int) -> tuple[str, str]:
        merge, split = self.node("exclusiveGateway"), self.id("n")
        body = self.block(depth - 1)
        count = self.node("scriptTask", "<script>n = n + 1</script>")
        self.flow(merge, body[0])
        self.flow(body[1], count)
        self.flow(count, split)
        leave = self.node("task")
        self.flow(split, merge, f"n % {self.random.randrange(2, 4)} != 0")
        default = self.flow(split, leave)
        self.parts.append(f'<exclusiveGateway id="{split}" default="{default}"/>')
        return merge, leave

    def _inside(self, depth: int, extra: str = "") -> str:
        outer, self.parts = self.parts, []
        start = self.node("startEvent")
        body = self.block(depth - 1)
        self.flow(start, body[0])
        self.flow(body[1], self.node("endEvent", self.random.choice(["", "", '<escalationEventDefinition escalationRef="C1"/>'])))
        inner, self.parts = "".join(self.parts), outer
        return inner + extra

    def subprocess(self, depth: int) -> tuple[str, str]:
        key, handler = self.id("n"), self.id("n")
        event = f'<subProcess id="{handler}" triggeredByEvent="true"><startEvent id="{handler}s" isInterrupting="{self.random.choice(["true", "false"])}">'
        event += f'<signalEventDefinition signalRef="G"/></startEvent><userTask id="{handler}u"/><sequenceFlow id="{handler}f" sourceRef="{handler}s" targetRef="{handler}u"/></subProcess>'
        loop = self.random.choice(["", "", "<standardLoopCharacteristics loopMaximum='2'/>",
                                   "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"])  # fmt: skip
        data = f'<dataObject id="{key}d" name="local{key}"/>'
        self.parts.append(f'<subProcess id="{key}">{data}{self._inside(depth, self.random.choice(["", event]))}{loop}</subProcess>')
        return key, key

    def guarded(self, depth: int) -> tuple[str, str]:
        key, _ = self.subprocess(depth)
        join = self.node("exclusiveGateway")
        cancel = self.random.choice(["true", "false"])
        definition = self.random.choice(['<escalationEventDefinition escalationRef="C1"/>', '<messageEventDefinition messageRef="M"/>',
                                         "<timerEventDefinition><timeCycle>R2/PT3M</timeCycle></timerEventDefinition>"])  # fmt: skip
        event = self.node("boundaryEvent", definition, f'attachedToRef="{key}" cancelActivity="{cancel}"')
        task = self.node("scriptTask", "<script>n = n + 1</script>")
        self.flow(event, task)
        self.flow(task, join) if cancel == "true" else self.flow(task, self.node("endEvent"))
        self.flow(key, join)
        return key, join

    def race(self, depth: int) -> tuple[str, str]:
        gateway, join = self.node("eventBasedGateway"), self.node("exclusiveGateway")
        for definition in (
            '<messageEventDefinition messageRef="M"/>',
            "<timerEventDefinition><timeDuration>PT2M</timeDuration></timerEventDefinition>",
        ):
            event = self.node("intermediateCatchEvent", definition)
            self.flow(gateway, event)
            self.flow(event, join)
        return gateway, join

    def undone(self, depth: int) -> tuple[str, str]:
        key = self.node("scriptTask", "<script>n = n + 1</script>")
        event = self.node("boundaryEvent", COMPENSATE, f'attachedToRef="{key}"')
        handler = self.node("userTask", attributes='isForCompensation="true"')
        self.parts.append(f'<association id="{self.id("a")}" sourceRef="{event}" targetRef="{handler}"/>')
        throw = self.node("intermediateThrowEvent", COMPENSATE)
        self.flow(key, throw)
        return key, throw


def run(bench: Bench, seed: int, steps: int = 60) -> Bench:
    """Start and then do what is possible, chosen by the seed."""
    chance = random.Random(seed)
    bench.start(n=chance.randrange(5), rows=[])
    for _ in range(steps):
        if bench.state != "active":
            break
        choices: list[inputs.Movement] = [inputs.CompleteUserTask(key, {"n": chance.randrange(6)}) for key in bench.open_tasks()]
        choices += [inputs.CompleteJob(key, {"n": chance.randrange(6)}) for key in bench.open_jobs("service")]
        choices += [inputs.TriggerTimer(key) for key in bench.open_jobs("timer")]
        choices += [inputs.CorrelateMessage(key, one.name) for key, one in bench.subscriptions().items() if one.kind == "message"]
        choices += [inputs.DeliverSignal("g")] if any(one.kind == "signal" for one in bench.subscriptions().values()) else []
        choices += [inputs.SetVariables({"n": chance.randrange(6)})]
        bench.do(chance.choice(choices))
    return bench
