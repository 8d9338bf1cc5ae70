"""The same act on many: ordering it from a list, its progress, and why single ones were refused. Also suspending a version of a process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response

from engine.errors import InvalidInput
from engine.model.commands import ResumeDefinition, StartBulk, StopBulk, SuspendDefinition
from engine.model.definition import Element
from engine.model.stuck_jobs import DiscardJob, RetryJob
from engine.model.views import BulkItem, BulkRow
from webui.i18n import gettext
from webui.notices import notify
from webui.pages.engine import execute, flowledger
from webui.pages.mending import reason, variables
from webui.pages.reading import names_for
from webui.problems import refused
from webui.sentences import names_of
from webui.signin import current_actor

blueprint = Blueprint("operations", __name__)

ACTS = {
    "retry": lazy_gettext("Try again what failed"),
    "suspend": lazy_gettext("Suspend"),
    "resume": lazy_gettext("Resume"),
    "cancel": lazy_gettext("Cancel"),
    "change": lazy_gettext("Change variables"),
    "move": lazy_gettext("Move tokens"),
    "complete": lazy_gettext("Complete by hand"),
    "fail": lazy_gettext("Let it fail"),
    "undo": lazy_gettext("Take the migration back"),
}
ORDERED_ELSEWHERE = {"migrate": lazy_gettext("Migrate instances")}  # on a page of its own (`webui.pages.migration`)
ITEM_STATES = {"waiting": lazy_gettext("Waiting"), "done": lazy_gettext("Done"), "refused": lazy_gettext("Refused")}


@blueprint.get("/operations")
def index() -> str:
    """The newest operations."""
    with flowledger().reading() as read:
        rows = read.bulks(current_actor())
        names = names_of(None, read.people())
    return render_template("operations.html", rows=rows, names=names, acts=ACTS | ORDERED_ELSEWHERE)


@blueprint.post("/operations")
def start() -> Response:
    """Order an act on the marked ones, on all of a version, or on what an earlier operation did."""
    form = request.form
    command = StartBulk(
        form.get("act", ""),
        reason(),
        tuple(form.getlist("target")),
        form.get("everything") == "1",
        form.get("definition") or None,
        variables(),
        form.get("element", "").strip() or None,
        form.get("goal", "").strip() or None,
        code=form.get("code", "").strip()[:255] or None,
        operation=form.get("operation") or None,
    )
    _by_hand(command)
    row: BulkRow = execute(command)
    return notify(make_response(redirect(url_for("operations.show", bulk_id=row.id), 303)), "bulk_started")


def _by_hand(command: StartBulk) -> None:
    """What the engine would refuse as well, or at each item, told in the reader's language. Raises InvalidInput."""
    if command.act not in ("complete", "fail"):
        return
    works = bool(command.targets) and all("-" in one for one in command.targets)
    if not works and not command.element:
        raise InvalidInput(gettext("Name the element that is completed or fails."))
    if command.act == "fail" and works and not command.code:
        raise InvalidInput(gettext("Give the code of a business error that the diagram catches: incidents have failed technically already."))
    if command.act == "fail" and command.variables and not command.code:
        raise InvalidInput(gettext("A technical failure has no results; leave the variables out, or give an error code."))


@blueprint.get("/operations/new/<definition_id>")
def new(definition_id: str) -> str:
    """An act on all instances of a version."""
    with flowledger().reading() as read:
        row = read.definition(current_actor(), definition_id)
        names = names_for(read, definition_id)
        elements = elements_of(read, definition_id)
    return render_template("operation_new.html", row=row, names=names, elements=elements, acts=ACTS)


def elements_of(read: Any, definition_id: str) -> list[Element]:
    """What an act can be done to, or lead to."""
    return [e for e in read.process_info(definition_id).elements.values() if e.type != "sequenceFlow"]


