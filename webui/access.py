"""The one table that says which action of the policy each route is. It does not know single objects: whose task, whose instance is
decided by `engine.identity.policy` again, inside the transaction.

An endpoint that is missing here is never served: `check_complete` refuses to build the application.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Flask, Request, g
from werkzeug.exceptions import Forbidden, NotFound, Unauthorized

from engine.identity.policy import GRANTS, allows
from engine.model.actors import Actor

log = logging.getLogger("flowledger.access")

#: The only action that needs no login.
VISIT = "visit"

#: endpoint -> action: `visit`, or a key of `engine.identity.policy.GRANTS`.
TABLE: dict[str, str] = {
    "static": VISIT,
    "health.live": VISIT,
    "health.ready": VISIT,
    "metrics.show": "metrics.read",
    "home.index": VISIT,
    "account.login": VISIT,
    "account.login_submit": VISIT,
    "account.set_language": VISIT,
    "account.logout": "account.own",
    "account.settings": "account.own",
    "account.save_preferences": "account.own",
    "account.change_password": "account.own",
    "account.tokens": "account.own",
    "account.issue_token": "account.own",
    "account.revoke_token": "account.own",
    "worklist.show": "account.own",
    "worklist.table": "account.own",
    "worklist.claim": "task.work",
    "tasks.show": "account.own",
    "tasks.submit": "task.work",
    "tasks.fields": "task.work",
    "tasks.autosave": "task.work",
    "tasks.release": "account.own",
    "tasks.hand_over": "account.own",
    "start.index": "process.start",
    "start.form": "process.start",
    "start.fields": "process.start",
    "start.submit": "process.start",
    "history.mine": "account.own",
    "help.conformance": "account.own",
    "definitions.index": "process.read",
    "definitions.show": "process.read",
    "definitions.xml": "process.read",
    "definitions.export": "process.read",
    "definitions.file": "process.read",
    "modeler.index": "model.draft",
    "modeler.new": "model.draft",
    "modeler.edit": "model.draft",
    "modeler.draft": "model.draft",
    "modeler.save": "model.draft",
    "modeler.discard": "model.draft",
    "modeler.discard_from_list": "model.draft",
    "modeler.lint": "model.draft",
    "modeler.soundness": "model.draft",
    "modeler.import_file": "model.draft",
    "modeler.deploy": "process.deploy",
    "instances.index": "process.read",
    "instances.table": "process.read",
    "instances.show": "process.read",
    "instances.verify": "history.verify",
    "instances.export": "process.read",
    "instances.comment": "note.write",
    "instances.attach": "note.write",
    "instances.attachment": "process.read",
    "instances.blob": "process.read",
    "instances.cancel": "instance.operate",
    "instances.change_variable": "instance.operate",
    "mending.element": "instance.operate",
    "mending.retry": "instance.operate",
    "mending.complete": "instance.operate",
    "mending.fail": "instance.operate",
    "mending.move": "instance.operate",
    "mending.suspend": "instance.operate",
    "mending.resume": "instance.operate",
    "operations.index": "incident.read",
    "operations.show": "incident.read",
    "operations.new": "instance.operate",
    "operations.start": "instance.operate",
    "operations.stop": "instance.operate",
    "operations.suspend_definition": "instance.operate",
    "operations.resume_definition": "instance.operate",
    "operations.retry_job": "instance.operate",
    "operations.discard_job": "instance.operate",
    "migration.plan": "instance.operate",
    "migration.check": "instance.operate",
    "migration.run": "instance.operate",
    "migration.undo": "instance.operate",
    "replay.show": "process.read",
    "replay.frame": "process.read",
    "administration.index": "account.manage",
    "administration.users": "account.read",
    "administration.new_user": "account.manage",
    "administration.user": "account.manage",
    "administration.save_user": "account.manage",
    "administration.incidents": "incident.read",
    "api-docs.openapi_json": VISIT,
    "api_definitions.deploy": "process.deploy",
    "api_definitions.soundness": "model.draft",
    "api_definitions.definitions": "process.read",
    "api_definitions.versions": "process.read",
    "api_definitions.definition": "process.read",
    "api_definitions.definition_file": "process.read",
    "api_instances.start": "process.start",
    "api_instances.instances": "process.read",
    "api_instances.instance": "process.read",
    "api_instances.variables": "process.read",
    "api_instances.change_variables": "instance.operate",
    "api_instances.cancel": "instance.operate",
    "api_instances.start_activity": "process.start",
    "api_instances.records": "process.read",
    "api_instances.record_lines": "process.read",
    "api_instances.verify": "history.verify",
    "api_instances.suspend": "instance.operate",
    "api_instances.resume": "instance.operate",
    "api_operations.elements": "incident.read",
    "api_operations.complete_element": "instance.operate",
    "api_operations.fail_element": "instance.operate",
    "api_operations.move_token": "instance.operate",
    "api_operations.incidents": "incident.read",
    "api_operations.retry_incident": "instance.operate",
    "api_operations.stuck_jobs": "incident.read",
    "api_operations.retry_job": "instance.operate",
    "api_operations.discard_job": "instance.operate",
    "api_operations.job_acts": "incident.read",
    "api_operations.suspend_definition": "instance.operate",
    "api_operations.resume_definition": "instance.operate",
    "api_operations.operations": "incident.read",
    "api_operations.start_operation": "instance.operate",
    "api_operations.operation": "incident.read",
    "api_operations.items": "incident.read",
    "api_operations.stop_operation": "instance.operate",
    "api_migration.proposal": "process.read",
    "api_migration.check": "instance.operate",
    "api_migration.migrate": "instance.operate",
    "api_migration.undo": "instance.operate",
    "api_tasks.tasks": "account.own",
    "api_tasks.task": "account.own",
    "api_tasks.claim": "task.work",
    "api_tasks.release": "task.work",
    "api_tasks.hand_over": "account.own",
    "api_tasks.complete": "task.work",
    "api_messages.publish": "message.publish",
    "api_messages.broadcast": "message.publish",
}


def declare(endpoints: Mapping[str, str]) -> None:
    """Add a blueprint's endpoints to the table. Raises ValueError for an action that the policy does not know."""
    for endpoint, action in endpoints.items():
        if action != VISIT and action not in GRANTS:
            raise ValueError(f"endpoint {endpoint}: the policy has no action {action!r}")
        TABLE[endpoint] = action


