"""An instance's records one by one: frames for the slider, and the same as a plain list without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from engine.errors import IntegrityViolation, NotFound
from engine.identity.policy import allows
from engine.model.records import Frame
from engine.model.values import iso
from engine.model.views import Explanation
from forms import CompiledForm
from webui.filters import exact
from webui.i18n import language
from webui.pages.engine import flowledger
from webui.pages.reading import NamesThrough, names_for
from webui.sentences import Names, reasons, sentence
from webui.signin import current_actor

blueprint = Blueprint("replay", __name__, url_prefix="/instances/<instance_id>")
SIZE = 50  # records a page of the plain list


@blueprint.get("/replay")
def show(instance_id: str) -> str:
    """The slider; `?seq=` picks the record. `?list=1` and browsers without JavaScript get the list."""
    actor = current_actor()
    with flowledger().reading() as read:
        row = read.instance(actor, instance_id)
        names = names_for(read, row.definition_id)
        explanations = read.explanations(actor, instance_id)
        through = NamesThrough(read, row.definition_id, explanations)
        start = max(request.args.get("from", 1, int), 1)
        shown = explanations[start - 1 : start - 1 + SIZE]
        forms = [_form(e, form_titles(read, through.definition(e.seq), e, through.names(e.seq))) for e in shown]
        lines = [(e, sentence(e, through.names(e.seq)), reasons(e, through.names(e.seq)), form) for e, form in zip(shown, forms, strict=True)]
    last = explanations[-1].seq if explanations else 0
    seq = min(max(request.args.get("seq", last, int), 1), last)
    return render_template(
        "replay.html", instance=row, names=names, last=last, seq=seq, lines=lines, start=start, size=SIZE, plain="list" in request.args
    )


@blueprint.get("/frames/<int:seq>.json")
def frame(instance_id: str, seq: int) -> Response:
    """One frame as `webui/frontend/README.md` describes it."""
    actor = current_actor()
    with flowledger().reading() as read:
        row = read.instance(actor, instance_id)
        explanations = read.explanations(actor, instance_id)
        record = next((e for e in explanations if e.seq == seq), None)
        if record is None:
            raise NotFound(kind="record", id=f"{instance_id}/{seq}")
        state = read.frame(actor, instance_id, seq)
        through = NamesThrough(read, row.definition_id, explanations)
        definition, names = through.definition(seq), through.names(seq)
        titles = form_titles(read, definition, record, names)
        verified = _verified(read, actor, instance_id) if allows(actor, "history.verify") else None
    body = (
        {"xml_url": url_for("definitions.xml", definition_id=definition)}
        | _frame(record, state, names, titles)
        | ({} if verified is None else {"verified": verified})
    )
    response = Response(json.dumps(body, ensure_ascii=False), mimetype="application/json")
    response.headers["Cache-Control"] = "private, max-age=300"  # a record never changes; only its texts depend on the reader
    response.vary.add("Cookie")
    return response


def _verified(read: Any, actor: Any, instance_id: str) -> bool:
    try:
        read.verify(actor, instance_id)
    except IntegrityViolation:
        return False
    return True


def form_titles(read: Any, definition_id: str, record: Explanation, names: Names) -> Mapping[str, str]:
    """Titles of the form's fields in the reader's language."""
    element = names.elements.get(record.element_id or "")
    form = read.form(definition_id, element.form_key) if element and element.form_key else None
    return form.titles(language()) if isinstance(form, CompiledForm) else {}


def _form(record: Explanation, titles: Mapping[str, str]) -> list[dict[str, Any]]:
    if record.kind == "CompleteJob":  # what a service task gave stands under the changed variables; nobody entered it
        return []
    return [{"label": titles.get(name, name), "value": value} for name, value in record.form_values.items()]


def _frame(record: Explanation, state: Frame, names: Names, titles: Mapping[str, str]) -> dict[str, Any]:
    return {
        "seq": record.seq,
        "at": iso(record.at),
        "at_text": exact(record.at),
        "actor": names.person(record.actor),
        "on_behalf_of": names.person(record.on_behalf_of) if record.on_behalf_of else None,
        "title": sentence(record, names),
        "why": reasons(record, names),
        "form": _form(record, titles),
        "changes": [{k: v for k, v in change.items() if k == "name" or (k in ("before", "after") and v is not None)} for change in record.changes],
        "active": dict(state.active),
        "completed": dict(state.completed),
        "flows": dict(state.flows),
        "variables": dict(state.variables),
        "state": state.state,
        "hash": record.hash,
    }
