"""An operator at one open element: what it waits for, and each act with its reason: retry, complete or fail by hand, move the token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.errors import InvalidInput, NotFound
from engine.model.commands import Command, CompleteByHand, FailByHand, MoveToken, Resume, RetryIncident, Suspend
from engine.model.values import Json, parse
from engine.model.waits import OpenElement
from webui.addresses import local_target
from webui.causes import plain
from webui.i18n import gettext
from webui.notices import notify
from webui.pages.engine import execute, flowledger
from webui.pages.reading import names_for
from webui.signin import current_actor

blueprint = Blueprint("mending", __name__)


@blueprint.get("/instances/<instance_id>/elements/<int:key>")
def element(instance_id: str, key: int) -> str:
    """The element with its incidents and everything that can be done; `key` may also be that of something that it waits for."""
    actor: Any = current_actor()
    with flowledger().reading() as read:
        instance = read.instance(actor, instance_id)
        work_id = f"{instance_id}-{key}"
        found = _open_there(read.open_elements(actor, instance_id), work_id)
        if found is None:
            raise NotFound(kind="open element", id=work_id)
        incidents = {one.id: (one, plain(one.cause)) for one in read.incidents(actor, instance_id, open_only=True)}
        names = names_for(read, instance.definition_id)
        targets = [(one, names.element(one)) for one in read.move_targets(actor, instance_id, int(found.id.rpartition("-")[2]))]
    return render_template("element.html", instance=instance, element=found, incidents=incidents, names=names, targets=targets)


def _open_there(elements: Sequence[OpenElement], work_id: str) -> OpenElement | None:
    """The element of this work id, else the first one that waits for what has it."""
    for one in elements:
        if one.id == work_id:
            return one
    return next((one for one in elements if any(wait.id == work_id for wait in one.waits)), None)


# --- acts ------------------------------------------------------------------------------------------------------------------
def _act(command: Command, instance_id: str, notice: str) -> Response:
    execute(command)
    target = request.form.get("next")
    return notify(make_response(redirect(local_target(target) if target else url_for("instances.show", instance_id=instance_id), 303)), notice)


def reason() -> str:
    """The reason that the form gives. Raises InvalidInput for none."""
    text = request.form.get("reason", "").strip()
    if not text:
        raise InvalidInput(gettext("Give a reason; it becomes part of the history."))
    return text


def variables() -> Mapping[str, Json]:
    """The JSON object of the form; nothing for an empty field. Raises InvalidInput."""
    text = request.form.get("variables", "").strip()
    found = parse(text) if text else {}
    if not isinstance(found, dict):
        raise InvalidInput(gettext('Write variables as a JSON object, for example {"amount": 5}.'))
    return found


@blueprint.post("/instances/<instance_id>/elements/<int:key>/retry")
def retry(instance_id: str, key: int) -> Response:
    """Try again, with changed variables."""
    return _act(RetryIncident(f"{instance_id}-{key}", reason(), variables()), instance_id, "incident_retried")


@blueprint.post("/instances/<instance_id>/elements/<int:key>/complete")
def complete(instance_id: str, key: int) -> Response:
    """Give the results by hand."""
    return _act(CompleteByHand(f"{instance_id}-{key}", reason(), variables()), instance_id, "completed_by_hand")


@blueprint.post("/instances/<instance_id>/elements/<int:key>/fail")
def fail(instance_id: str, key: int) -> Response:
    """As a business error, or for good."""
    code = request.form.get("code", "").strip()[:255] or None
    return _act(FailByHand(f"{instance_id}-{key}", reason(), code, variables() if code else {}), instance_id, "failed_by_hand")


@blueprint.post("/instances/<instance_id>/elements/<int:key>/move")
def move(instance_id: str, key: int) -> Response:
    """To another element of the same scope."""
    target = request.form.get("target", "").strip()
    if not target:
        raise InvalidInput(gettext("Choose the element that the token is moved to."))
    command = MoveToken(f"{instance_id}-{key}", target, reason(), variables(), request.form.get("element") or None)
    return _act(command, instance_id, "token_moved")


@blueprint.post("/instances/<instance_id>/suspend")
def suspend(instance_id: str) -> Response:
    """Nothing moves any more."""
    return _act(Suspend(instance_id, reason()), instance_id, "instance_suspended")


@blueprint.post("/instances/<instance_id>/resume")
def resume(instance_id: str) -> Response:
    """It goes on."""
    return _act(Resume(instance_id, reason()), instance_id, "instance_resumed")
