"""What operators do to a running instance, as the interpreter sees it: retry, complete and fail by hand, move a token, suspend, resume.

Whether the operator may is decided outside (`engine.application.interventions`); here stands what makes sense in the diagram. Each function
checks before it changes anything and raises a Conflict with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.bpmn.activities import Activity
from engine.bpmn.event_hub import Thrown
from engine.bpmn.events import BoundaryEvent, CatchEvent, StartEvent
from engine.bpmn.flow_node import FlowNode
from engine.bpmn.gateways import Join
from engine.bpmn.job_work import JobWork
from engine.bpmn.multi_instance import LoopBody
from engine.bpmn.token import ENTER, LEAVE, WAIT, Token
from engine.bpmn.workflow import InstanceWorkflow
from engine.errors import Conflict, ErrorNotCaught, MoveRefused, NoOpenIncident, NoResultByHand
from engine.model import inputs
from engine.model.events import IncidentResolved, InstanceResumed, InstanceSuspended
from engine.model.values import Json

WHILE_SUSPENDED = (inputs.SetVariables, inputs.FailJob, inputs.CancelInstance, inputs.ResumeInstance, inputs.MigrateInstance)


def open_job(top: InstanceWorkflow, key: int) -> Token:
    """The token that waits for the job `key`. Raises Conflict."""
    token = top.tokens.get(key)
    if not has_job(token):
        raise Conflict(f"There is no open job {key}.")
    assert token is not None
    return token


def has_job(token: Token | None) -> bool:
    """Does it wait for its handler?"""
    return token is not None and token.phase == WAIT and bool(token.memory.get("job"))


def _has_timer(top: InstanceWorkflow, key: int) -> bool:
    """Also of a token that goes on in a transaction of its own (`engine.bpmn.continuation`)."""
    one = top.event_manager.subscriptions.get(key)
    return key in top.continuations or (one is not None and one.kind == "timer")


# --- incidents of jobs --------------------------------------------------------------------------------------------------
def fail_job(top: InstanceWorkflow, movement: inputs.FailJob) -> None:
    """The job stands; whatever ends it resolves the incident."""
    if not has_job(top.tokens.get(movement.key)) and not _has_timer(top, movement.key):
        raise Conflict(f"There is no open job {movement.key}.")
    top.note_incident(movement.key, movement.element, movement.cause)


def retry(top: InstanceWorkflow, movement: inputs.RetryElement) -> None:
    """A job is made anew, with inputs and parameters evaluated again; an element repeats the phase that failed."""
    key, token = movement.key, top.tokens.get(movement.key)
    job, timer, known = has_job(token), _has_timer(top, movement.key), movement.key in top.incidents
    if not (job or timer or known):
        raise NoOpenIncident(element=f"Element {key}")
    _assign(top, key, movement.variables)
    if known or not movement.waiting:  # an incident of a job in records of the first versions is not known here
        top.incidents.pop(key, None)
        top.tell(IncidentResolved(key))
    if timer or top.event_manager.retry(key):  # the job becomes due again; the condition is looked at
        return
    assert token is not None
    if job:
        token.task_spec.end_job(token, "retried")
        token.resume(ENTER)
    elif token._state & TaskState.WAITING:  # nothing of it is to be repeated: what failed is what others did to it
        token.task_spec.retry(token)
    else:
        token.resume(token.phase)


def _assign(top: InstanceWorkflow, key: int, variables: Mapping[str, Json]) -> None:
    """Where a variable lives, seen from the element; else to the instance."""
    token = top.tokens.get(top.continuations.get(key, key))
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
        raise NoOpenIncident(element=f"Element {movement.key}")
    if not own_work_failed(top, token):
        raise NoResultByHand(element=token.element)
    token.scope.assign_all(movement.variables)
    top.forget_incident(token.id)
    token.resume(LEAVE)


def own_work_failed(top: InstanceWorkflow, token: Token) -> bool:
    """It stands with an incident, and its result could be given by hand."""
    spec = token.task_spec
    own = isinstance(spec, Activity | CatchEvent) and not isinstance(spec, LoopBody)
    return own and token.id in top.incidents and token.phase == ENTER and not token.memory.get("arrived")


def throw_error(top: InstanceWorkflow, movement: inputs.ThrowJobError) -> None:
    """A handler's business error; or an operator's, which something must catch."""
    token = _catchable(top, movement) if movement.reason else open_job(top, movement.key)
    if isinstance(token.task_spec, JobWork):
        token.task_spec.end_job(token, "error")
    top.event_manager.throw_error(token, movement.code, movement.variables, movement.message)


def _catchable(top: InstanceWorkflow, movement: inputs.ThrowJobError) -> Token:
    token = top.tokens.get(movement.key)
    if token is None or not isinstance(token.task_spec, Activity) or isinstance(token.task_spec, LoopBody):
        raise Conflict(f"There is no open activity {movement.key}.")
    if next(top.event_manager._catchers(token, Thrown("error", movement.code)), None) is None:
        raise ErrorNotCaught(code=movement.code, element=token.element)
    return token


# --- moving --------------------------------------------------------------------------------------------------------------
def move(top: InstanceWorkflow, movement: inputs.MoveToken) -> None:
    """Withdraw one element instance, begin another one in the same scope. The scope does not end in between."""
    token = top.tokens.get(movement.key)
    if token is None or not token.open or not token.task_spec.reported:
        raise Conflict(f"There is no open element {movement.key} (any more).")
    target = token.workflow.spec.task_specs.get(movement.target)
    why = unmovable(token) or _unreachable(top, token, movement.target, target)
    if why:
        raise MoveRefused(why=why, element=token.element, target=movement.target)
    assert target is not None
    workflow = token.workflow
    workflow.scope.assign_all(movement.variables)
    token.cancel()
    target.arrive(workflow)


def targets(top: InstanceWorkflow, key: int) -> tuple[str, ...]:
    """Where the open element `key` can be moved, in the order of the diagram's file."""
    token = top.tokens.get(key)
    if token is None or not token.open or not token.task_spec.reported or unmovable(token):
        return ()
    spec = token.workflow.spec
    return tuple(one for one in spec.container.nodes if not _unreachable(top, token, one, spec.task_specs.get(one)))


def unmovable(token: Token) -> str:
    """Why it has to stay (a key of `MoveRefused.REASONS`), or ""."""
    reasons = (
        ("iteration", token.body is not None),
        ("compensation", token.driver is not None),
        ("joining", "arrived" in token.memory),
        ("event-subprocess", token.task_spec.is_event_subprocess),
        ("ad-hoc", token.workflow.spec.ad_hoc is not None),
    )
    return next((why for why, holds in reasons if holds), "")


def _unreachable(top: InstanceWorkflow, token: Token, target: str, spec: FlowNode | None) -> str:
    """Why no token can begin there, or ""."""
    if spec is None or target not in token.workflow.spec.container.nodes:
        elsewhere = any(target in scope.spec.container.nodes for scope in top.live.values()) or target in _inside(top.spec.container)
        return "scope" if elsewhere else "unknown"
    node = spec.node
    reasons = (
        ("boundary", isinstance(spec, BoundaryEvent)),
        ("event", spec.is_event_subprocess or (isinstance(spec, StartEvent) and bool(node.definitions))),
        ("compensates", node.for_compensation),
        ("join", isinstance(spec, Join) and len(node.incoming) > 1),
        ("several", spec.is_activity and node.start_quantity > 1),
    )
    return next((why for why, holds in reasons if holds), "")


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
    top.changed = bool(top.event_manager.conditions or top.event_manager.bound)
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
