"""Random processes with every kind of gateway, event, subprocess and multi-instance activity, nested block by block, from a seed.

A block is (entry id, exit id), as in `random_diagrams.Writer`, which this extends; what is written can always run on, whatever is chosen.
Names of messages and signals hold the seed, so that many models share an engine.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.support.bpmn_bench import NAMESPACES
from tests.support.random_diagrams import COMPENSATE, Writer

Block = tuple[str, str]
ODD = "<conditionalEventDefinition><condition>n % 2 == 1</condition></conditionalEventDefinition>"
MANY = "<multiInstanceLoopCharacteristics{}><loopCardinality>{}</loopCardinality>{}</multiInstanceLoopCharacteristics>"
ITEMS = (
    '<multiInstanceLoopCharacteristics isSequential="{}"><loopDataInputRef>xs</loopDataInputRef><loopDataOutputRef>ys</loopDataOutputRef>'
    '<inputDataItem id="{}i" name="x"/><outputDataItem id="{}o" name="y"/>{}</multiInstanceLoopCharacteristics>'
)
STARTS = ("none", "none", "none", "none", "several", "message", "signal", "timer", "receive", "exclusive gateway", "parallel gateway")


def timer(text: str, form: str = "timeDuration") -> str:
    return f"<timerEventDefinition><{form}>{text}</{form}></timerEventDefinition>"


class ProcessWriter(Writer):
    """`start` says how instances begin, one of STARTS. The process is `p<seed>`; what it calls stands in the same file."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.seed = seed
        self.start = self.random.choice(STARTS)
        self.called: list[str] = []
        self.roots: list[str] = []
        self.message = '<messageEventDefinition messageRef="M"/>'
        self.signal = '<signalEventDefinition signalRef="G"/>'

    # --- the document -----------------------------------------------------------------------------------------------------
    def xml(self) -> bytes:
        first = self.node("scriptTask", "<script>n = 1\nrows = []\nxs = [3, 4]</script>")
        self._begin(first)
        entry, leave = self.block(self.random.choice((2, 3)))
        self.flow(first, entry)
        self.flow(leave, self.node("endEvent"))
        roots = (
            f'<message id="M" name="m{self.seed}"/><message id="N" name="n{self.seed}"/><message id="O" name="o{self.seed}"/><signal id="G" name="g{self.seed}"/>'
            '<error id="E1" errorCode="one"/><escalation id="C1" escalationCode="c1"/>'
        )
        process = f'<process id="p{self.seed}" isExecutable="true">{"".join(self.parts)}</process>'
        body = roots + "".join(self.roots) + process + "".join(self.called)
        return f'<definitions {NAMESPACES} id="definitions" targetNamespace="urn:test">{body}</definitions>'.encode()

    def _begin(self, first: str) -> None:
        other = '<messageEventDefinition messageRef="N"/>'
        if self.start in ("none", "several"):
            for _ in range(1 if self.start == "none" else 2):
                self.flow(self.node("startEvent"), first)
        elif self.start == "receive":
            self.flow(self.node("receiveTask", "", 'messageRef="M" instantiate="true"'), first)
        elif self.start.endswith("gateway"):
            kind = ' eventGatewayType="Parallel"' if self.start.startswith("parallel") else ""
            gateway = self.node("eventBasedGateway", "", f'instantiate="true"{kind}')
            for definition in (self.message, other):
                event = self.node("intermediateCatchEvent", definition)
                self.flow(gateway, event)
                self.flow(event, first)
        else:
            definition = {"message": self.message, "signal": self.signal, "timer": timer("PT1H")}[self.start]
            self.flow(self.node("startEvent", definition), first)

    def block(self, depth: int) -> Block:
        leaves = [self.task, self.task, self.wait, self.both, self.items, self.person, self.shout, self.jump, self.undone, self.post]
        deep: list[Callable[[int], Block]] = [
            self.sequence, self.sequence, self.choice, self.fork, self.inclusive, self.complex, self.loop, self.subprocess, self.guarded,
            self.watched, self.race, self.call, self.transaction, self.ad_hoc, self.failing, self.conditional_flows, self.handled,
        ]  # fmt: skip
        kinds = leaves if depth <= 0 else leaves[:3] + deep + deep
        return self.random.choice(kinds)(depth)

    # --- leaves ---------------------------------------------------------------------------------------------------------------
    def person(self, depth: int) -> Block:
        """A manual task, a receive task with or without a message, an abstract task in quantity."""
        tag, attributes = self.random.choice(
            [("manualTask", ""), ("receiveTask", ""), ("receiveTask", 'messageRef="M"'), ("task", 'completionQuantity="2"')]
        )
        key = self.node(tag, "", attributes)
        if "Quantity" not in attributes:
            return key, key
        gather = self.node("task", "", 'startQuantity="2"')
        self.flow(key, gather)
        return key, gather

    def both(self, depth: int) -> Block:
        """Multiple and parallel multiple catching events."""
        parallel = self.random.choice(["", 'parallelMultiple="true"'])
        definitions = self.random.sample([self.message, self.signal, timer("PT4M"), ODD], 2)
        key = self.node("intermediateCatchEvent", "".join(definitions), parallel)
        return key, key

    def items(self, depth: int) -> Block:
        """Multi-instance over a collection, with output and completion condition."""
        key, until = self.id("n"), self.random.choice(["", "<completionCondition>n == 3</completionCondition>"])
        loop = ITEMS.format(self.random.choice(["true", "false"]), key, key, until)
        tag, inside = self.random.choice([("scriptTask", "<script>y = x * 2</script>"), ("userTask", "")])
        self.parts.append(f'<{tag} id="{key}">{loop}{inside}</{tag}>')
        return key, key

    def shout(self, depth: int) -> Block:
        """A signal or message to a branch beside."""
        kind = self.random.choice(["signal", "message"])
        name = self.id("t")
        self.roots.append(f'<{kind} id="{name}" name="{name}-{self.seed}"/>')
        definition = f'<{kind}EventDefinition {kind}Ref="{name}"/>'
        split, join = self.node("parallelGateway"), self.node("parallelGateway")
        for tag in self.random.sample(["intermediateCatchEvent", "intermediateThrowEvent"], 2):
            event = self.node(tag, definition)
            self.flow(split, event)
            self.flow(event, join)
        return split, join

    def jump(self, depth: int) -> Block:
        """A link."""
        definition = f'<linkEventDefinition name="{self.id("l")}"/>'
        return self.node("intermediateThrowEvent", definition), self.node("intermediateCatchEvent", definition)

    def post(self, depth: int) -> Block:
        """Throwing events that nobody must catch."""
        definition = self.random.choice(["", '<messageEventDefinition messageRef="O"/>', '<escalationEventDefinition escalationRef="C1"/>'])
        key = self.node("intermediateThrowEvent", definition)
        return key, key

    # --- gateways and flows -----------------------------------------------------------------------------------------------------
    def complex(self, depth: int) -> Block:
        """A discriminator or m of n."""
        split, join = self.node("parallelGateway"), self.id("n")
        count = self.random.randrange(2, 4)
        self.parts.append(
            f'<complexGateway id="{join}"><activationCondition>activationCount &gt;= {self.random.randrange(1, count + 1)}'
            "</activationCondition></complexGateway>"
        )
        for _ in range(count):
            one = self.block(depth - 2)
            self.flow(split, one[0])
            self.flow(one[1], join)
        return split, join

    def conditional_flows(self, depth: int) -> Block:
        """Conditional and default flows of an activity, joined by an inclusive gateway."""
        key, join = self.id("n"), self.node("inclusiveGateway")
        branches = [self.block(depth - 2) for _ in range(3)]
        for number, one in enumerate(branches):
            made = self.flow(key, one[0], f"n % {number + 2} == 0" if number < 2 else "")
            self.flow(one[1], join)
        self.parts.append(f'<userTask id="{key}" default="{made}"/>')
        return key, join

    def loop(self, depth: int) -> Block:
        """At most three rounds, counted apart from n, which the body may change as it likes."""
        rounds = self.id("rounds")
        before, merge, split = self.node("scriptTask", f"<script>{rounds} = 0</script>"), self.node("exclusiveGateway"), self.id("n")
        body, count = self.block(depth - 1), self.node("scriptTask", f"<script>{rounds} = {rounds} + 1</script>")
        for source, target in ((before, merge), (merge, body[0]), (body[1], count), (count, split)):
            self.flow(source, target)
        leave = self.node("task")
        self.flow(split, merge, f"{rounds} &lt; 3 and n % 2 == 0")
        default = self.flow(split, leave)
        self.parts.append(f'<exclusiveGateway id="{split}" default="{default}"/>')
        return before, leave

    def race(self, depth: int) -> Block:
        gateway, join = self.node("eventBasedGateway"), self.node("exclusiveGateway")
        for definition in self.random.sample([self.message, self.signal, timer("PT2M"), ODD], self.random.randrange(2, 4)):
            event = self.node("intermediateCatchEvent", definition)
            self.flow(gateway, event)
            self.flow(event, join)
        return gateway, join

    # --- boundary events and subprocesses ---------------------------------------------------------------------------------------
    def watched(self, depth: int) -> Block:
        """Boundary events on an activity: any trigger, interrupting or not, several, parallel multiple."""
        key = self.random.choice([self.person_task, self.subprocess_key, self.call_key])(depth)
        join = self.node("exclusiveGateway")
        self.flow(key, join)
        for definition in self.random.sample([self.message, self.signal, timer("R2/PT3M", "timeCycle"), ODD, self.message + self.signal], 2):
            cancel = self.random.choice(["true", "false"])
            parallel = ' parallelMultiple="true"' if definition.count("Ref") > 1 and self.random.random() < 0.5 else ""
            event = self.node("boundaryEvent", definition, f'attachedToRef="{key}" cancelActivity="{cancel}"{parallel}')
            self.flow(event, join if cancel == "true" else self.node("endEvent"))
        return key, join

    def person_task(self, depth: int) -> str:
        return self.node("userTask")

    def subprocess_key(self, depth: int) -> str:
        return self.subprocess(depth)[0]

    def call_key(self, depth: int) -> str:
        return self.call(depth)[0]

    def handled(self, depth: int) -> Block:
        """A subprocess with an event subprocess of any start."""
        key, handler = self.id("n"), self.id("n")
        definition, only = self.random.choice(
            [(self.message, ""), (self.signal, ""), (timer("PT3M"), ""), (ODD, "true"), ('<errorEventDefinition errorRef="E1"/>', "true"),
             ('<escalationEventDefinition escalationRef="C1"/>', ""), (COMPENSATE, "true")]
        )  # fmt: skip
        interrupting = only or self.random.choice(["true", "false"])
        inside = self._inside(depth - 1)
        event = f'<startEvent id="{handler}s" isInterrupting="{interrupting}">{definition}</startEvent><userTask id="{handler}u"/>'
        event += f'<sequenceFlow id="{handler}f" sourceRef="{handler}s" targetRef="{handler}u"/>'
        self.parts.append(f'<subProcess id="{key}">{inside}<subProcess id="{handler}" triggeredByEvent="true">{event}</subProcess></subProcess>')
        return key, key

    def failing(self, depth: int) -> Block:
        """An error end event, or an error of a handler, and the boundary event that catches it."""
        join = self.node("exclusiveGateway")
        if self.random.random() < 0.3:
            key = self.node("serviceTask", "", 'f:handler="moody"')
        else:
            key, outer = self.id("n"), self.parts
            self.parts = []
            start, split, body = self.node("startEvent"), self.id("n"), self.block(depth - 1)
            self.flow(start, body[0])
            self.flow(body[1], split)
            self.flow(split, self.node("endEvent", '<errorEventDefinition errorRef="E1"/>'), "n % 2 == 0")
            default = self.flow(split, self.node("endEvent", self.random.choice(["", "<terminateEventDefinition/>"])))
            self.parts.append(f'<exclusiveGateway id="{split}" default="{default}"/>')
            inner, self.parts = "".join(self.parts), outer
            loop = self.random.choice(["", "", MANY.format("", 2, "")])
            self.parts.append(f'<subProcess id="{key}">{inner}{loop}</subProcess>')
        catcher = self.random.choice(["<errorEventDefinition/>", '<errorEventDefinition errorRef="E1"/>'])
        event = self.node("boundaryEvent", catcher, f'attachedToRef="{key}"')
        self.flow(event, join)
        self.flow(key, join)
        return key, join

    def transaction(self, depth: int) -> Block:
        """Ends well or is cancelled; what it completed is compensated then."""
        key, outer = self.id("n"), self.parts
        self.parts = []
        start, split, body, done = self.node("startEvent"), self.id("n"), self.block(depth - 1), self.undone(depth)
        self.flow(start, done[0])
        self.flow(done[1], body[0])
        self.flow(body[1], split)
        self.flow(split, self.node("endEvent", "<cancelEventDefinition/>"), "n % 2 == 0")
        default = self.flow(split, self.node("endEvent"))
        self.parts.append(f'<exclusiveGateway id="{split}" default="{default}"/>')
        inner, self.parts = "".join(self.parts), outer
        self.parts.append(f'<transaction id="{key}">{inner}</transaction>')
        join = self.node("exclusiveGateway")
        self.flow(self.node("boundaryEvent", "<cancelEventDefinition/>", f'attachedToRef="{key}"'), join)
        self.flow(key, join)
        return key, join

    def ad_hoc(self, depth: int) -> Block:
        """Activities without an order, with or without a condition and a flow between two of them."""
        key, outer = self.id("n"), self.parts
        self.parts = []
        activities = [self.random.choice([self.task, self.person_block])(depth) for _ in range(3)]
        if self.random.random() < 0.4:
            self.flow(activities[0][1], activities[1][0])
        inner, self.parts = "".join(self.parts), outer
        ordering = self.random.choice(["Parallel", "Sequential"])
        condition = self.random.choice(["", "<completionCondition>n == 3</completionCondition>"])
        cancel = self.random.choice(["true", "false"])
        self.parts.append(
            f'<adHocSubProcess id="{key}" ordering="{ordering}" cancelRemainingInstances="{cancel}">{inner}{condition}</adHocSubProcess>'
        )
        return key, key

    def person_block(self, depth: int) -> Block:
        key = self.node("userTask")
        return key, key

    def call(self, depth: int) -> Block:
        """A process of the same file; all variables, some, or several times."""
        name, outer = f"{self.id('q')}-{self.seed}", self.parts
        self.parts = []
        start, body = self.node("startEvent"), self.block(depth - 2)
        self.flow(start, body[0])
        self.flow(body[1], self.node("endEvent", self.random.choice(["", '<escalationEventDefinition escalationRef="C1"/>'])))
        self.called.append(f'<process id="{name}" isExecutable="true">{"".join(self.parts)}</process>')
        self.parts = outer
        mapping = '<camunda:in source="n" target="n"/><camunda:in source="xs" target="xs"/><camunda:in sourceExpression="[]" target="rows"/>'
        mapping = f'<extensionElements>{mapping}<camunda:out source="n" target="n"/></extensionElements>'
        loop = self.random.choice(["", "", "", MANY.format(' isSequential="true"', 2, ""), MANY.format("", 2, "")])
        key = self.node("callActivity", self.random.choice(["", mapping]) + loop, f'calledElement="{name}"')
        return key, key
