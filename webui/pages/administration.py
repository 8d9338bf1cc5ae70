"""Administration: health and packs, accounts, groups, incidents."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from engine.errors import InvalidInput, LimitExceeded, NotFound
from engine.model.actors import ROLES
from engine.model.commands import PutUser
from engine.model.views import IncidentFilter, UserRow
from webui.causes import plain
from webui.i18n import DEFAULT_LANGUAGE, DEFAULT_TIME_ZONE, time_zones
from webui.notices import notify
from webui.pages.engine import execute, flowledger
from webui.pages.operations import kind_of_job, loss_of_job
from webui.pages.reading import names_for
from webui.sentences import names_of
from webui.signin import current_actor

blueprint = Blueprint("administration", __name__)

SHOWN = 100  # incidents on a page

ROLE_TITLES = {
    "staff": lazy_gettext("Staff: works on tasks"),
    "process_owner": lazy_gettext("Process owner: draws and deploys"),
    "auditor": lazy_gettext("Auditor: sees everything, changes nothing"),
    "operator": lazy_gettext("Operator: mends instances"),
    "administrator": lazy_gettext("Administrator: manages accounts"),
    "monitor": lazy_gettext("Monitor: a program that reads figures (/metrics)"),
}


@blueprint.get("/administration")
def index() -> str:
    """Health, packs, groups."""
    engine = flowledger()
    actor = current_actor()
    with engine.reading() as read:
        jobs, users, incidents = read.jobs(actor), read.users(actor), read.open_incidents(actor)
    groups = {
        key: [u for u in users if key in u.groups and u.active] for key in sorted({*engine.catalogue.groups, *(g for u in users for g in u.groups)})
    }
    return render_template("administration.html", jobs=jobs, incidents=incidents, packs=engine.catalogue.packs, groups=groups, users=users)


# --- accounts ----------------------------------------------------------------------------------------------------------
@blueprint.get("/administration/users")
def users() -> str:
    """All accounts."""
    with flowledger().reading() as read:
        return render_template("users.html", users=read.users(current_actor()), roles=ROLE_TITLES)


@blueprint.get("/administration/users/new")
def new_user() -> str:
    """An empty form."""
    return _user_form(UserRow("", "", ("staff",), (), True, DEFAULT_LANGUAGE, DEFAULT_TIME_ZONE), new=True)


@blueprint.get("/administration/users/<user_id>")
def user(user_id: str) -> str:
    """One account."""
    return _user_form(_find(user_id), new=False)


def _find(user_id: str) -> UserRow:
    with flowledger().reading() as read:
        found: UserRow | None = next((u for u in read.users(current_actor()) if u.id == user_id), None)
    if found is None:
        raise NotFound(kind="user", id=user_id)
    return found


def _user_form(row: UserRow, *, new: bool, error: str = "") -> str:
    groups = sorted({*flowledger().catalogue.groups, *row.groups})
    return render_template("user.html", user=row, new=new, error=error, roles=ROLE_TITLES, groups=groups, zones=time_zones())


@blueprint.post("/administration/users")
def save_user() -> ResponseReturnValue:
    """Create or change. The present password stays when the field is empty."""
    form = request.form
    user_id, new = form.get("user_id", "").strip(), form.get("new") == "1"
    roles = tuple(r for r in ROLES if r in form.getlist("roles"))
    row = UserRow(
        user_id,
        form.get("name", "").strip()[:128],
        roles,
        tuple(sorted(set(form.getlist("groups")))),
        form.get("active") == "1",
        form.get("language", DEFAULT_LANGUAGE),
        form.get("time_zone", DEFAULT_TIME_ZONE),
        form.get("email"),
    )
    try:
        if new:
            _refuse_existing(user_id)
        execute(PutUser(row.id, row.name, row.roles, row.groups, form.get("password") or None, row.active, row.language, row.time_zone, row.email))
    except (InvalidInput, LimitExceeded) as exc:
        return _user_form(row, new=new, error=str(exc)), 422
    return notify(make_response(redirect(url_for("administration.users"), 303)), "user_saved", name=row.name or row.id)


def _refuse_existing(user_id: str) -> None:
    with flowledger().reading() as read:
        if any(u.id == user_id for u in read.users(current_actor())):
            raise InvalidInput(f"There is an account {user_id} already.")


# --- incidents ---------------------------------------------------------------------------------------------------------
@blueprint.get("/incidents")
def incidents() -> str:
    """What stands still and why."""
    actor: Any = current_actor()
    process_id, cursor = request.args.get("process") or None, request.args.get("cursor") or None
    wanted = IncidentFilter(process_id, open_only="all" not in request.args, cursor=cursor, size=SHOWN)
    with flowledger().reading() as read:
        page = read.incident_page(actor, wanted)
        found = [(incident, read.instance(actor, incident.instance_id)) for incident in page.rows]
        elements = {one: names_for(read, one).element for one in {instance.definition_id for _, instance in found}}
        rows = [(one, elements[instance.definition_id](one.element_id), plain(one.cause), instance) for one, instance in found]
        stuck, acts = read.stuck_jobs(actor, request.args.get("stuck") or None), read.job_acts(actor)
        processes, names = read.process_names(actor), names_of(None, read.people())
    return render_template(
        "incidents.html",
        rows=rows,
        page=page,
        filter=wanted,
        processes=processes,
        all="all" in request.args,
        stuck=stuck,
        acts=acts,
        names=names,
        kind_of_job=kind_of_job,
        loss_of_job=loss_of_job,
    )
