"""What operators do to a running instance, as the interpreter sees it: retry, complete and fail by hand, move a token, suspend, resume.

Whether the operator may is decided outside (`engine.application.interventions`); here stands what makes sense in the diagram. Each function
checks before it changes anything and raises Conflict or InvalidInput with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.bpmn.activities import Activity, JobTask
from engine.bpmn.event_hub import Thrown
from engine.bpmn.events import BoundaryEvent, CatchEvent, StartEvent
from engine.bpmn.flow_node import FlowNode
from engine.bpmn.gateways import Join
from engine.bpmn.multi_instance import LoopBody
from engine.bpmn.token import ENTER, LEAVE, WAIT, Token
from engine.bpmn.workflow import InstanceWorkflow
from engine.errors import Conflict, InvalidInput
from engine.model import inputs
from engine.model.events import IncidentRaised, IncidentResolved, InstanceResumed, InstanceSuspended
from engine.model.values import Json

WHILE_SUSPENDED = (inputs.SetVariables, inputs.FailJob, inputs.CancelInstance, inputs.ResumeInstance)


def open_job(top: InstanceWorkflow, key: int) -> Token:
    """The token that waits for the job `key`. Raises Conflict."""
    token = top.tokens.get(key)
    if not _has_job(token):
        raise Conflict(f"There is no open job {key}.")
    assert token is not None
    return token


def _has_job(token: Token | None) -> bool:
    return token is not None and token.phase == WAIT and bool(token.memory.get("job"))


def _has_timer(top: InstanceWorkflow, key: int) -> bool:
    one = top.event_manager.subscriptions.get(key)
    return one is not None and one.kind == "timer"


# --- incidents of jobs --------------------------------------------------------------------------------------------------
def fail_job(top: InstanceWorkflow, movement: inputs.FailJob) -> None:
    """The job stands; whatever ends it resolves the incident."""
    if not _has_job(top.tokens.get(movement.key)) and not _has_timer(top, movement.key):
        raise Conflict(f"There is no open job {movement.key}.")
    top.incidents[movement.key] = movement.cause
    top.tell(IncidentRaised(movement.key, movement.element, movement.cause))


def retry(top: InstanceWorkflow, movement: inputs.RetryElement) -> None:
    """A job is made anew, with inputs and parameters evaluated again; an element repeats the phase that failed."""
    key, token = movement.key, top.tokens.get(movement.key)
    job, timer, known = _has_job(token), _has_timer(top, movement.key), movement.key in top.incidents
    if not (job or timer or (known and token is not None)):
        raise Conflict(f"Element {key} has no open incident.")
    _assign(top, key, movement.variables)
    top.incidents.pop(key, None)
    top.tell(IncidentResolved(key))
    if token is None:
        return  # a timer: its job becomes due again
    if job:
        token.task_spec.end_job(token, "retried")
        token.resume(ENTER)
    elif token._state & TaskState.WAITING:  # nothing of it is to be repeated: what failed is what others did to it
        token.task_spec.retry(token)
    else:
        token.resume(token.phase)


def _assign(top: InstanceWorkflow, key: int, variables: Mapping[str, Json]) -> None:
    """Where a variable lives, seen from the element; else to the instance."""
    token = top.tokens.get(key)
    if token is None:
        one = top.event_manager.subscriptions[key]
        scope = top.tokens[one.owner].scope if one.owner is not None else one.workflow.scope
    else:
        scope = token.scope
    scope.assign_all(variables)


# --- by hand -------------------------------------------------------------------------------------------------------------
def complete_element(top: InstanceWorkflow, movement: inputs.CompleteElement) -> None:
    """Only what has failed at its own work: an activity or a catching event. After a failed choice of ways the token is to be moved."""
    token = top.tokens.get(movement.key)
    if token is None or movement.key not in top.incidents:
        raise Conflict(f"Element {movement.key} has no open incident.")
    spec = token.task_spec
    if isinstance(spec, LoopBody) or not isinstance(spec, Activity | CatchEvent) or token.phase != ENTER or token.memory.get("arrived"):
        raise Conflict(f"{token.element} did not fail at work whose result could be given by hand; change variables and retry, or move the token.")
    token.scope.assign_all(movement.variables)
    top.forget_incident(token.id)
    token.resume(LEAVE)


def throw_error(top: InstanceWorkflow, movement: inputs.ThrowJobError) -> None:
    """A handler's business error; or an operator's, which something must catch."""
    token = _catchable(top, movement) if movement.reason else open_job(top, movement.key)
    if isinstance(token.task_spec, JobTask):
        token.task_spec.end_job(token, "error")
    top.event_manager.throw_error(token, movement.code, movement.variables, movement.message)


def _catchable(top: InstanceWorkflow, movement: inputs.ThrowJobError) -> Token:
    token = top.tokens.get(movement.key)
    if token is None or not isinstance(token.task_spec, Activity) or isinstance(token.task_spec, LoopBody):
        raise Conflict(f"There is no open activity {movement.key}.")
    if next(top.event_manager._catchers(token, Thrown("error", movement.code)), None) is None:
        text = f"Nothing catches the error {movement.code} at {token.element}; the instance would end as failed. Cancel it, or move the token."
        raise Conflict(text)
    return token


# --- moving --------------------------------------------------------------------------------------------------------------
def move(top: InstanceWorkflow, movement: inputs.MoveToken) -> None:
    """Withdraw one element instance, begin another one in the same scope. The scope does not end in between."""
    token = top.tokens.get(movement.key)
    if token is None or not token.open or not token.task_spec.reported:
        raise Conflict(f"There is no open element {movement.key} (any more).")
    _movable(token)
    target = _target(top, token, movement.target)
    workflow = token.workflow
    workflow.scope.assign_all(movement.variables)
    token.cancel()
    target.arrive(workflow)


def _movable(token: Token) -> None:
    name = token.element
    if token.body is not None:
        raise Conflict(f"{name} is one iteration of a loop or multi-instance activity; it cannot be moved by itself.")
    if token.driver is not None:
        raise Conflict(f"{name} compensates; what compensates cannot be moved.")
    if "arrived" in token.memory:
        raise Conflict(f"The tokens at {name} wait for others to join them; they cannot be moved.")
    if token.task_spec.is_event_subprocess:
        raise Conflict(f"{name} is an event subprocess, which its event has started; it cannot be moved.")
    if token.workflow.spec.ad_hoc is not None:
        raise Conflict(f"{name} is in an ad-hoc subprocess, where no order is laid down; complete it by hand instead.")


def _target(top: InstanceWorkflow, token: Token, target: str) -> FlowNode:
    """Raises InvalidInput with the reason why the token cannot go there."""
    spec = token.workflow.spec.task_specs.get(target)
    if spec is None or target not in token.workflow.spec.container.nodes:
        known = any(target in scope.spec.container.nodes for scope in top.live.values()) or target in _inside(top.spec.container)
        reason = "lies in another scope (subprocess or called process) than" if known else "is no element of the process of"
        raise InvalidInput(f"{target} {reason} {token.element}; a token moves within its scope.")
    found: FlowNode = spec
    node = found.node
    refusals: tuple[tuple[bool, str], ...] = (
        (isinstance(found, BoundaryEvent), "is a boundary event, which begins only when its event happens"),
        (found.is_event_subprocess, "is an event subprocess, which begins only when its event happens"),
        (node.for_compensation, "only compensates"),
        (isinstance(found, StartEvent) and bool(node.definitions), "is a start event that waits for its event"),
        (isinstance(found, Join) and len(node.incoming) > 1, "is a join, which counts the flows that its tokens come over; move to what follows it"),
        (found.is_activity and node.start_quantity > 1, "takes several tokens at once"),
    )
    for refused, reason in refusals:
        if refused:
            raise InvalidInput(f"{target} {reason}.")
    return found


def _inside(container: Any) -> set[str]:
    """Ids of all flow nodes below."""
    found = set(container.nodes)
    for node in container.nodes.values():
        if node.inner is not None:
            found |= _inside(node.inner)
    return found


# --- suspending ----------------------------------------------------------------------------------------------------------
def suspend(top: InstanceWorkflow, movement: inputs.SuspendInstance) -> None:
    """From here on only what `WHILE_SUSPENDED` lists is taken."""
    top.suspended = True
    top.tell(InstanceSuspended(movement.reason))


def resume(top: InstanceWorkflow, movement: inputs.ResumeInstance) -> None:
    """Conditional events look at the variables that were changed meanwhile."""
    if not top.suspended:
        raise Conflict("The instance is not suspended.")
    top.suspended = False
    top.changed = bool(top.event_manager.conditions)
    top.tell(InstanceResumed(movement.reason))


ACTS: Mapping[type[Any], Callable[[InstanceWorkflow, Any], None]] = {
    inputs.FailJob: fail_job,
    inputs.RetryElement: retry,
    inputs.CompleteElement: complete_element,
    inputs.ThrowJobError: throw_error,
    inputs.MoveToken: move,
    inputs.SuspendInstance: suspend,
    inputs.ResumeInstance: resume,
}
