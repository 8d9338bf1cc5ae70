"""Is the process alive; can it reach its database. For load balancers: no login, no details."""

from __future__ import annotations

from flask import Blueprint

from webui.pages.engine import flowledger

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("/live")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/ready")
def ready() -> dict[str, str]:
    """A read transaction works; NotAvailable becomes 503 in `webui.problems`."""
    with flowledger().reading() as read:
        read.ping()
    return {"status": "ok"}