def check_complete(app: Flask) -> None:
    """Raises RuntimeError when a route of the application has no entry in the table."""
    missing = sorted({rule.endpoint for rule in app.url_map.iter_rules()} - set(TABLE))
    if missing:
        raise RuntimeError(f"routes without an entry in webui.access.TABLE: {', '.join(missing)}")


def permitted(actor: Actor | None, action: str) -> bool:
    """May this actor (None: nobody is signed in) do this action on some object?"""
    return action == VISIT or (actor is not None and allows(actor, action))


def may(action: str) -> bool:
    """May the current actor do this on some object? For buttons."""
    return permitted(g.get("actor"), action)


def may_visit(endpoint: str) -> bool:
    """May the current actor open this page? For menus."""
    action = TABLE.get(endpoint)
    return action is not None and may(action)


def guard(asked: Request, known: Any) -> None:
    """Before every request: the table's answer for its endpoint. Unknown addresses go on to 404.

    Raises Unauthorized (nobody signed in) or Forbidden, and writes the refusal to the log.
    """
    endpoint, actor = asked.endpoint, known.actor
    if endpoint is None:
        return
    action = TABLE.get(endpoint)
    if action is None:
        log.error("endpoint %s is not in the access table", endpoint)
        raise NotFound
    if permitted(actor, action):
        return
    log.warning("refused: action %s, from %s", action, asked.remote_addr)
    if actor is None:
        raise Unauthorized
    raise Forbidden
