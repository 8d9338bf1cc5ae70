"""Deploying and reading process definitions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response, request

from engine.errors import InvalidInput, LimitExceeded, NotFound
from engine.model.commands import Deploy
from webui.api.calls import IDEMPOTENCY, ApiBlueprint, actor, engine, execute, load_json
from webui.api.schemas import DefinitionOut, DeploymentIn, DeploymentOut, SoundnessIn, SoundnessOut
from webui.findings import explored

blueprint = ApiBlueprint("api_definitions", __name__, url_prefix="/api/v1", description="Process definitions and their versions")

DEPLOYMENT_BYTES = 16 * 1024 * 1024
_MULTIPART = {
    "schema": {
        "type": "object",
        "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}, "comment": {"type": "string"}},
        "required": ["file"],
    }
}


@blueprint.route("/deployments", methods=["POST"])
@blueprint.doc(
    requestBody={"required": True, "content": {"application/json": {"schema": DeploymentIn}, "multipart/form-data": _MULTIPART}},
    parameters=[IDEMPOTENCY],
)
@blueprint.response(201, DeploymentOut)
def deploy() -> Any:
    """Deploy BPMN, DMN and form files as one version, or nothing at all.

    The same content as the newest version makes no new one.
    """
    return execute(_from_parts() if request.mimetype == "multipart/form-data" else _from_json(load_json(request, DEPLOYMENT_BYTES)))


def _from_parts() -> Deploy:
    _refuse_unknown(set(request.files) - {"file"}, set(request.form) - {"comment", "complete_from"})
    files: dict[str, bytes] = {}
    for upload in request.files.getlist("file"):
        name = upload.filename or ""
        if not name or name in files:
            raise InvalidInput(f"every file needs a name of its own: {name!r}")
        files[name] = upload.read()
    if not files:
        raise InvalidInput("the deployment holds no file")
    return Deploy(files, request.form.get("comment", "")[:2000], request.form.get("complete_from") or None)


def _refuse_unknown(*sets: set[str]) -> None:
    unknown = sorted(set().union(*sets))
    if unknown:
        raise InvalidInput(f"unknown parts: {', '.join(unknown)}")


def _from_json(body: Any) -> Deploy:
    try:
        data: Mapping[str, Any] = DeploymentIn().load(body)
    except ma.ValidationError as exc:
        raise InvalidInput(f"deployment: {exc.messages}") from exc
    return Deploy(_decoded(data["files"]), data["comment"], data["complete_from"])


def _decoded(texts: Mapping[str, str]) -> dict[str, bytes]:
    files = {}
    for name, text in texts.items():
        try:
            files[name] = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise InvalidInput(f"file {name} is not valid base64") from exc
    if sum(map(len, files.values())) > DEPLOYMENT_BYTES:
        raise LimitExceeded(what="size of the deployment in bytes", value=sum(map(len, files.values())), limit=DEPLOYMENT_BYTES)
    return files


@blueprint.route("/definitions/soundness", methods=["POST"])
@blueprint.arguments(SoundnessIn)
@blueprint.response(200, SoundnessOut)
def soundness(body: Mapping[str, Any]) -> Any:
    """Look for deadlocks and for parallel branches that meet without a join, in files that need not be deployed.

    Files that could not be deployed are refused with their problems. Nothing is written.
    """
    checked = engine().soundness(_decoded(body["files"]), body["complete_from"], body["states"])
    return {"processes": [explored(one) for one in checked]}


@blueprint.route("/definitions", methods=["GET"])
@blueprint.response(200, DefinitionOut(many=True))
def definitions() -> Any:
    """The newest version of every process."""
    with engine().reading() as read:
        return read.definitions(actor())


@blueprint.route("/processes/<process_id>/versions", methods=["GET"])
@blueprint.response(200, DefinitionOut(many=True))
def versions(process_id: str) -> Any:
    """Every version of one process, newest first."""
    with engine().reading() as read:
        return read.versions(actor(), process_id)


@blueprint.route("/definitions/<definition_id>", methods=["GET"])
@blueprint.response(200, DefinitionOut)
def definition(definition_id: str) -> Any:
    """One version."""
    with engine().reading() as read:
        return read.definition(actor(), definition_id)


@blueprint.route("/definitions/<definition_id>/files/<path:name>", methods=["GET"])
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def definition_file(definition_id: str, name: str) -> Response:
    """One deployed file, byte for byte."""
    with engine().reading() as read:
        data = read.files(actor(), definition_id).get(name)
    if data is None:
        raise NotFound(kind="file", id=name)
    return Response(data, mimetype="application/octet-stream", headers={"Content-Disposition": "attachment"})
