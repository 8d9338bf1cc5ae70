"""Starting a process by hand: what the actor may start, and its start form."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine.errors import FormInvalid, InvalidInput, NotFound
from engine.model.commands import Start
from engine.model.views import DefinitionRow, TaskFilter
from webui.forms import Button
from webui.i18n import gettext
from webui.notices import notify
from webui.pages import task_forms
from webui.pages.engine import execute, flowledger
from webui.pages.settling import settle
from webui.signin import current_actor

blueprint = Blueprint("start", __name__, url_prefix="/start")


def _startable(read: Any, row: DefinitionRow) -> bool:
    return any(s.kind == "none" for s in read.process_info(row.id).starts)


@blueprint.get("")
def index() -> str:
    """Every process that begins with a plain start event."""
    actor = current_actor()
    with flowledger().reading() as read:
        rows = [(row, read.process_info(row.id).documentation) for row in read.definitions(actor) if _startable(read, row)]
    return render_template("start.html", rows=rows)


@blueprint.get("/<process_id>")
def form(process_id: str) -> ResponseReturnValue:
    """The start form; a process without one asks only for the business key."""
    return _page(process_id)


def _find(read: Any, process_id: str) -> DefinitionRow:
    row: DefinitionRow | None = next((r for r in read.definitions(current_actor()) if r.process_id == process_id and _startable(read, r)), None)
    if row is None:
        raise NotFound(kind="process", id=process_id)
    return row


def _page(process_id: str, submission: Any = None, errors: Any = (), status: int = 200) -> ResponseReturnValue:
    actor = current_actor()
    with flowledger().reading() as read:
        row = _find(read, process_id)
        found = read.start_form(actor, row.id)
        documentation = read.process_info(row.id).documentation
    drawn = None
    if found is not None:
        drawn = task_forms.draw(
            found,
            {},
            submission,
            errors=errors,
            action_url=url_for("start.submit", process_id=process_id),
            fragment_url=url_for("start.fields", process_id=process_id),
            buttons=(Button("submit", gettext("Start")),),
            before_buttons=Markup(render_template("business_key.html", business_key=_typed_key())),  # noqa: S704 - an autoescaped template
            attributes={"data-guard": "", "data-once": ""},
        )
    page = render_template("start_form.html", row=row, drawn=drawn, documentation=documentation, business_key=_typed_key())
    return page, status


def _typed_key() -> str:
    return request.form.get("business_key", "").strip()


@blueprint.post("/<process_id>/fields")
def fields(process_id: str) -> ResponseReturnValue:
    """The start form's fields again after a row button, a condition or a preview."""
    with flowledger().reading() as read:
        found = read.start_form(current_actor(), _find(read, process_id).id)
    if found is None:
        raise InvalidInput(gettext("This process has no start form."))
    submission = task_forms.read_post(found, {}, None)
    return str(
        task_forms.fields(
            found,
            {},
            submission,
            action_url=url_for("start.submit", process_id=process_id),
            fragment_url=url_for("start.fields", process_id=process_id),
        )
    )


@blueprint.post("/<process_id>")
def submit(process_id: str) -> ResponseReturnValue:
    """Start it and go on with the first task when that is one's own."""
    actor = current_actor()
    with flowledger().reading() as read:
        row = _find(read, process_id)
        found = read.start_form(actor, row.id)
    values: Any = {}
    if found is not None:
        submission = task_forms.read_post(found, {}, None)
        if submission.editing:
            return _page(process_id, submission)
        if submission.errors:
            return _page(process_id, submission, submission.errors, 422)
        values = submission.values
    key = _typed_key() or None
    if key is not None and len(key) > 200:
        raise InvalidInput(gettext("The business key is longer than 200 characters."))
    try:
        ref = execute(Start(process_id, values, key, row.id))
    except FormInvalid as exc:
        return _page(process_id, submission, exc.errors, 422)
    return notify(_go_on(ref.instance_id), "instance_started", name=row.name or process_id)


def _go_on(instance_id: str) -> Response:
    settle(instance_id)
    with flowledger().reading() as read:
        tasks = read.worklist(current_actor(), TaskFilter(instance_id=instance_id, size=1)).rows
    target = url_for("tasks.show", task_id=tasks[0].id) if tasks else url_for("instances.show", instance_id=instance_id)
    return make_response(redirect(target, 303))
