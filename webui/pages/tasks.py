"""One user task: its form, and beside it why it is here, where the token stands, remarks and files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine.errors import FormInvalid, InvalidInput
from engine.model.commands import Complete, HandOver, Release, SaveDraft
from engine.model.views import Explanation, TaskFilter, TaskRow
from webui.forms import Button
from webui.i18n import gettext
from webui.notices import notify
from webui.pages import task_forms
from webui.pages.engine import execute, flowledger
from webui.pages.reading import diagram_state, names_for, variable_titles
from webui.pages.settling import settle
from webui.sentences import Names, reasons, sentence
from webui.signin import current_actor

blueprint = Blueprint("tasks", __name__, url_prefix="/tasks")
RECENT = 6  # records in "why it is here"
EARLIER = 10  # records in "remarks of earlier rounds"
REMARKS = ("remark", "comment", "opinion", "reason", "advice")  # in names of fields


@blueprint.get("/<task_id>")
def show(task_id: str) -> ResponseReturnValue:
    """The page. A finished task shows who finished it and what was entered."""
    return _page(task_id)


def _page(task_id: str, submission: Any = None, errors: Any = (), status: int = 200) -> ResponseReturnValue:
    actor = current_actor()
    with flowledger().reading() as read:
        task = read.task(actor, task_id)
        form, values = read.task_form(actor, task_id)
        draft = read.draft(actor, task_id) if task.state == "open" and form is not None else None
        explanations = read.explanations(actor, task.instance_id)
        context: dict[str, Any] = {
            "instance": read.instance(actor, task.instance_id),
            "comments": read.comments(actor, task.instance_id),
            "attachments": read.attachments(actor, task.instance_id),
            "names": names_for(read, task.definition_id),
            "titles": variable_titles(read, task.definition_id),
            "diagram": diagram_state(read, actor, task.instance_id, selected=task.element_id),
            "people": read.receivers(actor, task_id) if task.state == "open" else {},
        }
        mine = read.may_work_on(actor, task)
    names = context["names"]
    earlier = list(islice(_earlier(task, explanations, names), EARLIER))
    entered = next((e.form_values for e in reversed(explanations) if e.kind == "CompleteUserTask" and e.details.get("key") == task.key), None)
    drawn = None
    if form is not None and mine:
        drawn = task_forms.draw(form, values, submission, draft=draft, errors=errors, **_form_parts(task))
    elif form is not None:
        shown = {**values, **{k: v for k, v in entered.items() if v is not None}} if entered is not None else values
        drawn = task_forms.summary(form, shown, task_forms.files_of(task.instance_id))
    recent = [(e, sentence(e, names), reasons(e, names)) for e in explanations[-RECENT:]][::-1]
    page = render_template(
        "task.html",
        task=task,
        form=form,
        drawn=drawn,
        mine=mine,
        recent=recent,
        earlier=earlier,
        entered=entered,
        has_draft=draft is not None,
        **context,
    )
    return page, status


def _form_parts(task: TaskRow) -> dict[str, Any]:
    return {
        "action_url": url_for("tasks.submit", task_id=task.id),
        "fragment_url": url_for("tasks.fields", task_id=task.id),
        "buttons": (Button("submit", gettext("Complete")), Button("draft", gettext("Save draft"), "outline-secondary")),
        "before_buttons": Markup('<p class="text-body-secondary small" data-autosave-status role="status"></p>'),
        "attributes": {"data-guard": "", "data-once": "", "data-autosave": url_for("tasks.autosave", task_id=task.id)},
        "file_url": task_forms.files_of(task.instance_id),
    }


def _earlier(task: TaskRow, explanations: Sequence[Explanation], names: Names) -> Iterator[tuple[Explanation, str, list[tuple[str, str]]]]:
    """What people remarked in the instance's tasks before, newest first: texts whose field is named as a remark."""
    for record in reversed(explanations):
        if record.kind == "CompleteUserTask" and record.details.get("key") != task.key:
            texts = [(k, v) for k, v in record.form_values.items() if isinstance(v, str) and v.strip() and any(word in k for word in REMARKS)]
            if texts:
                yield record, sentence(record, names), texts


