"""The address `/`: the first page that the visitor's role works with."""

from __future__ import annotations

from flask import Blueprint, g, redirect, url_for
from werkzeug.wrappers import Response

from webui.access import may

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def index() -> Response:
    """Staff to their worklist, process owners to the processes, auditors to the instances, administrators to their pages, monitors to their tokens."""
    if g.actor is None:
        return redirect(url_for("account.login"))
    roles = g.actor.roles
    if may("task.work"):
        return redirect(url_for("worklist.show"))
    if "process_owner" in roles:
        return redirect(url_for("definitions.index"))
    if "auditor" in roles:
        return redirect(url_for("instances.index"))
    if not may("incident.read"):
        return redirect(url_for("account.tokens"))
    return redirect(url_for("administration.index" if may("account.manage") else "administration.incidents"))
