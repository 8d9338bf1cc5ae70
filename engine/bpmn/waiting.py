"""What is open in an instance, what it waits for, and which acts of an operator make sense there. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn.activities import Activity
from engine.bpmn.event_hub import Thrown
from engine.bpmn.interventions import has_job, own_work_failed, unmovable
from engine.bpmn.multi_instance import LoopBody
from engine.bpmn.subscription import BOUNDARY, Subscription
from engine.bpmn.token import Token
from engine.bpmn.workflow import InstanceWorkflow
from engine.model.waits import Awaited, OpenToken

KINDS = {"conditional": "condition"}


class AnyError(Thrown):
    """Fits every event that catches an error."""

    def caught_by(self, definition: object) -> int:
        return int(getattr(definition, "kind", None) == self.kind)


def open_tokens(top: InstanceWorkflow) -> tuple[OpenToken, ...]:
    """Oldest first: element instances that the outcome has shown, loops that stand with an incident, event subprocesses that wait for their start."""
    holding = {scope.holder.id for scope in top.get_active_subprocesses()}
    undoing = {token.driver for token in top.tokens.values()}
    shown = [token for _, token in sorted(top.tokens.items()) if token.task_spec.reported or token.id in top.incidents]
    found = [OpenToken(one.id, one.element, tuple(_waits(top, one)), _otherwise(top, one, holding, undoing), tuple(_acts(top, one))) for one in shown]
    return (*found, *_armed(top))


def _waits(top: InstanceWorkflow, token: Token) -> Iterator[Awaited]:
    """Its own first; what is at the boundary of a loop waits beside each of its iterations."""
    if token.memory.get("offered"):
        yield Awaited(token.id, token.element, "task")
    if has_job(token):
        yield Awaited(token.id, token.element, "job", incident=token.id in top.incidents)
    if "async" in token.memory:
        key = token.memory["async"][0]
        yield Awaited(key, token.element, "continuation", incident=key in top.incidents)
    loop = top.tokens.get(token.body) if token.body is not None else None
    keys = (*token.subscriptions, *(loop.subscriptions if loop is not None else ()))
    known = [top.event_manager.subscriptions[key] for key in keys if key in top.event_manager.subscriptions]
    yield from (_awaited(top, one) for one in sorted(known, key=lambda one: (one.role == BOUNDARY, one.key)))


def _awaited(top: InstanceWorkflow, one: Subscription) -> Awaited:
    name = one.definition.text if one.kind == "conditional" else one.name
    return Awaited(one.key, one.node.id, KINDS.get(one.kind, one.kind), name, one.role == BOUNDARY, one.key in top.incidents)


def _otherwise(top: InstanceWorkflow, token: Token, holding: set[int], undoing: set[int | None]) -> str:
    reasons = (
        ("incident", token.id in top.incidents),
        ("scope", token.id in holding),
        ("compensation", token.id in undoing),
        ("join", "arrived" in token.memory),
    )
    return next((why for why, holds in reasons if holds), "")


def _acts(top: InstanceWorkflow, token: Token) -> Iterator[str]:
    """As the functions of `engine.bpmn.interventions` would judge."""
    if token.id in top.incidents:
        yield "retry"
    if own_work_failed(top, token):
        yield "complete"
    fails = isinstance(token.task_spec, Activity) and not isinstance(token.task_spec, LoopBody)
    if fails and next(top.event_manager._catchers(token, AnyError("error", None)), None) is not None:
        yield "error"
    if token.task_spec.reported and not unmovable(token):
        yield "move"


def _armed(top: InstanceWorkflow) -> Iterator[OpenToken]:
    subscriptions = top.event_manager.subscriptions
    for key in sorted(key for scope in top.live.values() for key in scope.subscriptions):
        if key in subscriptions:
            waits = _awaited(top, subscriptions[key])
            yield OpenToken(key, waits.element_id, (waits,), acts=("retry",) if waits.incident else ())
