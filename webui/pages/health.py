"""Is the process alive; may it be sent requests. For load balancers: no login, and not a word more than they need."""

from __future__ import annotations

import logging

from flask import Blueprint, Response

from webui.i18n import gettext
from webui.pages.engine import flowledger
from webui.problems import document

blueprint = Blueprint("health", __name__, url_prefix="/health")
log = logging.getLogger("flowledger.health")


@blueprint.get("/live")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/ready")
def ready() -> dict[str, str] | Response:
    """The database answers and has this engine's schema, jobs are run, expressions can be evaluated; else 503."""
    missing = flowledger().unready()
    if not missing:
        return {"status": "ok"}
    log.warning("not ready: %s", ", ".join(missing))
    answer = document(503, gettext("Just now not available"), gettext("Try again in a moment."), "urn:flowledger:problem:NotReady", missing=missing)
    answer.headers["Retry-After"] = "2"
    return answer
