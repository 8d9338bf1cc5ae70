"""Migrating instances to another version: the proposed plan, a check, one instance, taking it back. Many at once: `POST /operations` with the acts migrate and undo."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from engine.model.migration import Migrate, UndoMigration
from webui.api.calls import IDEMPOTENCY, ApiBlueprint, actor, engine, execute
from webui.api.schemas import ID, InstanceRefOut, ReasonIn

blueprint = ApiBlueprint("api_migration", __name__, url_prefix="/api/v1", description="Migrating running instances to another version")


def _plan() -> fields.Dict:
    return fields.Dict(keys=fields.String(validate=ID), values=fields.String(validate=ID), load_default=None, allow_none=True)


class ProposalIn(ma.Schema):
    """`target`: the definition to migrate to."""

    target = fields.String(required=True, validate=ID)


class MigrateIn(ReasonIn):
    """`plan`: the target of each element by id; without it the proposed one."""

    definition_id = fields.String(required=True, validate=ID)
    plan = _plan()


class CheckIn(ma.Schema):
    """At most 200 instances."""

    definition_id = fields.String(required=True, validate=ID)
    plan = _plan()
    instances = fields.List(fields.String(validate=ID), required=True, validate=validate.Length(1, 200))


class EntryOut(ma.Schema):
    """One element of the old version. `how`: same, renamed; `why` there is no target: gone, kind, boundary, scope, several, parent."""

    source = fields.String()
    target = fields.String(allow_none=True)
    how = fields.String()
    why = fields.String()
    choices = fields.List(fields.String())


class PlanOut(ma.Schema):
    """`mapping` is what a migration takes as its plan; `added`: elements that only the new version has."""

    source = fields.String()
    target = fields.String()
    entries = fields.List(fields.Nested(EntryOut))
    mapping = fields.Dict(keys=fields.String(), values=fields.String())
    added = fields.List(fields.String())


class ReasonOut(ma.Schema):
    """Why an instance cannot be migrated."""

    why = fields.String()
    element = fields.String()
    target = fields.String()
    detail = fields.String()
    text = fields.String()


class CheckedOut(ma.Schema):
    """No problems: it can be migrated now."""

    instance_id = fields.String()
    business_key = fields.String(allow_none=True)
    state = fields.String()
    problems = fields.List(fields.Nested(ReasonOut))


@blueprint.route("/definitions/<definition_id>/migration", methods=["GET"])
@blueprint.arguments(ProposalIn, location="query")
@blueprint.response(200, PlanOut)
def proposal(query: dict[str, Any], definition_id: str) -> Any:
    """The plan that the engine proposes from the difference of the two diagrams."""
    with engine().reading() as read:
        return read.migration_plan(actor(), definition_id, query["target"])


@blueprint.route("/migrations/check", methods=["POST"])
@blueprint.arguments(CheckIn)
@blueprint.response(200, CheckedOut(many=True))
def check(body: dict[str, Any]) -> Any:
    """What stands in the way of each instance; nothing is changed."""
    with engine().reading() as read:
        return read.check_migration(actor(), body["definition_id"], body["instances"], body["plan"])


@blueprint.route("/instances/<instance_id>/migrate", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(MigrateIn)
@blueprint.response(200, InstanceRefOut)
def migrate(body: dict[str, Any], instance_id: str) -> Any:
    """Let it go on under another version; 409 with every reason where it cannot."""
    return execute(Migrate(instance_id, body["definition_id"], body["reason"], body["plan"]))


@blueprint.route("/instances/<instance_id>/migrate/undo", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(ReasonIn)
@blueprint.response(200, InstanceRefOut)
def undo(body: dict[str, Any], instance_id: str) -> Any:
    """Take the last migration back, while nothing has happened since."""
    return execute(UndoMigration(instance_id, body["reason"]))
