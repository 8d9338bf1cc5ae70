"""Migrating running instances to another version: the mapping that the engine proposes, what stands in the way of each instance, running it, taking it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.application.migration import CHECKED
from engine.errors import InvalidInput
from engine.model.actors import Actor
from engine.model.commands import Command, StartBulk
from engine.model.migration import CheckedInstance, Migrate, MigrationPlan, PlanEntry, UndoMigration
from engine.model.views import BulkRow, DefinitionRow, InstanceFilter
from webui.i18n import gettext
from webui.notices import notify
from webui.pages.engine import execute, flowledger
from webui.pages.mending import reason
from webui.pages.reading import names_for
from webui.refusals import unmigrated
from webui.sentences import Names
from webui.signin import current_actor

blueprint = Blueprint("migration", __name__)

FIELD = "to."
MOST_CHOICES = 20_000
"""Beyond that a page would be too heavy: elements that keep their id can only be left out then."""


@blueprint.get("/definitions/<definition_id>/migration")
def plan(definition_id: str) -> str:
    """Choose the version; with one, the proposed mapping. `?instance=`: of this instance alone."""
    return _page(definition_id, request.args.get("target"), request.args.get("instance"), None)


@blueprint.post("/definitions/<definition_id>/migration")
def check(definition_id: str) -> str:
    """Look at the instances with the mapping as it was chosen; nothing is changed."""
    return _page(definition_id, _target(), request.form.get("instance"), _mapping())


@blueprint.post("/definitions/<definition_id>/migration/run")
def run(definition_id: str) -> Response:
    """One instance at once, several as an operation with progress."""
    target, mapping, one = _target(), _mapping(), request.form.get("instance")
    if one:
        execute(Migrate(one, target, reason(), mapping))
        return notify(make_response(redirect(url_for("instances.show", instance_id=one), 303)), "instance_migrated")
    marked = tuple(request.form.getlist("marked"))
    chosen: dict[str, Any] = {"everything": True, "definition_id": definition_id} if request.form.get("which") == "all" else {"targets": marked}
    if not chosen.get("everything") and not marked:
        raise InvalidInput(gettext("Mark the instances that are to be migrated, or choose all of the version."))
    row: BulkRow = execute(StartBulk("migrate", reason(), target=target, plan=mapping, **chosen))
    return notify(make_response(redirect(url_for("operations.show", bulk_id=row.id), 303)), "bulk_started")


@blueprint.post("/instances/<instance_id>/migration/undo")
def undo(instance_id: str) -> Response:
    """While nothing has happened since."""
    command: Command = UndoMigration(instance_id, reason())
    execute(command)
    return notify(make_response(redirect(url_for("instances.show", instance_id=instance_id), 303)), "migration_undone")


def _target() -> str:
    target = request.form.get("target", "").strip()
    if not target:
        raise InvalidInput(gettext("Choose the version to migrate to."))
    return target


def _mapping() -> dict[str, str]:
    return {name.removeprefix(FIELD): value for name, value in request.form.items() if name.startswith(FIELD) and value}


# --- the page ---------------------------------------------------------------------------------------------------------------
def _page(definition_id: str, target: str | None, instance_id: str | None, mapping: Mapping[str, str] | None) -> str:
    actor: Any = current_actor()
    with flowledger().reading() as read:
        row = read.definition(actor, definition_id)
        others = [one for one in read.versions(actor, row.process_id) if one.id != row.id]
        found: dict[str, Any] = {}
        if target:
            goal = read.definition(actor, target)
            proposed = read.migration_plan(actor, row.id, goal.id)
            old, new = names_for(read, row.id), names_for(read, goal.id)
            found = {"goal": goal, **_rows(proposed, mapping, old, new)}
            if mapping is not None:
                found |= _checked(read, actor, row, goal, mapping, instance_id, old, new)
        instance = read.instance(actor, instance_id) if instance_id else None
    return render_template("migration.html", row=row, others=others, instance=instance, limit=CHECKED, **found)


def _rows(proposed: MigrationPlan, mapping: Mapping[str, str] | None, old: Names, new: Names) -> dict[str, Any]:
    """The mapping in two parts: what needs a look, and what keeps its id."""
    chosen = proposed.mapping if mapping is None else mapping
    whole = sum(len(entry.choices) for entry in proposed.entries) <= MOST_CHOICES
    lines = []
    for entry in proposed.entries:
        target = chosen.get(entry.source)
        changed = target != entry.source or entry.how != "same"
        lines.append((changed, entry, target, entry.choices if whole or changed else (entry.source,), _why(entry)))
    return {
        "telling": [rest for changed, *rest in lines if changed],
        "unchanged": [rest for changed, *rest in lines if not changed],
        "added": [one for one in proposed.added if one not in chosen.values()],
        "old": old,
        "new": new,
    }


def _why(entry: PlanEntry) -> str:
    words = {
        "gone": gettext("nothing in the new version looks like it"),
        "kind": gettext("in the new version its id belongs to another kind of element"),
        "boundary": gettext("in the new version it is attached to another activity"),
        "scope": gettext("it moved into another subprocess"),
        "several": gettext("several elements of the new version fit"),
        "parent": gettext("its subprocess has no target"),
    }
    if entry.how == "renamed":
        return gettext("found by name and place")
    return words.get(entry.why, "")


def _checked(
    read: Any, actor: Actor, row: DefinitionRow, goal: DefinitionRow, mapping: Mapping[str, str], instance_id: str | None, old: Names, new: Names
) -> dict[str, Any]:
    ids = [instance_id] if instance_id else _running(read, actor, row.id)
    words = {key: old.element(key) for key in old.elements}, {key: new.element(key) for key in new.elements}
    results: list[tuple[CheckedInstance, list[str]]] = [
        (one, [unmigrated(problem, *words) for problem in one.problems]) for one in read.check_migration(actor, goal.id, ids, mapping)
    ]
    return {"results": results, "fitting": sum(1 for one, _ in results if not one.problems), "mapping": mapping}


def _running(read: Any, actor: Actor, definition_id: str) -> list[str]:
    """At most as many as one check takes, suspended ones first: they are fewer and stranger."""
    found = [
        one.id
        for state in ("suspended", "active")
        for one in read.instances(actor, InstanceFilter(definition_id=definition_id, state=state, size=CHECKED)).rows
    ]
    return found[:CHECKED]
