"""Open elements as operators are shown them: what the interpreter knows, the state of the jobs, and the acts that can succeed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from engine.model.waits import Awaited, OpenElement, OpenToken, Wait
from engine.ports import Due

FIRES = ("timer", "continuation")
BY_HAND = ("task", "job", *FIRES)  # their end can be given by hand


def shown(instance_id: str, tokens: Iterable[OpenToken], jobs: Mapping[int, Due], now: datetime, *, suspended: bool) -> list[OpenElement]:
    """`jobs`: those of the instance's elements, by key. A suspended instance takes none of the acts."""
    return [_element(instance_id, one, jobs, now, suspended=suspended) for one in tokens]


def backs_off(job: Due, now: datetime) -> bool:
    """Has it failed, and waits for its next attempt? Nobody is at work on it then."""
    free = job.lease_until is None or job.lease_until <= now
    return job.state == "due" and job.attempts > 0 and job.due_at > now and free


def own_timer(token: OpenToken) -> int | None:
    """Key of the only timer or transaction boundary that it waits for itself, not at its boundary."""
    own = [one for one in token.waits if not one.boundary]
    return own[0].key if len(own) == 1 and own[0].kind in FIRES else None


def _element(instance_id: str, token: OpenToken, jobs: Mapping[int, Due], now: datetime, *, suspended: bool) -> OpenElement:
    waits = tuple(_wait(instance_id, one, jobs.get(one.key), now, suspended=suspended) for one in token.waits)
    own = [one for one in waits if not one.boundary]
    work_id = f"{instance_id}-{token.key}"
    acts = dict.fromkeys((*(act for one in own if one.id == work_id for act in one.acts), *(() if suspended else token.acts)))
    if len(own) != 1:
        return OpenElement(work_id, token.element_id, "events" if own else token.otherwise, acts=tuple(acts), waits=waits)
    [one] = own
    return OpenElement(work_id, token.element_id, one.kind, one.state, one.attempts, one.retries, one.due, tuple(acts), waits)


def _wait(instance_id: str, one: Awaited, job: Due | None, now: datetime, *, suspended: bool) -> Wait:
    acts = () if suspended else tuple(_acts(one, job, now))
    if job is None:
        return Wait(f"{instance_id}-{one.key}", one.element_id, one.kind, one.name, one.boundary, acts=acts)
    name = (job.handler or "") if one.kind == "job" else one.name
    return Wait(job.id, one.element_id, one.kind, name, one.boundary, job.state, job.attempts, job.retries, job.due_at, acts)


def _acts(one: Awaited, job: Due | None, now: datetime) -> Iterable[str]:
    failed = job is not None and job.state == "failed"
    if one.incident or failed or (job is not None and backs_off(job, now)):
        yield "retry"
    if one.kind in BY_HAND:
        yield "complete"
    if one.kind == "job" and not failed:
        yield "fail"
