"""Errors to HTTP: the only place that knows which refusal is which status.

People get a page in their language that says what happened, what was kept and what to do; programs get
`application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, `instance`, and `errors` or `problems` where there are
several. Neither ever sees a stack trace: those go to the log.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask, Response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext
from werkzeug.exceptions import HTTPException, InternalServerError

from engine import errors
from forms import message as form_message
from webui.findings import told
from webui.i18n import gettext, language
from webui.refusals import of_operations
from webui.security import CsrfRefused, is_api

log = logging.getLogger("flowledger.web")

STATUS: Mapping[type[Exception], int] = {
    errors.NotFound: 404,
    errors.NotAllowed: 403,
    errors.Conflict: 409,
    errors.LimitExceeded: 413,
    errors.FormInvalid: 422,
    errors.DeploymentRejected: 422,
    errors.InvalidInput: 400,
    errors.Refusal: 400,
    errors.ConcurrentChange: 503,
    errors.NotAvailable: 503,
    errors.StorageDamaged: 500,
    errors.IntegrityViolation: 500,
    errors.BpmnError: 422,
    errors.ExpressionError: 422,
    errors.ExecutionError: 422,
}

#: message id -> (title, what to do). Placeholders are filled from the error's data.
TEXTS = {
    "NotFound": (lazy_gettext("Not found"), lazy_gettext("Check the address, or go back to the list that you came from.")),
    "NotAllowed": (lazy_gettext("You may not do this"), lazy_gettext("Ask an administrator for the role or group that may.")),
    "Conflict": (lazy_gettext("Somebody was faster"), lazy_gettext("Reload the page and look again before you repeat it.")),
    "TaskNotOpen": (lazy_gettext("This task is already finished"), lazy_gettext("Go back to the worklist; the history shows who finished it.")),
    "TaskClaimed": (lazy_gettext("Somebody else works on this task"), lazy_gettext("Ask them to give it back or to hand it over to you.")),
    "InstanceNotActive": (lazy_gettext("This process instance has ended"), lazy_gettext("It takes no more changes; its history stays readable.")),
    "InstanceSuspended": (lazy_gettext("This process instance is suspended"), lazy_gettext("Ask an operator to resume it, then try again.")),
    "DefinitionSuspended": (lazy_gettext("This process is suspended"), lazy_gettext("Ask an operator to resume it, then start it again.")),
    "MigrationRefused": (
        lazy_gettext("The instance cannot be migrated"),
        lazy_gettext("Choose other targets in the plan, or mend the instance first."),
    ),
    "MigrationNotUndone": (lazy_gettext("The migration cannot be taken back"), lazy_gettext("The history shows what has happened since.")),
    "RequestIdReused": (lazy_gettext("This request was already used"), lazy_gettext("Send it again with a fresh request id.")),
    "LimitExceeded": (lazy_gettext("Too large"), lazy_gettext("Make it smaller, or ask an administrator to raise the limit.")),
    "FormInvalid": (lazy_gettext("The form needs corrections"), lazy_gettext("Correct the marked fields and send it again.")),
    "DeploymentRejected": (lazy_gettext("The diagram has problems"), lazy_gettext("Correct the listed elements and deploy again.")),
    "InvalidInput": (lazy_gettext("The input is not valid"), lazy_gettext("Correct it and send it again.")),
    "NotAvailable": (lazy_gettext("The database cannot be reached"), lazy_gettext("Try again in a moment; what you sent was not saved.")),
    "InstanceNotAvailable": (
        lazy_gettext("This instance cannot be changed just now"),
        lazy_gettext("Try again in a moment; what you sent was not saved."),
    ),
    "WriterBusy": (lazy_gettext("The database is busy"), lazy_gettext("Try again in a moment; what you sent was not saved.")),
    "StorageFull": (
        lazy_gettext("The disk of the database is full"),
        lazy_gettext("Tell the administrator; what you sent was not saved. Reading goes on."),
    ),
    "StorageDamaged": (
        lazy_gettext("The file of the database is damaged"),
        lazy_gettext("Tell the administrator at once; change nothing."),
    ),
    "OutcomeUnknown": (
        lazy_gettext("Not known whether it was saved"),
        lazy_gettext("Look whether it is there before you repeat it."),
    ),
    "ConcurrentChange": (lazy_gettext("Too many changes at the same time"), lazy_gettext("Try again in a moment.")),
    "JobUnreadable": (
        lazy_gettext("This work cannot be read"),
        lazy_gettext("The database is damaged: tell the administrator, who restores it from a backup."),
    ),
    "IntegrityViolation": (
        lazy_gettext("The history does not verify"),
        lazy_gettext("Tell the auditor and the administrator at once; change nothing."),
    ),
}

#: HTTP status -> (title, what to do), for what Flask itself refuses.
HTTP_TEXTS = {
    400: (lazy_gettext("The request cannot be read"), lazy_gettext("Go back and try again.")),
    401: (lazy_gettext("Please sign in"), lazy_gettext("Sign in and open the page again.")),
    403: (lazy_gettext("You may not do this"), lazy_gettext("Ask an administrator for the role or group that may.")),
    404: (lazy_gettext("Not found"), lazy_gettext("Check the address, or go back to the list that you came from.")),
    405: (lazy_gettext("This cannot be done here"), lazy_gettext("Go back and use the buttons of the page.")),
    413: (lazy_gettext("Too large"), lazy_gettext("Choose a smaller file. Nothing of it was stored.")),
    415: (lazy_gettext("This kind of content is not accepted"), lazy_gettext("Send the kind of content that the page or the API describes.")),
    422: (lazy_gettext("The input is not valid"), lazy_gettext("Correct it and send it again.")),
    429: (lazy_gettext("Too many attempts"), lazy_gettext("Wait a few minutes and try again.")),
    500: (
        lazy_gettext("Something went wrong here"),
        lazy_gettext("Nothing was half-saved. Try again; if it happens again, tell the administrator the time."),
    ),
    503: (lazy_gettext("Just now not available"), lazy_gettext("Try again in a moment; what you sent was not saved.")),
}


def wants_document() -> bool:
    """Does the caller read problem documents rather than pages?"""
    if is_api(request):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"], default="text/html")
    return best != "text/html"


def status_of(error: errors.FlowledgerError) -> int:
    """The HTTP status of an engine error, by its nearest class in the table."""
    return next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), 500)


def texts_of(error: errors.FlowledgerError) -> tuple[str, str]:
    """Title and advice in the reader's language."""
    for cls in type(error).__mro__:
        if cls.__name__ in TEXTS:
            title, advice = TEXTS[cls.__name__]
            return str(title), str(advice)
    title, advice = HTTP_TEXTS[500]
    return str(title), str(advice)


