"""Starting, listing, changing and auditing process instances."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, url_for

from engine.model.commands import Cancel, ChangeVariables, Resume, Start, StartActivity, Suspend
from engine.model.views import InstanceFilter
from webui.api.calls import IDEMPOTENCY, ApiBlueprint, actor, engine, execute
from webui.api.schemas import (
    ActivityIn,
    InstanceOut,
    InstancePageOut,
    InstanceRefOut,
    InstancesIn,
    ReasonIn,
    RecordPageOut,
    RecordsIn,
    StartIn,
    VariablesIn,
    VariablesOut,
    VerificationOut,
)
from webui.export import json_lines

blueprint = ApiBlueprint("api_instances", __name__, url_prefix="/api/v1/instances", description="Process instances and their records")


@blueprint.route("", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(StartIn)
@blueprint.response(201, InstanceRefOut)
def start(body: dict[str, Any]) -> Any:
    """Start an instance; it runs to its next wait state."""
    ref = execute(Start(body["process_id"], body["variables"], body["business_key"], body["definition_id"]))
    return ref, 201, {"Location": url_for("api_instances.instance", instance_id=ref.instance_id)}


@blueprint.route("", methods=["GET"])
@blueprint.arguments(InstancesIn, location="query")
@blueprint.response(200, InstancePageOut)
def instances(query: dict[str, Any]) -> Any:
    """Instances that the caller may see, newest first."""
    with engine().reading() as read:
        return read.instances(actor(), InstanceFilter(**query))


@blueprint.route("/<instance_id>", methods=["GET"])
@blueprint.response(200, InstanceOut)
def instance(instance_id: str) -> Any:
    """One instance."""
    with engine().reading() as read:
        return read.instance(actor(), instance_id)


@blueprint.route("/<instance_id>/variables", methods=["GET"])
@blueprint.response(200, VariablesOut)
def variables(instance_id: str) -> Any:
    """Variables of the instance's scope."""
    with engine().reading() as read:
        return {"variables": read.variables(actor(), instance_id)}


@blueprint.route("/<instance_id>/variables", methods=["PATCH"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(VariablesIn)
@blueprint.response(200, InstanceRefOut)
def change_variables(body: dict[str, Any], instance_id: str) -> Any:
    """An operator sets variables; the reason stands in the history."""
    return execute(ChangeVariables(instance_id, body["variables"], body["reason"]))


@blueprint.route("/<instance_id>/cancel", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(ReasonIn)
@blueprint.response(200, InstanceRefOut)
def cancel(body: dict[str, Any], instance_id: str) -> Any:
    """End an instance; the reason stands in the history."""
    return execute(Cancel(instance_id, body["reason"]))


@blueprint.route("/<instance_id>/suspend", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(ReasonIn)
@blueprint.response(200, InstanceRefOut)
def suspend(body: dict[str, Any], instance_id: str) -> Any:
    """Nothing moves until it is resumed; the reason stands in the history."""
    return execute(Suspend(instance_id, body["reason"]))


@blueprint.route("/<instance_id>/resume", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(ReasonIn)
@blueprint.response(200, InstanceRefOut)
def resume(body: dict[str, Any], instance_id: str) -> Any:
    """It goes on; what became due meanwhile runs."""
    return execute(Resume(instance_id, body["reason"]))


@blueprint.route("/<instance_id>/activities", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(ActivityIn)
@blueprint.response(200, InstanceRefOut)
def start_activity(body: dict[str, Any], instance_id: str) -> Any:
    """Start an activity of an open ad-hoc subprocess, perhaps once more."""
    return execute(StartActivity(instance_id, body["element_id"], body["key"]))


@blueprint.route("/<instance_id>/records", methods=["GET"])
@blueprint.arguments(RecordsIn, location="query")
@blueprint.response(200, RecordPageOut)
def records(query: dict[str, Any], instance_id: str) -> Any:
    """Records with their hashes, oldest first."""
    with engine().reading() as read:
        page = read.record_page(actor(), instance_id, query["after"], query["size"])
    rows = [{"seq": r.seq, "hash": r.hash, "body": json.loads(r.body)} for r in page.rows]
    return {"rows": rows, "next": int(page.next) if page.next is not None else None}


@blueprint.route("/<instance_id>/records.jsonl", methods=["GET"])
@blueprint.response(200, {"type": "string"}, content_type="application/jsonl")
def record_lines(instance_id: str) -> Response:
    """The whole history as JSON lines: canonical bodies, byte for byte, with their hashes."""
    with engine().reading() as read:
        return json_lines(instance_id, read.records(actor(), instance_id))


@blueprint.route("/<instance_id>/verify", methods=["GET"])
@blueprint.response(200, VerificationOut)
def verify(instance_id: str) -> Any:
    """Check the hash chain and re-execute every record; a broken history answers 500 with the record that does not verify."""
    with engine().reading() as read:
        row = read.instance(actor(), instance_id)
        read.verify(actor(), instance_id)
        compared = read.reexecute(actor(), instance_id)
    return {"verified": True, "records": row.seq, "reexecuted": compared, "head_hash": row.head_hash}
