"""Figures for Prometheus. Read with an API token, like the API: the account needs one of the roles of `metrics.read`."""

from __future__ import annotations

from flask import Blueprint, Response

from webui.pages.engine import flowledger

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def show() -> Response:
    """Prometheus' text format."""
    from engine.telemetry.metrics import CONTENT_TYPE  # only now: see engine.telemetry.sharing

    return Response(flowledger().watcher.metrics.exposition(), content_type=CONTENT_TYPE)
