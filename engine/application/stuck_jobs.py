"""What operators do about jobs that failed for good without an incident: try them again, throw them away.

They belong to no element, or to one of an instance in which no incident could be recorded. So each act is written down beside the jobs, with who and why.
"""

from __future__ import annotations

from dataclasses import replace

from engine.application.interventions import OPERATE, because
from engine.application.services import Services
from engine.errors import Conflict, NotFound
from engine.identity import policy
from engine.model import schedule
from engine.model.actors import Actor
from engine.model.stuck_jobs import DiscardJob, RetryJob
from engine.model.values import iso
from engine.ports import OF_ELEMENTS, Due, UnitOfWork

#: They carry no process on, or are a start whose cycle goes on. Another start, a message or signal does: without it something would wait for ever
#: that the history says was sent.
DISCARDABLE = frozenset({"mail", "notify", "periodic", "missed"})


def retry(uow: UnitOfWork, services: Services, command: RetryJob, actor: Actor, request_id: str | None = None) -> None:
    """With all its attempts. Raises NotAllowed, InvalidInput, NotFound, Conflict."""
    policy.require(actor, OPERATE)
    why = because(services, command.reason)
    job = _failed(uow, command.job_id)
    if not uow.jobs.revive(job.id, uow.now):
        raise NotFound(kind="failed job", id=job.id)  # somebody was quicker
    uow.jobs.write_down(job, "retry", actor.id, why, uow.now)
    uow.due_now()


def discard(uow: UnitOfWork, services: Services, command: DiscardJob, actor: Actor, request_id: str | None = None) -> None:
    """It is gone; periodic work comes again at its next time. Raises NotAllowed, InvalidInput, NotFound, Conflict."""
    policy.require(actor, OPERATE)
    why = because(services, command.reason)
    job = _failed(uow, command.job_id)
    if job.kind not in DISCARDABLE:
        raise Conflict("It carries a process on and cannot be thrown away; mend the cause and try it again.")
    if not uow.jobs.drop_failed(job.id):
        raise NotFound(kind="failed job", id=job.id)
    plan = schedule.following(str(job.parameters["text"]), None, job.planned, uow.now) if job.kind == "periodic" else None
    if plan is not None:
        parameters = {**job.parameters, "text": plan.text, "planned": iso(plan.due)}
        uow.jobs.add_new([replace(job, parameters=parameters, due_at=plan.due, attempts=0, state="due")])
    uow.jobs.write_down(job, "discard", actor.id, why, uow.now)


def _failed(uow: UnitOfWork, job_id: str) -> Due:
    job = uow.jobs.get(job_id)
    if job is None or job.state != "failed":
        raise NotFound(kind="failed job", id=job_id)
    if job.kind in OF_ELEMENTS and uow.jobs.has_incident(job.id):
        raise Conflict(f"The job belongs to {job.element_id}; retry its incident.")
    return job
