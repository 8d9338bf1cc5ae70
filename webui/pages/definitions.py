"""Process definitions: the list, one process with its versions, figures and diagram, the deployed files."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request

from engine.errors import NotFound
from engine.identity.policy import allows
from engine.model.definition import ProcessInfo
from engine.model.views import DefinitionRow, ElementStatistic
from webui.filters import duration
from webui.pages.engine import flowledger
from webui.pages.instances import download
from webui.sentences import names_of
from webui.signin import current_actor

blueprint = Blueprint("definitions", __name__)


@blueprint.get("/definitions")
def index() -> str:
    """The newest version of every process with its figures."""
    with flowledger().reading() as read:
        rows = read.definitions(current_actor())
    return render_template("definitions.html", rows=rows)


@blueprint.get("/processes/<process_id>")
def show(process_id: str) -> str:
    """One process; `?version=` picks a version, else the newest."""
    actor = current_actor()
    wanted = request.args.get("version", type=int)
    with flowledger().reading() as read:
        versions = read.versions(actor, process_id)
        row: DefinitionRow | None = next((v for v in versions if v.version == wanted), None) if wanted else versions[0]
        if row is None:
            raise NotFound(kind="version", id=f"{process_id}:{wanted}")
        info = read.process_info(row.id)
        statistics = read.statistics(actor, row.id) if allows(actor, "instance.read_all") else []
        files = read.files(actor, row.id)
        names = names_of(info, read.people())
        acts = read.definition_acts(actor, row.id)
    named = [(s, info.elements[s.element_id].name or s.element_id) for s in statistics if s.element_id in info.elements]
    slowest = max((s for s in named if s[0].mean_seconds is not None), key=lambda s: s[0].mean_seconds or 0, default=None)
    return render_template(
        "process.html",
        row=row,
        versions=versions,
        info=info,
        statistics=named,
        slowest=slowest,
        files={name: len(data) for name, data in sorted(files.items())},
        names=names,
        acts=acts,
        diagram=_heat(statistics, info),
    )


def _heat(statistics: list[ElementStatistic], info: ProcessInfo) -> dict[str, Any]:
    return {
        "active": {s.element_id: s.open for s in statistics if s.open and s.element_id in info.elements},
        "heat": {s.element_id: {"value": s.mean_seconds, "label": duration(s.mean_seconds)} for s in statistics if s.mean_seconds is not None},
    }


@blueprint.get("/definitions/<definition_id>/xml")
def xml(definition_id: str) -> Response:
    """The diagram for viewers. A version never changes, so browsers may keep it."""
    with flowledger().reading() as read:
        read.definition(current_actor(), definition_id)
        _, data = read.diagram(current_actor(), definition_id)
    response = Response(data, mimetype="application/xml")
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


@blueprint.get("/definitions/<definition_id>/bpmn")
def export(definition_id: str) -> Response:
    """The .bpmn file as it was deployed."""
    with flowledger().reading() as read:
        read.definition(current_actor(), definition_id)
        name, data = read.diagram(current_actor(), definition_id)
    return download(data, name.rsplit("/", 1)[-1])


@blueprint.get("/definitions/<definition_id>/files/<path:name>")
def file(definition_id: str, name: str) -> Response:
    """Any deployed file."""
    with flowledger().reading() as read:
        data = read.files(current_actor(), definition_id).get(name)
    if data is None:
        raise NotFound(kind="file", id=name)
    return download(data, name.rsplit("/", 1)[-1])
