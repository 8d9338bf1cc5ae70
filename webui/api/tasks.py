"""User tasks: list, look at, claim, complete. Completion is the busiest route: no session, no template, one token look-up."""

from __future__ import annotations

import dataclasses
from typing import Any

from engine.model.commands import Claim, Complete, HandOver, Release
from engine.model.views import TaskFilter
from webui.api.calls import IDEMPOTENCY, ApiBlueprint, actor, engine, execute
from webui.api.schemas import CompleteIn, HandOverIn, InstanceRefOut, TaskDetailOut, TaskPageOut, TasksIn

blueprint = ApiBlueprint("api_tasks", __name__, url_prefix="/api/v1/tasks", description="User tasks")


@blueprint.route("", methods=["GET"])
@blueprint.arguments(TasksIn, location="query")
@blueprint.response(200, TaskPageOut)
def tasks(query: dict[str, Any]) -> Any:
    """The caller's worklist."""
    with engine().reading() as read:
        return read.worklist(actor(), TaskFilter(**query))


@blueprint.route("/<task_id>", methods=["GET"])
@blueprint.response(200, TaskDetailOut)
def task(task_id: str) -> Any:
    """One task with the present values of its form's fields."""
    with engine().reading() as read:
        row = read.task(actor(), task_id)
        _, values = read.task_form(actor(), task_id)
    return {f.name: getattr(row, f.name) for f in dataclasses.fields(row)} | {"values": values}


@blueprint.route("/<task_id>/claim", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.response(200, InstanceRefOut)
def claim(task_id: str) -> Any:
    """Take a task of one's groups."""
    return execute(Claim(task_id))


@blueprint.route("/<task_id>/release", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.response(200, InstanceRefOut)
def release(task_id: str) -> Any:
    """Give a claimed task back."""
    return execute(Release(task_id))


@blueprint.route("/<task_id>/hand-over", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(HandOverIn)
@blueprint.response(200, InstanceRefOut)
def hand_over(body: dict[str, Any], task_id: str) -> Any:
    """Pass one's task to somebody else."""
    return execute(HandOver(task_id, body["assignee"], body["reason"]))


@blueprint.route("/<task_id>/complete", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(CompleteIn)
@blueprint.response(200, InstanceRefOut)
def complete(body: dict[str, Any], task_id: str) -> Any:
    """Finish the task; claims it on the way when nobody holds it."""
    return execute(Complete(task_id, body["values"]))
