"""What I did, newest first, from the records."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from webui.pages.engine import flowledger
from webui.sentences import activity_sentence
from webui.signin import current_actor

blueprint = Blueprint("history", __name__)


@blueprint.get("/history")
def mine() -> str:
    """Keyset pages."""
    with flowledger().reading() as read:
        page = read.activity(current_actor(), request.args.get("cursor") or None)
    return render_template("history.html", page=page, lines=[(row, activity_sentence(row)) for row in page.rows])
