"""The worklist: what is overdue, due today, mine, my groups'; claim in place."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from engine.model.commands import Claim
from engine.model.views import TaskFilter
from webui.addresses import local_target
from webui.filters import day_end, exact, group_title
from webui.i18n import gettext
from webui.notices import notify
from webui.pages.engine import execute, flowledger
from webui.signin import current_actor
from webui.tables import csv_download, every

blueprint = Blueprint("worklist", __name__)

VIEWS = {
    "all": lazy_gettext("All my work"),
    "overdue": lazy_gettext("Overdue"),
    "due": lazy_gettext("Due today"),
    "followup": lazy_gettext("To follow up"),
    "mine": lazy_gettext("Mine"),
    "groups": lazy_gettext("My groups"),
}
SORTS = {
    "due": lazy_gettext("Due first"),
    "-priority": lazy_gettext("Important first"),
    "created": lazy_gettext("Oldest first"),
    "-created": lazy_gettext("Newest first"),
    "name": lazy_gettext("By name"),
}
SIZE = 50


@blueprint.get("/worklist")
def show() -> str:
    """Filter, sort and page stand in the address."""
    wanted, actor = _filter(), current_actor()
    with flowledger().reading() as read:
        page = read.worklist(actor, wanted)
        counts = read.worklist_counts(actor, day_end())
        processes = read.process_names(actor)
    return render_template("worklist.html", page=page, counts=counts, filter=wanted, views=VIEWS, sorts=SORTS, processes=processes)


def _filter() -> TaskFilter:
    view = request.args.get("view", "all")
    sort = request.args.get("sort", "due")
    return TaskFilter(
        view=view if view in VIEWS else "all",
        process_id=request.args.get("process") or None,
        text=request.args.get("q", "").strip()[:200] or None,
        sort=sort if sort in SORTS else "due",
        cursor=request.args.get("cursor") or None,
        size=SIZE,
    )


@blueprint.get("/worklist.csv")
def table() -> Response:
    """The filtered list as a file."""
    wanted, actor = _filter(), current_actor()
    with flowledger().reading() as read:
        rows = list(every(lambda cursor: read.worklist(actor, replace(wanted, cursor=cursor, size=200))))
    header = [gettext(t) for t in ("Task", "Process", "Business key", "Due", "Follow up", "Since", "Who", "Groups")]
    body = (
        (
            t.name,
            t.process_name,
            t.business_key,
            exact(t.due),
            exact(t.follow_up),
            exact(t.created_at),
            t.assignee_name or t.assignee,
            ", ".join(map(group_title, t.candidate_groups)),
        )
        for t in rows
    )
    return csv_download("worklist", header, body)


@blueprint.post("/tasks/<task_id>/claim")
def claim(task_id: str) -> ResponseReturnValue:
    """From a row of the list (stays there) or from the task's page."""
    with flowledger().reading() as read:
        name = read.task(current_actor(), task_id).name
    execute(Claim(task_id))
    target = request.form.get("next")
    response = make_response(redirect(local_target(target) if target else url_for("tasks.show", task_id=task_id), 303))
    return notify(response, "task_claimed", name=name)
