"""Shapes of the API's requests and answers. Requests are strict: an unknown field is an error."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from engine.model.soundness import BUDGET

ID = validate.Length(min=1, max=255)
STATES = ("active", "suspended", "completed", "failed", "cancelled")
MAX_PAGE = 200
MAX_STATES = 50_000  # some seconds of a request


def variables(**kw: Any) -> fields.Dict:
    """A field of variables by name."""
    return fields.Dict(keys=fields.String(validate=ID), **kw)


# --- errors ------------------------------------------------------------------------------------------------------------
class ProblemSchema(ma.Schema):
    """RFC 9457."""

    type = fields.String(metadata={"example": "urn:flowledger:problem:TaskNotOpen"})
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    instance = fields.String(metadata={"description": "path of the request"})
    errors = fields.List(
        fields.Dict(), metadata={"description": "invalid fields: pointer, message_id, params, message (English), text (the reader's language)"}
    )
    problems = fields.List(fields.Dict(), metadata={"description": "findings in deployed files"})


# --- requests ----------------------------------------------------------------------------------------------------------
class DeploymentIn(ma.Schema):
    """Files in base64 by name; or send multipart/form-data with one part `file` per file."""

    files = fields.Dict(keys=fields.String(validate=ID), values=fields.String(), required=True, validate=validate.Length(min=1, max=100))
    comment = fields.String(load_default="", validate=validate.Length(max=2000))
    complete_from = fields.String(load_default=None, allow_none=True, validate=ID)


class SoundnessIn(ma.Schema):
    """Files in base64 by name; `states`: how many states of each process to look at."""

    files = fields.Dict(keys=fields.String(validate=ID), values=fields.String(), required=True, validate=validate.Length(min=1, max=100))
    complete_from = fields.String(load_default=None, allow_none=True, validate=ID)
    states = fields.Integer(load_default=BUDGET, strict=True, validate=validate.Range(1, MAX_STATES))


class StartIn(ma.Schema):
    """Exactly one of `process_id` (its newest version) and `definition_id`."""

    process_id = fields.String(load_default=None, allow_none=True, validate=ID)
    definition_id = fields.String(load_default=None, allow_none=True, validate=ID)
    business_key = fields.String(load_default=None, allow_none=True, validate=ID)
    variables = variables(load_default=dict)

    @ma.validates_schema
    def _one_of(self, data: dict[str, object], **_: object) -> None:
        if (data.get("process_id") is None) == (data.get("definition_id") is None):
            raise ma.ValidationError("give exactly one of process_id and definition_id", "process_id")


class CompleteIn(ma.Schema):
    """The values of the task's form."""

    values = variables(load_default=dict)


class HandOverIn(ma.Schema):
    """To whom and why."""

    assignee = fields.String(required=True, validate=ID)
    reason = fields.String(load_default="", validate=validate.Length(max=2000))


class ReasonIn(ma.Schema):
    """Why; it stands in the history."""

    reason = fields.String(required=True, validate=validate.Length(min=1, max=2000))


class ActivityIn(ma.Schema):
    """An activity that an open ad-hoc subprocess offers; `key`: of the subprocess, when several offer it."""

    element_id = fields.String(required=True, validate=ID)
    key = fields.Integer(load_default=0, validate=validate.Range(min=0, max=2**31 - 1))


class VariablesIn(ReasonIn):
    """An operator's change."""

    variables = variables(required=True)


class MessageIn(ma.Schema):
    """`correlation_key` picks the waiting instance; `keep_seconds`: how long to wait for a catcher when there is none."""

    name = fields.String(required=True, validate=ID)
    payload = variables(load_default=dict)
    correlation_key = fields.String(load_default=None, allow_none=True, validate=ID)
    keep_seconds = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(0, 31_536_000))


class SignalIn(ma.Schema):
    """To everybody who waits for it."""

    name = fields.String(required=True, validate=ID)
    payload = variables(load_default=dict)


class PageIn(ma.Schema):
    """Keyset paging: send back `next` as `cursor`."""

    cursor = fields.String(load_default=None, validate=validate.Length(max=1000))
    size = fields.Integer(load_default=50, validate=validate.Range(1, MAX_PAGE))


class InstancesIn(PageIn):
    """Filters of the instance list."""

    process_id = fields.String(load_default=None, validate=ID)
    definition_id = fields.String(load_default=None, validate=ID)
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    text = fields.String(load_default=None, validate=validate.Length(max=200))


class TasksIn(PageIn):
    """Filters of the worklist."""

    view = fields.String(load_default="all", validate=validate.OneOf(("mine", "groups", "all", "due", "overdue", "followup", "every")))
    state = fields.String(load_default="open", validate=validate.OneOf(("open", "completed", "cancelled")))
    process_id = fields.String(load_default=None, validate=ID)
    element_id = fields.String(load_default=None, validate=ID)
    instance_id = fields.String(load_default=None, validate=ID)
    text = fields.String(load_default=None, validate=validate.Length(max=200))
    sort = fields.String(
        load_default="due", validate=validate.OneOf(("due", "-due", "created", "-created", "priority", "-priority", "name", "-name"))
    )


