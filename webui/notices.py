"""One-time messages after a redirect ("the task is completed"). They travel in a cookie as a code and its parameters.

The code picks one of the texts below, so a forged cookie can show nothing but these; parameters are escaped like all data.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from flask import Flask, Request, g
from werkzeug.wrappers import Response

from webui.i18n import gettext
from webui.security import drop_cookie, read_cookie, set_cookie

COOKIE = "notice"


def _(text: str) -> str:
    """Marks a text for the catalogue; `take_notice` translates it."""
    return text


TEXTS = {
    "signed_out": ("success", _("You are signed out.")),
    "password_changed": ("success", _("The password is changed; your other sessions are ended.")),
    "preferences_saved": ("success", _("Your settings are saved.")),
    "token_revoked": ("success", _("The API token is revoked.")),
    "task_claimed": ("success", _("You have claimed “%(name)s”.")),
    "task_released": ("success", _("You have given “%(name)s” back to the group.")),
    "task_handed_over": ("success", _("“%(name)s” is handed over to %(to)s.")),
    "task_completed": ("success", _("“%(name)s” is completed.")),
    "draft_saved": ("success", _("The draft is saved. Only you can see it.")),
    "comment_added": ("success", _("The comment is added to the history.")),
    "file_attached": ("success", _("“%(name)s” is attached.")),
    "instance_started": ("success", _("“%(name)s” has started.")),
    "instance_cancelled": ("success", _("The process instance is cancelled.")),
    "variables_changed": ("success", _("The variables are changed; the change is in the history.")),
    "incident_retried": ("success", _("The work is being tried again.")),
    "job_discarded": ("success", _("It is thrown away; it is noted with your reason.")),
    "completed_by_hand": ("success", _("It is completed by hand; the history shows it with your reason.")),
    "failed_by_hand": ("success", _("It has failed as you asked; the history shows it with your reason.")),
    "token_moved": ("success", _("The token is moved; the history shows it with your reason.")),
    "instance_migrated": ("success", _("The process instance goes on under the new version; the history shows it with your reason.")),
    "migration_undone": ("success", _("The migration is taken back.")),
    "instance_suspended": ("success", _("The process instance is suspended: nothing moves until it is resumed.")),
    "instance_resumed": ("success", _("The process instance goes on.")),
    "definition_suspended": ("success", _("This version is suspended: nothing can start it.")),
    "definition_resumed": ("success", _("This version can be started again.")),
    "bulk_started": ("success", _("The operation is on its way.")),
    "bulk_stopped": ("success", _("The operation is stopped; what was not done yet stays undone.")),
    "draft_discarded": ("success", _("The draft is thrown away.")),
    "draft_imported": ("success", _("“%(name)s” is imported as a draft.")),
    "deployed": ("success", _("“%(name)s” is deployed as version %(version)s.")),
    "user_saved": ("success", _("The account “%(name)s” is saved.")),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """`kind` success or warning; `text` in the reader's language."""

    kind: str
    text: str


def notify(response: Response, code: str, **parameters: str) -> Response:
    """Show the text of this code on the next page."""
    data = json.dumps([code, {k: str(v)[:120] for k, v in parameters.items()}], ensure_ascii=False).encode()
    set_cookie(response, COOKIE, base64.urlsafe_b64encode(data).decode(), max_age=60)
    return response


def take_notice() -> Notice | None:
    """The waiting message, once."""
    raw = read_cookie(COOKIE)
    if not raw:
        return None
    g.notice_taken = True
    try:
        code, parameters = json.loads(base64.urlsafe_b64decode(raw))
        kind, text = TEXTS[code]
        return Notice(kind, gettext(text, **{str(k): str(v) for k, v in parameters.items()}))
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None


def forget(asked: Request, known: Any, response: Response) -> None:
    """After every request: what was shown is not shown again."""
    if known.get("notice_taken") and asked.method == "GET":
        drop_cookie(response, COOKIE)


def install(app: Flask) -> None:
    """`take_notice()` in templates."""
    app.jinja_env.globals["take_notice"] = take_notice