def document(status: int, title: str, detail: str, kind: str = "about:blank", **extra: Any) -> Response:
    """A problem document."""
    body = {"type": kind, "title": title, "status": status, "detail": detail, "instance": request.path, **extra}
    return Response(json.dumps(body, ensure_ascii=False), status, mimetype="application/problem+json")


def of_engine(error: errors.FlowledgerError) -> Response:
    """An error of the engine as an answer."""
    status = status_of(error)
    if status == 503:  # a database that is gone for a minute must not fill the log with stacks
        log.warning("%s", type(error).__name__)
    elif status >= 500:
        log.error("%s", type(error).__name__, exc_info=error)
    elif status == 403:
        log.warning("refused: %s", type(error).__name__)
    title, advice = texts_of(error)
    detail = str(error) if status < 500 or isinstance(error, errors.NotAvailable | errors.IntegrityViolation | errors.StorageDamaged) else title
    if wants_document():
        response = document(status, title, detail, f"urn:flowledger:problem:{error.message_id}", **_parts(error))
    else:
        response = _page(status, title, explain(error), advice, **_parts(error))
    if status == 503:
        response.headers["Retry-After"] = "2"
    return response


def _parts(error: errors.FlowledgerError) -> dict[str, Any]:
    if isinstance(error, errors.FormInvalid):
        return {"errors": [dataclasses.asdict(e) | {"params": dict(e.params), "text": form_message(e, language())} for e in error.errors]}
    if isinstance(error, errors.DeploymentRejected):
        return {"problems": [told(p) for p in error.problems]}
    if isinstance(error, errors.MigrationRefused) and wants_document():
        return {"problems": [dataclasses.asdict(p) | {"text": p.text} for p in error.problems]}
    return {}


OF_THE_DATABASE = {
    "WriterBusy": lazy_gettext("Another change keeps the database busy for too long."),
    "StorageFull": lazy_gettext("There is no room left on the disk of the database. Nothing was changed."),
    "StorageDamaged": lazy_gettext("What was asked for cannot be read or written. The administrator keeps a copy of the file and restores a backup."),
    "OutcomeUnknown": lazy_gettext("The connection to the database was lost while your change was being saved. It is saved whole or not at all."),
    "NotAvailable": lazy_gettext("The database cannot be reached just now. Nothing was lost."),
    "InstanceNotAvailable": lazy_gettext("This instance cannot be changed just now, others can. Nothing was lost."),
}


