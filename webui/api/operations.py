"""For operators: open elements, incidents, acts by hand, suspending versions, acts on many."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from engine.model.commands import (
    CompleteByHand,
    FailByHand,
    MoveToken,
    ResumeDefinition,
    RetryIncident,
    StartBulk,
    StopBulk,
    SuspendDefinition,
)
from engine.model.stuck_jobs import DiscardJob, RetryJob
from engine.model.views import IncidentFilter, Page
from webui.api.calls import IDEMPOTENCY, ApiBlueprint, actor, engine, execute
from webui.api.operation_schemas import (
    BulkIn,
    BulkItemPageOut,
    BulkItemsIn,
    BulkOut,
    ByHandIn,
    FailIn,
    IncidentPageOut,
    IncidentsIn,
    JobActOut,
    MoveIn,
    OpenElementOut,
    StuckJobPageOut,
    StuckJobsIn,
)
from webui.api.schemas import InstanceRefOut, ReasonIn
from webui.causes import plain

blueprint = ApiBlueprint("api_operations", __name__, url_prefix="/api/v1", description="What operators see and do")


@blueprint.route("/instances/<instance_id>/elements", methods=["GET"])
@blueprint.response(200, OpenElementOut(many=True))
def elements(instance_id: str) -> Any:
    """Each open element of an instance once, with what it waits for and what an operator can do; event subprocesses that wait for their start, too."""
    with engine().reading() as read:
        return read.open_elements(actor(), instance_id)


@blueprint.route("/elements/<work_id>/complete", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(ByHandIn)
@blueprint.response(200, InstanceRefOut)
def complete_element(body: dict[str, Any], work_id: str) -> Any:
    """Finish an open user task, job, timer or failed element by hand; the reason stands in the history."""
    return execute(CompleteByHand(work_id, body["reason"], body["variables"]))


@blueprint.route("/elements/<work_id>/fail", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(FailIn)
@blueprint.response(200, InstanceRefOut)
def fail_element(body: dict[str, Any], work_id: str) -> Any:
    """Let it end with a BPMN error that the diagram catches, or (without a code) let a job fail for good."""
    return execute(FailByHand(work_id, body["reason"], body["code"], body["variables"]))


@blueprint.route("/elements/<work_id>/move", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(MoveIn)
@blueprint.response(200, InstanceRefOut)
def move_token(body: dict[str, Any], work_id: str) -> Any:
    """Withdraw an open element and begin another one of its scope; 400 or 409 with the reason where that makes no sense."""
    return execute(MoveToken(work_id, body["target"], body["reason"], body["variables"], body["element"]))


@blueprint.route("/incidents", methods=["GET"])
@blueprint.arguments(IncidentsIn, location="query")
@blueprint.response(200, IncidentPageOut)
def incidents(query: dict[str, Any]) -> Any:
    """Incidents, newest first; `stack` for operators only."""
    wanted = IncidentFilter(open_only=query.pop("open"), **query)
    with engine().reading() as read:
        page = read.incident_page(actor(), wanted)
    return Page([asdict(one) | asdict(plain(one.cause)) for one in page.rows], page.next)


@blueprint.route("/incidents/<incident_id>/retry", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(ByHandIn)
@blueprint.response(200, InstanceRefOut)
def retry_incident(body: dict[str, Any], incident_id: str) -> Any:
    """Change variables and try again, in one act; also what has failed and waits for its next attempt, by its work id."""
    return execute(RetryIncident(incident_id, body["reason"], body["variables"]))


@blueprint.route("/jobs/stuck", methods=["GET"])
@blueprint.arguments(StuckJobsIn, location="query")
@blueprint.response(200, StuckJobPageOut)
def stuck_jobs(query: dict[str, Any]) -> Any:
    """Work that failed for good without an incident: timed starts, messages on their way, notices, periodic work; of elements only what no record could
    be written about. Oldest first.
    """
    with engine().reading() as read:
        return read.stuck_jobs(actor(), query["cursor"])


@blueprint.route("/jobs/<path:job_id>/retry", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(ReasonIn)
@blueprint.response(204)
def retry_job(body: dict[str, Any], job_id: str) -> None:
    """Try one of them again."""
    execute(RetryJob(job_id, body["reason"]))


@blueprint.route("/jobs/<path:job_id>/discard", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(ReasonIn)
@blueprint.response(204)
def discard_job(body: dict[str, Any], job_id: str) -> None:
    """Throw one away that carries no process on (`discardable`); periodic work comes again at its next time. 409 for others."""
    execute(DiscardJob(job_id, body["reason"]))


@blueprint.route("/jobs/acts", methods=["GET"])
@blueprint.response(200, JobActOut(many=True))
def job_acts() -> Any:
    """Who tried again or threw away what, and why; the newest 50."""
    with engine().reading() as read:
        return read.job_acts(actor())


@blueprint.route("/definitions/<definition_id>/suspend", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(ReasonIn)
@blueprint.response(204)
def suspend_definition(body: dict[str, Any], definition_id: str) -> None:
    """Nothing starts this version any more; its running instances go on."""
    execute(SuspendDefinition(definition_id, body["reason"]))


@blueprint.route("/definitions/<definition_id>/resume", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(ReasonIn)
@blueprint.response(204)
def resume_definition(body: dict[str, Any], definition_id: str) -> None:
    """It can be started again; what would have started it meanwhile does so now."""
    execute(ResumeDefinition(definition_id, body["reason"]))


@blueprint.route("/operations", methods=["GET"])
@blueprint.response(200, BulkOut(many=True))
def operations() -> Any:
    """The newest acts on many."""
    with engine().reading() as read:
        return read.bulks(actor())


@blueprint.route("/operations", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(BulkIn)
@blueprint.response(202, BulkOut)
def start_operation(body: dict[str, Any]) -> Any:
    """Order an act on many; jobs carry it out item by item."""
    return execute(StartBulk(**body | {"targets": tuple(body["targets"])}))


@blueprint.route("/operations/<bulk_id>", methods=["GET"])
@blueprint.response(200, BulkOut)
def operation(bulk_id: str) -> Any:
    """Its progress."""
    with engine().reading() as read:
        return read.bulk(actor(), bulk_id)


@blueprint.route("/operations/<bulk_id>/items", methods=["GET"])
@blueprint.arguments(BulkItemsIn, location="query")
@blueprint.response(200, BulkItemPageOut)
def items(query: dict[str, Any], bulk_id: str) -> Any:
    """Each target with its state, and the reason of a refusal. `next` is the `after` of the following page."""
    with engine().reading() as read:
        return read.bulk_items(actor(), bulk_id, query["state"], query["after"])


@blueprint.route("/operations/<bulk_id>/stop", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.response(200, BulkOut)
def stop_operation(bulk_id: str) -> Any:
    """What has not been done yet is left undone."""
    return execute(StopBulk(bulk_id))
