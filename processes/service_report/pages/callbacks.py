"""The callback register: draws with their evidence, calls with their results."""

from __future__ import annotations

import secrets

from flask import render_template, request

from engine.errors import NotFound
from processes.service_report import registers, sampling
from processes.service_report.pages import words
from processes.service_report.pages.request import people, reading


def register() -> str:
    """All draws and the latest calls."""
    with reading() as connection:
        draws = registers.draws(connection)
        calls = registers.callbacks(connection)
    return render_template("service_report/callbacks.html", draws=draws, calls=calls, people=people(), words=words)


def draw(draw_id: str) -> str:
    """One draw: what it was drawn from, with what seed, and whether drawing again gives the same."""
    with reading() as connection:
        found = registers.draw(connection, draw_id)
        calls = registers.callbacks(connection, draw_id)
    if found is None:
        raise NotFound(kind="draw", id=draw_id)
    return render_template("service_report/draw.html", draw=found, calls=calls, people=people(), words=words)


def nonce() -> str:
    """A fresh nonce with its SHA-256, or the SHA-256 of the text that was sent; nothing is kept."""
    sent = request.form.get("nonce", "")[:200] if request.method == "POST" else ""
    text = sent or secrets.token_urlsafe(24)
    return render_template("service_report/nonce.html", nonce=text, digest=sampling.digest(text), own=bool(sent))
