"""Process instances: the list, one instance with its path and history line by line, remarks, files, an operator's acts, export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response as AnyResponse

from engine.errors import IntegrityViolation, InvalidInput, NotFound
from engine.identity.policy import allows
from engine.model.actors import Actor
from engine.model.commands import Attach, Cancel, ChangeVariables, Comment
from engine.model.inputs import NOTES
from engine.model.values import parse
from engine.model.views import Explanation, InstanceFilter, TaskFilter
from webui.addresses import local_target
from webui.causes import plain
from webui.export import json_lines
from webui.filters import exact
from webui.i18n import gettext
from webui.notices import notify
from webui.pages.engine import execute, flowledger
from webui.pages.mending import reason
from webui.pages.operations import ACTS, elements_of
from webui.pages.reading import NamesThrough, diagram_state, names_for, variable_titles
from webui.sentences import names_of, reasons, sentence
from webui.signin import current_actor
from webui.tables import csv_download, every

blueprint = Blueprint("instances", __name__, url_prefix="/instances")

SHOWN = 200  # records on the page; the rest is one link away
STATES = {
    "active": lazy_gettext("Active"),
    "suspended": lazy_gettext("Suspended"),
    "completed": lazy_gettext("Completed"),
    "failed": lazy_gettext("Failed"),
    "cancelled": lazy_gettext("Cancelled"),
}


@blueprint.get("")
def index() -> str:
    """Filter and page stand in the address."""
    wanted, actor = _filter(), current_actor()
    with flowledger().reading() as read:
        page = read.instances(actor, wanted)
        processes = read.process_names(actor)
        names = names_of(None, read.people())
        elements = elements_of(read, wanted.definition_id) if wanted.definition_id and page.rows else []
    return render_template("instances.html", page=page, filter=wanted, states=STATES, processes=processes, names=names, acts=ACTS, elements=elements)


def _filter() -> InstanceFilter:
    state = request.args.get("state", "")
    return InstanceFilter(
        process_id=request.args.get("process") or None,
        definition_id=request.args.get("definition") or None,
        state=state if state in STATES else None,
        text=request.args.get("q", "").strip()[:200] or None,
        cursor=request.args.get("cursor") or None,
    )


@blueprint.get("/list.csv")
def table() -> Response:
    """The filtered list as a file."""
    wanted, actor = _filter(), current_actor()
    with flowledger().reading() as read:
        names = names_of(None, read.people())
        rows = list(every(lambda cursor: read.instances(actor, replace(wanted, cursor=cursor, size=200))))
    header = [
        gettext(t)
        for t in ("Business key", "Process", "Version", "State", "Started", "By", "Ended", "Records", "Instance id", "Hash of the last record")
    ]
    body = (
        (
            r.business_key,
            r.process_name,
            r.version,
            STATES.get(r.state, r.state),
            exact(r.started_at),
            names.person(r.started_by),
            exact(r.ended_at),
            r.seq,
            r.id,
            r.head_hash,
        )
        for r in rows
    )
    return csv_download("instances", header, body)


@blueprint.get("/<instance_id>")
def show(instance_id: str) -> str:
    """Everything about one instance on one page."""
    actor = current_actor()
    with flowledger().reading() as read:
        row = read.instance(actor, instance_id)
        explanations = read.explanations(actor, instance_id)
        names = names_for(read, row.definition_id)
        through = NamesThrough(read, row.definition_id, explanations)
        lines = [(e, sentence(e, through.names(e.seq)), reasons(e, through.names(e.seq))) for e in explanations[-SHOWN:]]
        incidents = read.incidents(actor, instance_id)
        state = diagram_state(read, actor, instance_id)
        state["incidents"] = {i.element_id: 1 for i in incidents if i.resolved_at is None}
        context: dict[str, Any] = {
            "tasks": read.worklist(actor, TaskFilter(view="every", instance_id=instance_id)).rows if allows(actor, "task.read_all") else (),
            "variables": read.variables(actor, instance_id),
            "titles": variable_titles(read, row.definition_id),
            "comments": read.comments(actor, instance_id),
            "attachments": read.attachments(actor, instance_id),
            "open_elements": read.open_elements(actor, instance_id) if allows(actor, "incident.read") else (),
            "verification": _verification(read, actor, instance_id),
        }
    hidden = max(len(explanations) - SHOWN, 0)
    return render_template(
        "instance.html",
        instance=row,
        lines=lines,
        hidden_records=hidden,
        undoable=_undoable(explanations),
        names=names,
        incidents=[(i, plain(i.cause)) for i in incidents],
        diagram=state,
        **context,
    )


_NOTES = {one.__name__ for one in NOTES}


def _undoable(explanations: Sequence[Explanation]) -> bool:
    """Did nothing happen since the instance was migrated, remarks and files aside? Whether it went on by itself, the engine knows."""
    last = next((one for one in reversed(explanations) if one.kind not in _NOTES), None)
    return (
        last is not None and last.kind == "MigrateInstance" and not last.details.get("undoes") and not (last.entered or last.completed or last.flows)
    )


def _verification(read: Any, actor: Actor, instance_id: str) -> tuple[str, str] | None:
    """("verified", "") or ("broken", cause); None for who may not verify. The chain only: re-execution is a button."""
    if not allows(actor, "history.verify"):
        return None
    try:
        read.verify(actor, instance_id)
    except IntegrityViolation as exc:
        return "broken", str(exc)
    return "verified", ""


@blueprint.get("/<instance_id>/verify")
def verify(instance_id: str) -> str:
    """Check the chain and re-execute every input; a difference is shown, not hidden."""
    actor = current_actor()
    compared, problem = 0, None
    with flowledger().reading() as read:
        row = read.instance(actor, instance_id)
        try:
            read.verify(actor, instance_id)
            compared = read.reexecute(actor, instance_id)
        except IntegrityViolation as exc:
            problem = str(exc)
    return render_template("verification.html", instance=row, compared=compared, problem=problem)


@blueprint.get("/<instance_id>/records.jsonl")
def export(instance_id: str) -> Response:
    """The history as JSON lines, each with its hash."""
    with flowledger().reading() as read:
        return json_lines(instance_id, read.records(current_actor(), instance_id))


# --- remarks and files -----------------------------------------------------------------------------------------------
def _back(instance_id: str) -> AnyResponse:
    target = request.form.get("next")
    return make_response(redirect(local_target(target) if target else url_for("instances.show", instance_id=instance_id), 303))


@blueprint.post("/<instance_id>/comments")
def comment(instance_id: str) -> AnyResponse:
    """A remark for everybody who may see the instance; it becomes part of the history."""
    text = request.form.get("text", "").replace("\r\n", "\n").strip()  # browsers send line ends as CRLF
    if not text:
        raise InvalidInput(gettext("Write something first."))
    execute(Comment(instance_id, text, request.form.get("task_id") or None))
    return notify(_back(instance_id), "comment_added")


@blueprint.post("/<instance_id>/attachments")
def attach(instance_id: str) -> AnyResponse:
    """A file for the instance; size limits are the engine's."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise InvalidInput(gettext("Choose a file."))
    name = upload.filename.replace("\\", "/").rsplit("/", 1)[-1][:200]
    execute(Attach(instance_id, name, upload.read(), upload.mimetype or "application/octet-stream", request.form.get("task_id") or None))
    return notify(_back(instance_id), "file_attached", name=name)