@blueprint.get("/operations/<bulk_id>")
def show(bulk_id: str) -> str:
    """Progress, and the items page by page."""
    actor: Any = current_actor()
    state = request.args.get("state") if request.args.get("state") in ITEM_STATES else None
    with flowledger().reading() as read:
        row = read.bulk(actor, bulk_id)
        page = read.bulk_items(actor, bulk_id, state, min(max(request.args.get("after", 0, int), 0), 2**31 - 1))
        names = names_of(None, read.people())
    items = [(item, why(item)) for item in page.rows]
    return render_template(
        "operation.html",
        row=row,
        items=items,
        next=page.next,
        state=state,
        states=ITEM_STATES,
        names=names,
        acts=ACTS | ORDERED_ELSEWHERE,
        instance_of=instance_of,
        renamed=_renamed(row),
    )


def _renamed(row: BulkRow) -> list[tuple[str, str]]:
    """What a migration's plan gives another id."""
    plan = row.parameters.get("plan")
    return sorted((str(a), str(b)) for a, b in plan.items() if a != b) if isinstance(plan, Mapping) else []


def why(item: BulkItem) -> str:
    """The reason of a refusal in the reader's language, where we have the words."""
    return refused(item.kind, item.text, item.data) if item.state == "refused" else ""


def instance_of(target: str) -> str:
    """The instance that an incident's id, or an instance's, names."""
    return target.partition("-")[0]


@blueprint.post("/operations/<bulk_id>/stop")
def stop(bulk_id: str) -> Response:
    """Leave the rest undone."""
    execute(StopBulk(bulk_id))
    return notify(make_response(redirect(url_for("operations.show", bulk_id=bulk_id), 303)), "bulk_stopped")


# --- versions, jobs without an element --------------------------------------------------------------------------------------
@blueprint.post("/definitions/<definition_id>/suspend")
def suspend_definition(definition_id: str) -> Response:
    """Nothing starts it any more."""
    execute(SuspendDefinition(definition_id, reason()))
    return _process(definition_id, "definition_suspended")


@blueprint.post("/definitions/<definition_id>/resume")
def resume_definition(definition_id: str) -> Response:
    """It can be started again."""
    execute(ResumeDefinition(definition_id, reason()))
    return _process(definition_id, "definition_resumed")


def _process(definition_id: str, notice: str) -> Response:
    process_id, _colon, version = definition_id.rpartition(":")
    return notify(make_response(redirect(url_for("definitions.show", process_id=process_id, version=version), 303)), notice)


@blueprint.post("/jobs/<path:job_id>/retry")
def retry_job(job_id: str) -> Response:
    """What failed for good without an incident: a timed start, something on its way, a mail, periodic work."""
    execute(RetryJob(job_id, reason()))
    return notify(make_response(redirect(url_for("administration.incidents"), 303)), "incident_retried")


@blueprint.post("/jobs/<path:job_id>/discard")
def discard_job(job_id: str) -> Response:
    """It is asked for twice: the box in the form, which also a browser without scripts sends."""
    if request.form.get("sure") != "1":
        raise InvalidInput(gettext("Confirm that it is to be thrown away."))
    execute(DiscardJob(job_id, reason()))
    return notify(make_response(redirect(url_for("administration.incidents"), 303)), "job_discarded")


def kind_of_job(kind: str) -> str:
    """What a job without an incident does, in words."""
    words = {
        "start": gettext("start by a timer"),
        "missed": gettext("start by a timer that was missed"),
        "timer": gettext("timer whose failure could not be recorded"),
        "service": gettext("service task whose failure could not be recorded"),
        "answer": gettext("service task whose failure could not be recorded"),
        "begin": gettext("start by a signal"),
        "message": gettext("message on its way"),
        "signal": gettext("signal on its way"),
        "deliver": gettext("signal for an instance"),
        "bulk": gettext("operation on many"),
        "notify": gettext("notice of a task"),
        "mail": gettext("e-mail to a person"),
        "periodic": gettext("periodic work"),
    }
    return words.get(kind, kind)


def loss_of_job(kind: str) -> str:
    """What it means that a job of this kind is thrown away."""
    words = {
        "notify": gettext("Nobody is told of this task any more."),
        "mail": gettext("This person is not told any more."),
        "missed": gettext("No instance is started for that time. The cycle goes on."),
        "periodic": gettext("It is left out this time and comes again at its next time."),
    }
    return words.get(kind, "")
