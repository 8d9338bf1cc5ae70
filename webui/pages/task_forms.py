"""Between a task's page and its form: draw it, read its post, keep its uploads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from markupsafe import Markup

from engine.errors import FieldError
from engine.model.commands import Attach
from engine.model.values import Json, sha256
from forms import CompiledForm, Submission
from webui.forms import render_form, render_summary
from webui.i18n import language, time_zone
from webui.pages.engine import execute, flowledger
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


def read_post(form: CompiledForm, shown: Mapping[str, Json], uploads: TaskUploads | None) -> Submission:
    """The post of this request, decoded and judged."""
    return form.decode(request.form, request.files, shown=shown, uploads=uploads, zone=ZoneInfo(time_zone()))


def draw(form: CompiledForm, values: Mapping[str, Json], raw: Any = None, errors: Iterable[FieldError] = ()) -> Markup:
    """The fields: as typed where there is `raw`, else with present values."""
    return render_form(form, values, raw=raw, errors=errors, lang=language(), zone=ZoneInfo(time_zone()))


def summary(form: CompiledForm, values: Mapping[str, Json]) -> Markup:
    """The values as text."""
    return render_summary(form, values, lang=language(), zone=ZoneInfo(time_zone()))
