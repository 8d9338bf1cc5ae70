"""The callback register: draws with their evidence, calls with their results."""

from __future__ import annotations

from flask import render_template

from engine.errors import NotFound
from processes.service_report import registers
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