@blueprint.get("/<instance_id>/attachments/<int:seq>")
def attachment(instance_id: str, seq: int) -> Response:
    """The bytes, always as a download: what people upload is never shown as a page of this site."""
    actor = current_actor()
    with flowledger().reading() as read:
        row = next((a for a in read.attachments(actor, instance_id) if a.seq == seq), None)
        if row is None:
            raise NotFound(kind="attachment", id=str(seq))
        return download(read.blob(actor, instance_id, row.sha256), row.name)


@blueprint.get("/<instance_id>/files/<sha256>")
def blob(instance_id: str, sha256: str) -> Response:
    """A file that a form of the instance names, by its hash."""
    with flowledger().reading() as read:
        return download(read.blob(current_actor(), instance_id, sha256), request.args.get("name") or sha256[:12])


def download(data: bytes, name: str) -> Response:
    """Bytes as an attachment that no browser renders."""
    response = Response(data, mimetype="application/octet-stream")
    response.headers.set("Content-Disposition", "attachment", filename=name.replace("\r", "").replace("\n", ""))
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


# --- an operator's acts ----------------------------------------------------------------------------------------------
@blueprint.post("/<instance_id>/cancel")
def cancel(instance_id: str) -> AnyResponse:
    """End it; the reason stands in the history."""
    execute(Cancel(instance_id, reason()))
    return notify(_back(instance_id), "instance_cancelled")


@blueprint.post("/<instance_id>/variables")
def change_variable(instance_id: str) -> ResponseReturnValue:
    """Set one variable to a JSON value."""
    name = request.form.get("name", "").strip()
    if not name:
        raise InvalidInput(gettext("Give the name of the variable."))
    execute(ChangeVariables(instance_id, {name: parse(request.form.get("value", ""))}, reason()))
    return notify(_back(instance_id), "variables_changed")
