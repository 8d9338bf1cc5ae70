"""The modeler's page and its JSON endpoints: drafts, lint, deployment, import. The contract is `webui/frontend/README.md`."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET  # only for files that a deployment accepted: those hold no DOCTYPE
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.wrappers import Response

from engine.errors import DeploymentRejected, InvalidInput, LimitExceeded
from engine.model.commands import Deploy, DiscardModelDraft, SaveModelDraft
from engine.model.files import kind_of
from engine.model.values import iso, parse
from engine.model.views import ModelDraft
from webui.findings import explored, told
from webui.i18n import by_language, gettext
from webui.notices import notify
from webui.pages.engine import execute, flowledger
from webui.signin import current_actor

blueprint = Blueprint("modeler", __name__, url_prefix="/modeler")
XML_BYTES = 2 * 1024 * 1024
_PROCESS_ID = re.compile(r"<(?:[\w.-]+:)?process\b[^>]*?\sid=\"([^\"]{1,200})\"")


@blueprint.get("")
def index() -> str:
    """My drafts, a new diagram, import."""
    actor = current_actor()
    with flowledger().reading() as read:
        return render_template("drafts.html", drafts=read.model_drafts(actor), processes=read.definitions(actor))


@blueprint.get("/new")
def new() -> str:
    """An empty diagram."""
    return _page(None, None)


@blueprint.get("/definitions/<definition_id>")
def edit(definition_id: str) -> str:
    """A deployed version as the start of the next one."""
    return _page(None, definition_id)


@blueprint.get("/drafts/<draft_id>")
def draft(draft_id: str) -> str:
    """Go on with a draft."""
    with flowledger().reading() as read:
        found = read.model_draft(current_actor(), draft_id)
    return _page(found, found.based_on)


def _page(draft: ModelDraft | None, based_on: str | None) -> str:
    actor = current_actor()
    row, next_version, files = None, None, {}
    with flowledger().reading() as read:
        people = read.people()
        if based_on:
            row = read.definition(actor, based_on)
            files = read.files(actor, based_on)
            next_version = read.versions(actor, row.process_id)[0].version + 1
    data = {
        "draft": {
            "id": draft.id if draft else None,
            "revision": draft.revision if draft else 0,
            "xml": draft.xml if draft else None,
            "saved_at": iso(draft.updated_at) if draft else None,
        },
        "xml_url": url_for("definitions.xml", definition_id=row.id) if row else None,
        "process_id": row.process_id if row else (draft.process_id if draft else None),
        "based_on": based_on,
        "name": row.name if row else None,
        "next_version": next_version,
        "urls": {
            "draft": url_for("modeler.save", draft_id="ID").replace("ID", "{id}"),
            "lint": url_for("modeler.lint"),
            "soundness": url_for("modeler.soundness"),
            "deploy": url_for("modeler.deploy"),
            "back": url_for("definitions.show", process_id=row.process_id) if row else url_for("modeler.index"),
        },
        "lists": _lists(files, people),
    }
    return render_template("modeler.html", data=data, name=row.name if row else None)


def _lists(files: Mapping[str, bytes], people: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    catalogue = flowledger().catalogue
    return {
        "forms": [_form(name, data) for name, data in sorted(files.items()) if name.endswith(".form.json")],
        "groups": [{"id": key, "title": by_language(titles, key)} for key, titles in catalogue.groups.items()],
        "users": [{"id": key, "title": name} for key, name in people.items()],
        "handlers": [{"name": h.name, "title": by_language(h.title, h.name), "description": h.description} for h in catalogue.handlers.values()],
        "decisions": [d for name, data in sorted(files.items()) if kind_of(name, data) == "dmn" for d in _decisions(data)],
    }


def _form(name: str, data: bytes) -> dict[str, str]:
    key = name.rsplit("/", 1)[-1].removesuffix(".form.json")
    try:
        title = json.loads(data).get("title")
    except (ValueError, AttributeError):
        title = None
    return {"key": key, "title": by_language(title, key)}


def _decisions(data: bytes) -> list[dict[str, str]]:
    return [{"id": d.get("id", ""), "title": d.get("name") or d.get("id") or ""} for d in ET.fromstring(data).iter() if d.tag.endswith("}decision")]  # noqa: S314


# --- JSON endpoints --------------------------------------------------------------------------------------------------
def _body(*names: str) -> dict[str, Any]:
    if not request.is_json:
        raise UnsupportedMediaType
    data = parse(request.get_data(cache=False))
    if not isinstance(data, dict) or not isinstance(data.get("xml"), str):
        raise InvalidInput("the body must be an object that holds xml")
    unknown = sorted(set(data) - {"xml", *names})
    if unknown:
        raise InvalidInput(f"unknown: {', '.join(unknown)}")
    if len(data["xml"].encode()) > XML_BYTES:
        raise LimitExceeded(what="size of the diagram in bytes", value=len(data["xml"].encode()), limit=XML_BYTES)
    return data


def _text(data: Mapping[str, Any], name: str) -> str | None:
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f"{name} must be a text")
    return value or None


@blueprint.put("/drafts/<draft_id>")
def save(draft_id: str) -> ResponseReturnValue:
    """Keep the draft; `new` makes one. 409 when a newer revision is there."""
    data = _body("revision", "process_id", "based_on")
    revision = data.get("revision", 0)
    if type(revision) is not int:
        raise InvalidInput("revision must be a number")
    process_id = _text(data, "process_id") or process_id_of(data["xml"])
    saved = execute(SaveModelDraft(data["xml"], process_id, _text(data, "based_on"), None if draft_id == "new" else draft_id, revision))
    return {"draft_id": saved.id, "revision": saved.revision, "saved_at": iso(saved.updated_at)}


@blueprint.delete("/drafts/<draft_id>")
def discard(draft_id: str) -> ResponseReturnValue:
    """Throw the draft away."""
    execute(DiscardModelDraft(draft_id))
    return "", 204


@blueprint.post("/drafts/<draft_id>/discard")
def discard_from_list(draft_id: str) -> Response:
    """The same from the list, without JavaScript."""
    execute(DiscardModelDraft(draft_id))
    return notify(make_response(redirect(url_for("modeler.index"), 303)), "draft_discarded")


@blueprint.post("/lint")
def lint() -> ResponseReturnValue:
    """Every problem that deployment would meet."""
    data = _body("based_on")
    based_on = _text(data, "based_on")
    problems = flowledger().lint({_file_name(based_on, data["xml"]): data["xml"].encode()}, based_on)
    return {"problems": [told(p) for p in problems]}


@blueprint.post("/soundness")
def soundness() -> ResponseReturnValue:
    """Explore the states of the diagram's processes; problems that deployment would meet refuse it."""
    data = _body("based_on")
    based_on = _text(data, "based_on")
    checked = flowledger().soundness({_file_name(based_on, data["xml"]): data["xml"].encode()}, based_on)
    wanted = re.findall(_PROCESS_ID, data["xml"])
    return {"processes": [explored(one) for one in checked if one.process_id in wanted]}