# --- working on it ---------------------------------------------------------------------------------------------------
@blueprint.post("/<task_id>")
def submit(task_id: str) -> ResponseReturnValue:
    """Every button of the form: complete, keep as a draft, add a row, show a preview."""
    actor = current_actor()
    with flowledger().reading() as read:
        task = read.task(actor, task_id)
        form, values = read.task_form(actor, task_id)
    if form is None:
        return _complete(task, {})
    submission = task_forms.read_post(form, values, task_forms.TaskUploads(task.instance_id, task.id))
    if submission.action == "draft":
        execute(SaveDraft(task_id, submission.raw))
        return notify(make_response(redirect(url_for("tasks.show", task_id=task_id), 303)), "draft_saved")
    if submission.editing:
        return _page(task_id, submission)
    if submission.errors:
        execute(SaveDraft(task_id, submission.raw))
        return _page(task_id, submission, submission.errors, 422)
    try:
        return _complete(task, submission.values)
    except FormInvalid as exc:
        return _page(task_id, submission, exc.errors, 422)


def _complete(task: TaskRow, values: Any) -> Response:
    execute(Complete(task.id, values))
    response = make_response(redirect(_next_address(task), 303))
    return notify(response, "task_completed", name=task.name or task.element_id)


def _next_address(task: TaskRow) -> str:
    """The following task of the same instance when it is the actor's own to do, else the worklist."""
    actor = current_actor()
    settle(task.instance_id)
    with flowledger().reading() as read:
        mine = read.worklist(actor, TaskFilter(view="mine", instance_id=task.instance_id, size=1)).rows
    return url_for("tasks.show", task_id=mine[0].id) if mine else url_for("worklist.show")


@blueprint.post("/<task_id>/fields")
def fields(task_id: str) -> ResponseReturnValue:
    """The form's fields again after a row button, a condition or a preview; nothing is saved but uploads."""
    with flowledger().reading() as read:
        task = read.task(current_actor(), task_id)
        form, values = read.task_form(current_actor(), task_id)
    if form is None:
        raise InvalidInput(gettext("This task has no form."))
    submission = task_forms.read_post(form, values, task_forms.TaskUploads(task.instance_id, task.id))
    parts = _form_parts(task)
    return str(task_forms.fields(form, values, submission, **{k: parts[k] for k in ("action_url", "fragment_url", "file_url")}))


@blueprint.post("/<task_id>/draft")
def autosave(task_id: str) -> ResponseReturnValue:
    """What was typed so far, sent by the page itself; 204."""
    actor = current_actor()
    with flowledger().reading() as read:
        task = read.task(actor, task_id)
        form, values = read.task_form(actor, task_id)
    if form is None:
        raise InvalidInput(gettext("This task has no form."))
    uploads = task_forms.TaskUploads(task.instance_id, task.id)  # finds what was uploaded before; the page sends no new file here
    execute(SaveDraft(task_id, task_forms.read_post(form, values, uploads).raw))
    return "", 204


@blueprint.post("/<task_id>/release")
def release(task_id: str) -> Response:
    """Back to the group."""
    name = _name(task_id)
    execute(Release(task_id))
    return notify(make_response(redirect(url_for("worklist.show"), 303)), "task_released", name=name)


@blueprint.post("/<task_id>/hand-over")
def hand_over(task_id: str) -> Response:
    """To somebody else, with a reason."""
    assignee, reason = request.form.get("assignee", ""), request.form.get("reason", "").strip()[:2000]
    if not assignee:
        raise InvalidInput(gettext("Choose who shall take over."))
    with flowledger().reading() as read:
        name, people = read.task(current_actor(), task_id).name, read.people()
    execute(HandOver(task_id, assignee, reason))
    return notify(make_response(redirect(url_for("worklist.show"), 303)), "task_handed_over", name=name, to=people.get(assignee, assignee))


def _name(task_id: str) -> str:
    with flowledger().reading() as read:
        task = read.task(current_actor(), task_id)
    return str(task.name or task.element_id)
