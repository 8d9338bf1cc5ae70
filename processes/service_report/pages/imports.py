"""Ticket import: upload, preview with what would be rejected, confirm, result with the reject file."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import available_timezones

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from engine.errors import NotFound
from processes.service_report import importing, registers, tabular, uploads
from processes.service_report.pages import words
from processes.service_report.pages.request import actor, download, flowledger, people, reading
from processes.service_report.presets import PRESETS

SHOWN = 10
_COLUMNS = ("number", "title", "process", "priority", "category", "opened_at", "resolved_at")


def register() -> str:
    """What was imported, and the form for more."""
    return _register(None, 200)[0]


def _register(problem: str | None, status: int) -> tuple[str, int]:
    with reading() as connection:
        rows = registers.imports(connection)
        projects = registers.projects(connection)
    zones = [*sorted(z for z in available_timezones() if z.startswith(("Asia/", "Europe/", "America/"))), "UTC"]
    context = {"rows": rows, "projects": projects, "presets": PRESETS, "zones": zones, "people": people(), "words": words}
    text = str(words.UNREADABLE.get(problem, problem)) if problem else None
    return render_template("service_report/imports.html", problem=text, values=request.form, **context), status


def upload() -> AnyResponse | tuple[str, int]:
    """Keep the file for the preview; nothing is imported yet."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return _register("import_missing", 422)
    values: dict[str, Any] = {name: request.form.get(name, "") for name in ("project_id", "preset", "time_zone")}
    with reading() as connection:
        known = values["project_id"] in {p["id"] for p in registers.projects(connection)}
    if not known or values["preset"] not in PRESETS:
        return _register("import_project", 422)
    data = sent.stream.read(tabular.MAX_BYTES + 1)
    try:
        importing.fold(tabular.read(data), PRESETS[values["preset"]], values["time_zone"])
    except tabular.UnreadableFile as exc:
        return _register(exc.key, 422)
    now: datetime = flowledger().clock.now()
    with flowledger().store.begin(write=True) as connection:
        key = uploads.keep(connection, actor().id, now, {**values, "data": data, "file_name": sent.filename[:200]})
    return redirect(url_for("service_report.preview", upload_id=key), 303)


def preview(upload_id: str) -> str:
    """The first tickets as they would come in, and the rows that would be rejected."""
    kept = _kept(upload_id)
    folded = _folded(kept)
    tickets = [_shown(values) for _, values in islice(sorted(folded.tickets.items()), SHOWN)]
    rejected = [(r.line, r.field, r.reason, r.cells.get(PRESETS[kept["preset"]].columns.get(r.field, ""), "")) for r in folded.rejected[:SHOWN]]
    context = {"folded": folded, "tickets": tickets, "rejected": rejected, "preset": PRESETS[kept["preset"]], "columns": _COLUMNS}
    return render_template("service_report/preview.html", upload=kept, words=words, **context)


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    moments = {c: datetime.fromisoformat(values[c]) if values[c] else None for c in _COLUMNS if c.endswith("_at")}
    return {c: values[c] for c in _COLUMNS} | moments | {"process": words.PROCESSES[values["process"]]}


def confirm(upload_id: str) -> AnyResponse:
    """Import what was previewed."""
    kept = _kept(upload_id)
    folded = _folded(kept)
    now: datetime = flowledger().clock.now()
    mapping = PRESETS[kept["preset"]]
    source = importing.Source(kept["project_id"], kept["file_name"], kept["sha256"], mapping, kept["time_zone"], actor().id, now)
    with flowledger().store.begin(write=True) as connection:
        done = importing.store(connection, source, folded)
        uploads.drop(connection, upload_id)
    return redirect(url_for("service_report.import_result", import_id=done.import_id), 303)


def result(import_id: int) -> str:
    """What one import did."""
    return render_template("service_report/import_result.html", row=_one(import_id), people=people(), words=words, presets=PRESETS)


def rejects(import_id: int) -> Response:
    """The rows that were not taken, with their reasons."""
    return download(_one(import_id)["reject_file"].encode(), f"rejects-{import_id}.csv", "text/csv")


def _one(import_id: int) -> dict[str, Any]:
    with reading() as connection:
        found = registers.one_import(connection, import_id)
    if found is None:
        raise NotFound(kind="import", id=str(import_id))
    return dict(found)


def _kept(upload_id: str) -> dict[str, Any]:
    with reading() as connection:
        found = uploads.take(connection, upload_id, actor().id)
    if found is None:
        raise NotFound(kind="upload", id=upload_id)
    return found


def _folded(kept: dict[str, Any]) -> importing.Folded:
    return importing.fold(tabular.read(kept["data"]), PRESETS[kept["preset"]], kept["time_zone"])
