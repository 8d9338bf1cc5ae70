"""Transaction boundaries that a diagram asks for (`asyncBefore`, `asyncAfter`): the token waits for a job that is due at once.

What happened up to there is committed, whatever becomes of the rest. The job is a timer to everything outside the interpreter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.bpmn.token import CHOOSE, LEAVE
from engine.model.events import JobCreated, JobEnded

if TYPE_CHECKING:
    from engine.bpmn.token import Token


def note(token: Token) -> None:
    """The token begins at an event that has already happened: its boundary lies before the phase LEAVE."""
    if token.task_spec.node.async_before:
        token.memory["happened"] = True


def stops(token: Token) -> bool:
    """Has the token come to a boundary that it has not passed yet? Then its job is made. Asked in the phases ENTER, LEAVE and CHOOSE."""
    if token.phase == LEAVE and "happened" not in token.memory:
        return False
    if token.driver is not None or "async" in token.memory or token.phase in token.memory.get("passed", ()):
        return False
    node = token.task_spec.node
    bounds = node if token.body is None else node.loop
    if not (bounds.async_after if token.phase == CHOOSE else bounds.async_before):
        return False
    top = token.workflow.top_workflow
    if token.phase == CHOOSE:
        top.event_manager.close_all(token)  # the activity itself is over: its boundary events are, too
    key = top.next_key()
    token.memory["async"] = [key, token.phase]
    top.continuations[key] = token.id
    top.tell(JobCreated(key, token.element, "timer", retries=node.retry.attempts, backoff=node.retry.backoff))
    return True


def go_on(top: Any, key: int) -> bool:
    """The job `key` is due: its token goes on where it stopped. False when it is no such job."""
    if key not in top.continuations:
        return False
    token = top.tokens[top.continuations.pop(key)]
    _, phase = token.memory.pop("async")
    token.memory.setdefault("passed", []).append(phase)
    top.tell(JobEnded(key, "triggered"))
    top.forget_incident(key)
    token.resume(phase)
    return True


def give_up(token: Token) -> None:
    """The token is withdrawn."""
    if "async" in token.memory:
        key, _ = token.memory.pop("async")
        top = token.workflow.top_workflow
        del top.continuations[key]
        top.tell(JobEnded(key, "cancelled"))
        top.forget_incident(key)


def restored(token: Token) -> None:
    """Index the job of a token from a snapshot."""
    if "async" in token.memory:
        token.workflow.top_workflow.continuations[token.memory["async"][0]] = token.id
