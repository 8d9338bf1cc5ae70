"""What diagrams may use: the table of supported elements, made from the conformance cases and shipped as `webui/conformance.json`.

Written by `python -m tests.conformance.table`; nothing is decided here.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, render_template

blueprint = Blueprint("help", __name__, url_prefix="/help")
DATA = Path(__file__).parents[1] / "conformance.json"


@cache
def table() -> dict[str, Any]:
    """`elements`: kinds of elements with the number of cases; `areas`: phrases with their cases, in both languages."""
    held: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return held


@blueprint.get("/conformance")
def conformance() -> str:
    """Elements first, then what each case shows."""
    held = table()
    count = sum(len(phrase["cases"]) for area in held["areas"] for phrase in area["phrases"])
    return render_template("conformance.html", elements=held["elements"], areas=held["areas"], count=count)