@blueprint.post("/deploy")
def deploy() -> ResponseReturnValue:
    """Deploy as the next version; forms and decisions come from the version that it is based on."""
    data = _body("comment", "draft_id", "based_on")
    based_on = _text(data, "based_on")
    deployment = execute(Deploy({_file_name(based_on, data["xml"]): data["xml"].encode()}, (_text(data, "comment") or "")[:2000], based_on))
    wanted = process_id_of(data["xml"])
    row = next((d for d in deployment.definitions if d.process_id == wanted), deployment.definitions[0])
    return {"definition_id": row.id, "version": row.version, "url": url_for("definitions.show", process_id=row.process_id)}, 201


def process_id_of(xml: str) -> str | None:
    """The first process's id, found without parsing: the XML may be anything."""
    found = _PROCESS_ID.search(xml)
    return found[1] if found else None


def _file_name(based_on: str | None, xml: str) -> str:
    if based_on:
        with flowledger().reading() as read:
            return str(read.diagram(current_actor(), based_on)[0])
    return f"{process_id_of(xml) or 'diagram'}.bpmn"


@blueprint.post("/import")
def import_file() -> ResponseReturnValue:
    """A .bpmn file of any modeler becomes a draft; nothing is deployed. Its problems show in the modeler."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise InvalidInput(gettext("Choose a .bpmn file."))
    data = upload.read(XML_BYTES + 1)
    if len(data) > XML_BYTES:
        raise LimitExceeded(what="size of the diagram in bytes", value=len(data), limit=XML_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidInput(gettext("The file is not UTF-8 text. Save it again as BPMN 2.0 XML.")) from exc
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InvalidInput(gettext("The file holds a DOCTYPE, which is refused. Nothing was imported."))
    process_id = process_id_of(text)
    if process_id is None:
        raise InvalidInput(gettext("The file holds no BPMN process. Nothing was imported."))
    unreadable = [p for p in flowledger().lint({f"{process_id}.bpmn": data}) if p.rule.startswith("xml.") or p.rule == "bpmn.root"]
    if unreadable:  # the modeler could not even draw it; everything else is shown and mended there
        raise DeploymentRejected(unreadable)
    based_on = None
    with flowledger().reading() as read:
        based_on = next((d.id for d in read.definitions(current_actor()) if d.process_id == process_id), None)
    saved = execute(SaveModelDraft(text, process_id, based_on))
    return notify(make_response(redirect(url_for("modeler.draft", draft_id=saved.id), 303)), "draft_imported", name=upload.filename)