def explain(error: errors.FlowledgerError) -> str:
    """What happened, in the reader's language where we have the sentence, else the engine's English one."""
    data = {k: str(v) for k, v in error.data.items()}
    if (found := OF_THE_DATABASE.get(error.message_id) or of_operations(error.message_id, data)) is not None:
        return str(found)
    match error.message_id:
        case "NotFound":
            return gettext("There is nothing with the id %(id)s, or you may not see it.", id=data.get("id", "?"))
        case "NotAllowed":
            return gettext("Your account has no right for this: %(action)s. Nothing was changed.", action=data.get("action", "?"))
        case "TaskNotOpen":
            return gettext("Task %(id)s is already %(state)s. Nothing was changed.", id=data.get("id", "?"), state=_state_word(data.get("state", "")))
        case "TaskClaimed":
            return gettext("Task %(id)s is claimed by %(assignee)s. Nothing was changed.", id=data.get("id", "?"), assignee=data.get("assignee", "?"))
        case "InstanceNotActive":
            return gettext("Instance %(id)s is %(state)s. Nothing was changed.", id=data.get("id", "?"), state=_state_word(data.get("state", "")))
        case "LimitExceeded":
            return gettext(
                "%(what)s: %(value)s; the limit is %(limit)s. Nothing was saved.",
                what=data.get("what", "?"),
                value=data.get("value", "?"),
                limit=data.get("limit", "?"),
            )
        case _:
            return str(error) if status_of(error) < 500 else gettext("The engine refused the work. Nothing was half-saved.")


def refused(kind: str, text: str, data: Mapping[str, Any]) -> str:
    """A refusal that was kept (its class name, its English text, its data) in the reader's language."""
    known = getattr(errors, kind, None)
    if known is errors.FormInvalid:
        return _form(text, data)
    if not (isinstance(known, type) and issubclass(known, errors.Refusal)) or not data:
        return text
    return explain(known(text, **{k: v for k, v in data.items() if k not in ("message", "reason")}))


def _form(text: str, data: Mapping[str, Any]) -> str:
    fields = [errors.FieldError(*one) for one in json.loads(data.get("errors", "[]"))]
    each = (gettext("%(field)s: %(problem)s", field=one.pointer.removeprefix("/"), problem=form_message(one, language())) for one in fields)
    return gettext("The form needs corrections: %(fields)s", fields=gettext("; ").join(each)) if fields else text


def _state_word(state: str) -> str:
    words = {
        "suspended": gettext("suspended"),
        "completed": gettext("completed"),
        "cancelled": gettext("cancelled"),
        "failed": gettext("failed"),
        "open": gettext("open"),
    }
    return words.get(state, state)


def of_http(error: HTTPException) -> Response:
    """What Flask or a view refused by status."""
    status = error.code or 500
    if 300 <= status < 400:
        return error.get_response()  # type: ignore[return-value]
    if status == 401 and not wants_document() and "HX-Request" not in request.headers:  # htmx would put the login page into the form
        return redirect(url_for("account.login", next=request.full_path.rstrip("?") if request.method == "GET" else None))  # type: ignore[return-value]
    title, advice = (str(t) for t in HTTP_TEXTS.get(status, HTTP_TEXTS[500 if status >= 500 else 400]))
    data = getattr(error, "data", None) or {}
    detail = str(data.get("message") or error.description or title)
    if status in (401, 403) and is_api(request):
        detail = gettext("Send a valid API token: “Authorization: Bearer …”.") if status == 401 else advice
    if isinstance(error, CsrfRefused):
        title, advice = gettext("The page was open too long"), gettext("Go back, reload the page and send the form again. Nothing was changed.")
    if wants_document():
        if "messages" in data:
            found = list(_flat(data["messages"]))
            response = document(status, title, "; ".join(f"{e['pointer']}: {e['message']}" for e in found[:5]), errors=found)
        else:
            response = document(status, title, detail if status < 500 else title)
    else:
        response = _page(status, title, "", advice)
    for name, value in error.get_headers() if hasattr(error, "get_headers") else []:
        if name.lower() in ("allow", "retry-after", "www-authenticate"):
            response.headers[name] = value
    if status == 401:
        response.headers.setdefault("WWW-Authenticate", "Bearer")
    return response


def _flat(messages: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """Nested messages of marshmallow messages as the same list that a form's errors are; its first level, the location, is left out."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            own = name in ("key", "value") or (not pointer and name in ("json", "query", "_schema"))
            yield from _flat(inner, (pointer or "/").rstrip("/") + ("" if own else f"/{name}") or "/")
    elif isinstance(messages, list):
        for text in messages:
            yield {"pointer": pointer or "/", "message_id": "schema", "message": str(text)}
    else:
        yield {"pointer": pointer or "/", "message_id": "schema", "message": str(messages)}


def of_anything(error: Exception) -> Response:
    """A defect of ours: to the log with its stack, to the caller without."""
    log.error("a defect of ours", exc_info=error)
    return of_http(InternalServerError())


def _page(status: int, title: str, happened: str, advice: str, **parts: Any) -> Response:
    return Response(
        render_template("error.html", status=status, title=title, happened=happened, advice=advice, **parts), status, mimetype="text/html"
    )


def install(app: Flask) -> None:
    """One handler a kind of error."""
    app.register_error_handler(errors.FlowledgerError, of_engine)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, of_anything)
