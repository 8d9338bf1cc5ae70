"""Shapes of what operators send and get. Requests are strict, as in `webui.api.schemas`."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from engine.application.bulk import ACTS
from webui.api.schemas import ID, PageIn, ReasonIn, variables


class ByHandIn(ReasonIn):
    """Why, and variables: results, or what is changed before a retry."""

    variables = variables(load_default=dict)


class FailIn(ByHandIn):
    """`code`: of the BPMN error; without it a job fails technically."""

    code = fields.String(load_default=None, allow_none=True, validate=ID)


class MoveIn(ByHandIn):
    """`target`: element to begin; `element`: refuse unless the open element is this one."""

    target = fields.String(required=True, validate=ID)
    element = fields.String(load_default=None, allow_none=True, validate=ID)


class IncidentsIn(PageIn):
    """Filters."""

    process_id = fields.String(load_default=None, validate=ID)
    instance_id = fields.String(load_default=None, validate=ID)
    open = fields.Boolean(load_default=True)


class BulkIn(ReasonIn):
    """`targets`, or `everything` of a `definition_id`. `target`: where tokens move to; of a migration the definition, with a `plan` or the proposed one.

    `complete` and `fail` are done to `element` in each instance, at every open occurrence, or to work ids as targets; `fail` with the `code` of a
    BPMN error, else technically. `undo` takes migrations back; with `operation` those that this operation on many carried out.
    """

    act = fields.String(required=True, validate=validate.OneOf(tuple(ACTS)))
    targets = fields.List(fields.String(validate=ID), load_default=list, validate=validate.Length(max=10_000))
    everything = fields.Boolean(load_default=False)
    definition_id = fields.String(load_default=None, allow_none=True, validate=ID)
    variables = variables(load_default=dict)
    element = fields.String(load_default=None, allow_none=True, validate=ID)
    target = fields.String(load_default=None, allow_none=True, validate=ID)
    plan = fields.Dict(keys=fields.String(validate=ID), values=fields.String(validate=ID), load_default=None, allow_none=True)
    code = fields.String(load_default=None, allow_none=True, validate=ID)
    operation = fields.String(load_default=None, allow_none=True, validate=ID)


class BulkItemsIn(ma.Schema):
    """Filter and place."""

    state = fields.String(load_default=None, validate=validate.OneOf(("waiting", "done", "refused")))
    after = fields.Integer(load_default=0, validate=validate.Range(0, 2_000_000_000))


class WorkOut(ma.Schema):
    """An id that acts take; of a job or timer `state` (due, failed, suspended), `attempts` of `retries` and when it is `due`; the `acts` that can succeed."""

    id = fields.String()
    element_id = fields.String()
    state = fields.String()
    attempts = fields.Integer()
    retries = fields.Integer()
    due = fields.AwareDateTime(allow_none=True)
    acts = fields.List(fields.String())


class WaitOut(WorkOut):
    """One thing that an element waits for, itself or at its `boundary`. `id` is the work id of the `acts`: complete (a timer fires), retry, fail.

    `kind`: task, job, continuation (a transaction boundary), timer, message, signal, condition; `name`: of the message, signal or handler, or the condition.
    """

    kind = fields.String()
    name = fields.String()
    boundary = fields.Boolean()


class OpenElementOut(WorkOut):
    """`id` is the work id of the `acts`: retry, complete, move, error (POST fail with a code), fail (without one: technically).

    `waits_for`: kind of what it waits for itself, or events (several), scope, join, compensation, incident, or empty.
    """

    waits_for = fields.String()
    waits = fields.List(fields.Nested(WaitOut))


class IncidentOut(ma.Schema):
    """What stands or stood: the recorded `cause`, and where it is known `what` happened and the `advice` what to do, in the reader's language."""

    id = fields.String()
    instance_id = fields.String()
    element_id = fields.String()
    kind = fields.String()
    cause = fields.String()
    what = fields.String()
    advice = fields.String()
    attempts = fields.Integer()
    created_at = fields.AwareDateTime()
    resolved_at = fields.AwareDateTime(allow_none=True)
    stack = fields.String(allow_none=True)


class StuckJobOut(ma.Schema):
    """A job without an incident that failed for good."""

    id = fields.String()
    kind = fields.String()
    element_id = fields.String()
    instance_id = fields.String(allow_none=True)
    due_at = fields.AwareDateTime()
    cause = fields.String()
    stack = fields.String(allow_none=True)
    discardable = fields.Boolean()


class IncidentPageOut(ma.Schema):
    """Newest first."""

    rows = fields.List(fields.Nested(IncidentOut))
    next = fields.String(allow_none=True)


class StuckJobsIn(ma.Schema):
    """Place: `next` of the page before."""

    cursor = fields.String(load_default=None, validate=validate.Length(max=1000))


class StuckJobPageOut(ma.Schema):
    """Oldest first."""

    rows = fields.List(fields.Nested(StuckJobOut))
    next = fields.String(allow_none=True)


class JobActOut(ma.Schema):
    """What an operator did about such a job. `act`: retry, discard."""

    job_id = fields.String()
    kind = fields.String()
    element_id = fields.String()
    instance_id = fields.String(allow_none=True)
    act = fields.String()
    at = fields.AwareDateTime()
    actor = fields.String()
    reason = fields.String()


class BulkOut(ma.Schema):
    """An act on many."""

    id = fields.String()
    act = fields.String()
    reason = fields.String()
    parameters = fields.Dict()
    created_by = fields.String()
    created_at = fields.AwareDateTime()
    state = fields.String()
    total = fields.Integer()
    done = fields.Integer()
    refused = fields.Integer()
    ended_at = fields.AwareDateTime(allow_none=True)


class BulkItemOut(ma.Schema):
    """One target; `kind` and `text` say why it was refused."""

    number = fields.Integer()
    target = fields.String()
    state = fields.String()
    kind = fields.String()
    text = fields.String()
    data = fields.Dict()


class BulkItemPageOut(ma.Schema):
    """Items by number."""

    rows = fields.List(fields.Nested(BulkItemOut))
    next = fields.String(allow_none=True)