class RecordsIn(ma.Schema):
    """Records after this seq."""

    after = fields.Integer(load_default=0, validate=validate.Range(0))
    size = fields.Integer(load_default=200, validate=validate.Range(1, 1000))


# --- answers -----------------------------------------------------------------------------------------------------------
class DefinitionOut(ma.Schema):
    """One version of a process."""

    id = fields.String()
    process_id = fields.String()
    version = fields.Integer()
    name = fields.String()
    deployed_at = fields.AwareDateTime()
    deployed_by = fields.String()
    comment = fields.String()
    content_hash = fields.String()
    active = fields.Integer()
    completed = fields.Integer()
    failed = fields.Integer()
    cancelled = fields.Integer()
    incidents = fields.Integer()
    latest = fields.Boolean()
    suspended = fields.Boolean()
    suspended_instances = fields.Integer()


class DeployedOut(ma.Schema):
    """One definition of a deployment."""

    id = fields.String()
    process_id = fields.String()
    version = fields.Integer()
    name = fields.String()
    content_hash = fields.String()


class ProblemOut(ma.Schema):
    """A finding that did not prevent the deployment."""

    file = fields.String()
    rule = fields.String()
    message = fields.String()
    element_id = fields.String(allow_none=True)
    element_name = fields.String(allow_none=True)
    line = fields.Integer(allow_none=True)
    advice = fields.String()
    severity = fields.String()


class DeploymentOut(ma.Schema):
    """What was deployed."""

    id = fields.String()
    definitions = fields.List(fields.Nested(DeployedOut))
    warnings = fields.List(fields.Nested(ProblemOut))


class FindingOut(ProblemOut):
    """A flaw with the flow nodes and sequence flows that lead there, and where tokens stand then."""

    trace = fields.List(fields.String())
    flows = fields.List(fields.String())
    tokens = fields.List(fields.String())


class ExploredOut(ma.Schema):
    """The check of one process. Unless `complete`, it stopped after `states` states and there may be more findings."""

    process_id = fields.String()
    file = fields.String()
    states = fields.Integer()
    complete = fields.Boolean()
    findings = fields.List(fields.Nested(FindingOut))


class SoundnessOut(ma.Schema):
    """One answer for each process of the files."""

    processes = fields.List(fields.Nested(ExploredOut))


class InstanceRefOut(ma.Schema):
    """Where the command left the instance; `task_ids`: user tasks that it created."""

    instance_id = fields.String()
    seq = fields.Integer()
    state = fields.String()
    task_ids = fields.List(fields.String())


class InstanceOut(ma.Schema):
    """One process instance."""

    id = fields.String()
    process_id = fields.String()
    definition_id = fields.String()
    version = fields.Integer()
    process_name = fields.String()
    business_key = fields.String(allow_none=True)
    state = fields.String()
    error = fields.String(allow_none=True)
    seq = fields.Integer()
    head_hash = fields.String()
    started_at = fields.AwareDateTime()
    started_by = fields.String()
    ended_at = fields.AwareDateTime(allow_none=True)


class TaskOut(ma.Schema):
    """One user task."""

    id = fields.String()
    instance_id = fields.String()
    element_id = fields.String()
    name = fields.String()
    state = fields.String()
    process_id = fields.String()
    definition_id = fields.String()
    process_name = fields.String()
    business_key = fields.String(allow_none=True)
    assignee = fields.String(allow_none=True)
    candidate_groups = fields.List(fields.String())
    candidate_users = fields.List(fields.String())
    excluded_users = fields.List(fields.String())
    form_key = fields.String(allow_none=True)
    priority = fields.Integer()
    due = fields.AwareDateTime(allow_none=True)
    follow_up = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)
    ended_by = fields.String(allow_none=True)


class TaskDetailOut(TaskOut):
    """With the present values of its form's fields."""

    values = fields.Dict()


def _page_of(schema: type[ma.Schema]) -> type[ma.Schema]:
    name = schema.__name__.removesuffix("Out") + "PageOut"
    return type(name, (ma.Schema,), {"rows": fields.List(fields.Nested(schema)), "next": fields.String(allow_none=True)})


InstancePageOut = _page_of(InstanceOut)
TaskPageOut = _page_of(TaskOut)


class CorrelationOut(ma.Schema):
    """Which instances a message or signal reached or started; `kept` when it waits for a catcher.

    Of a signal also those that get it next, each by a job of its own, in the order in which they have waited; suspended ones get it when they are resumed and
    are not named.
    """

    instance_ids = fields.List(fields.String())
    kept = fields.Boolean()


class VariablesOut(ma.Schema):
    """Variables of the instance's scope."""

    variables = fields.Dict()


class RecordOut(ma.Schema):
    """A record: `body` is the canonical JSON that `hash` covers."""

    seq = fields.Integer()
    hash = fields.String()
    body = fields.Dict()


class RecordPageOut(ma.Schema):
    """Records in order; `next` is the `after` of the following page."""

    rows = fields.List(fields.Nested(RecordOut))
    next = fields.Integer(allow_none=True)


class VerificationOut(ma.Schema):
    """The chain holds, and re-execution gave the recorded outcomes."""

    verified = fields.Boolean()
    records = fields.Integer()
    reexecuted = fields.Integer()
    head_hash = fields.String()
