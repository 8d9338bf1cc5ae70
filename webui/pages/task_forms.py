"""Between a task's page and its form: draw it, read its post, keep its uploads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import request, url_for
from markupsafe import Markup

from engine.errors import FieldError
from engine.model.commands import Attach
from engine.model.values import Json, sha256
from engine.ports import Form
from forms import CompiledForm, Submission
from webui.forms import Button, FileUrl, render_fields, render_form, render_summary
from webui.i18n import language, time_zone
from webui.pages.engine import execute, flowledger
from webui.security import csrf_token
from webui.signin import current_actor


@dataclass(frozen=True, slots=True)
class TaskUploads:
    """Files uploaded into a form become attachments of the task's instance at once, so that they survive a second try."""

    instance_id: str
    task_id: str

    def put(self, data: bytes, media_type: str, name: str) -> str:
        """Attach the file; its SHA-256."""
        digest = sha256(data)
        if self.find(digest) is None:
            execute(Attach(self.instance_id, name, data, media_type, self.task_id))
        return digest

    def find(self, sha256: str) -> Mapping[str, Any] | None:
        """A file that is attached to this instance already."""
        with flowledger().reading() as read:
            for row in read.attachments(current_actor(), self.instance_id):
                if row.sha256 == sha256:
                    return {"name": row.name, "sha256": row.sha256, "size": row.size, "media_type": row.media_type}
        return None


def _compiled(form: Form) -> CompiledForm:
    """Pages draw the forms of our own compiler; another plugin's forms would need a renderer of their own."""
    if not isinstance(form, CompiledForm):
        raise TypeError(f"no renderer for forms of {type(form).__name__}")
    return form


def read_post(form: Form, shown: Mapping[str, Json], uploads: TaskUploads | None) -> Submission:
    """The post of this request, decoded and judged."""
    return _compiled(form).decode(request.form, request.files, shown=shown, uploads=uploads, zone=ZoneInfo(time_zone()))


def draw(
    form: Form,
    values: Mapping[str, Json],
    submission: Submission | None = None,
    *,
    draft: Any = None,
    errors: Iterable[FieldError] | None = None,
    action_url: str,
    fragment_url: str,
    buttons: Sequence[Button],
    before_buttons: Markup | str = "",
    attributes: Mapping[str, str] | None = None,
    file_url: FileUrl | None = None,
) -> Markup:
    """The form element: as typed where there is a submission or a draft, else with present values."""
    return render_form(
        _compiled(form),
        values,
        errors if errors is not None else (submission.errors if submission else ()),
        submission.raw if submission else draft,
        language(),
        action_url=action_url,
        csrf_token=csrf_token(),
        fragment_url=fragment_url,
        zone=ZoneInfo(time_zone()),
        buttons=buttons,
        before_buttons=before_buttons,
        attributes=attributes,
        file_url=file_url,
    )


def fields(
    form: Form, values: Mapping[str, Json], submission: Submission, *, action_url: str, fragment_url: str, file_url: FileUrl | None = None
) -> Markup:
    """The part that htmx replaces after a row button, a condition, a preview."""
    return render_fields(
        _compiled(form),
        values,
        (),
        submission.raw,
        language(),
        action_url=action_url,
        fragment_url=fragment_url,
        zone=ZoneInfo(time_zone()),
        file_url=file_url,
    )


def summary(form: Form, values: Mapping[str, Json], file_url: FileUrl | None = None) -> Markup:
    """The values as text."""
    return render_summary(_compiled(form), values, language(), zone=ZoneInfo(time_zone()), file_url=file_url, heading=3)


def files_of(instance_id: str) -> FileUrl:
    """Addresses of the files that the forms of an instance name."""
    return lambda file: url_for("instances.blob", instance_id=instance_id, sha256=file["sha256"], name=file.get("name", ""))
