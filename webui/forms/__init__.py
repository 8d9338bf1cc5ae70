"""HTML of compiled forms: the form to fill in, its part that htmx replaces, and submitted data for reading.

    submission = form.decode(request.form, request.files, shown=variables, uploads=uploads)
    if submission.editing or submission.errors:        # a row, a condition, a preview; or something to correct
        return render_form(form, variables, submission.errors, submission.raw, lang, action_url=..., csrf_token=...)

Needs no application context: a process report or the command line renders the same way. What a page shows is decided by
`forms.view`; templates only write it down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from engine.errors import FieldError
from engine.model.values import Json
from forms import ZONE, CompiledForm
from forms.leaves import bytes_text
from forms.messages import phrase
from forms.raw import Raw
from forms.summary import summarise_form
from forms.view import FormView, describe
from webui.forms.markdown import markdown_to_html

__all__ = ["Button", "markdown_to_html", "render_fields", "render_form", "render_summary"]

FileUrl = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Button:
    """A button at the end of a form: posts `_action=<action>`; `style` is Bootstrap's (primary, outline-secondary ...).

    `form` verbs submit, draft, refresh are judged by `CompiledForm.decode`; any other verb is judged like submit.
    """

    action: str
    label: str
    style: str = "primary"


def _environment() -> Environment:
    folder = Path(__file__).resolve().parent.parent / "templates" / "forms"
    env = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    env.filters["markdown"] = markdown_to_html
    env.filters["filesize"] = bytes_text
    env.tests["web_address"] = lambda text: text.lower().startswith(("http://", "https://"))
    return env


_templates = _environment()


def render_form(
    form: CompiledForm,
    values: Mapping[str, Json],
    errors: Iterable[FieldError] = (),
    raw: Raw | None = None,
    lang: str = "zh",
    *,
    action_url: str,
    csrf_token: str,
    fragment_url: str | None = None,
    zone: tzinfo = ZONE,
    buttons: Sequence[Button] | None = None,
    before_buttons: Markup | str = "",
    attributes: Mapping[str, str] | None = None,
    file_url: FileUrl | None = None,
) -> Markup:
    """The whole `<form>`.

    `values`: variables by name, for a form not yet typed into and for read-only fields; `raw`: what was typed (of a submission or a
    draft). `fragment_url`: where htmx posts to refresh the fields; it answers with `render_fields`. `before_buttons`: more controls of
    the page inside the form. `attributes`: more attributes of the form element. `file_url`: link to an attachment, for reading.
    """
    if buttons is None:
        buttons = (Button("submit", phrase("submit", lang)), Button("draft", phrase("draft", lang), "outline-secondary"))
    view = describe(form, values, errors=errors, raw=raw, lang=lang, zone=zone)
    context = {"action_url": action_url, "csrf_token": csrf_token, "buttons": buttons, "before_buttons": before_buttons}
    return _write("form.html", view, lang, fragment_url=fragment_url, file_url=file_url, attributes=attributes or {}, **context)


def render_fields(
    form: CompiledForm,
    values: Mapping[str, Json],
    errors: Iterable[FieldError] = (),
    raw: Raw | None = None,
    lang: str = "zh",
    *,
    action_url: str,
    fragment_url: str | None = None,
    zone: tzinfo = ZONE,
    file_url: FileUrl | None = None,
) -> Markup:
    """The part inside the form that htmx replaces: error summary and fields, without buttons and token."""
    view = describe(form, values, errors=errors, raw=raw, lang=lang, zone=zone)
    return _write("fields.html", view, lang, fragment_url=fragment_url, file_url=file_url, action_url=action_url)


def render_summary(
    form: CompiledForm, values: Mapping[str, Json], lang: str = "zh", *, zone: tzinfo = ZONE, file_url: FileUrl | None = None, heading: int = 2
) -> Markup:
    """Submitted data for reading. `heading`: level of the section headings; fields that a condition hid are not shown."""
    sections = summarise_form(form, values, lang, zone)
    return Markup(_templates.get_template("summary.html").render(sections=sections, file_url=file_url, heading=heading, t=_phrases(lang)))  # noqa: S704


def _phrases(lang: str) -> Callable[..., str]:
    def text(name: str, /, **params: Any) -> str:
        return phrase(name, lang, **params)

    return text


def _write(template: str, view: FormView, lang: str, **context: Any) -> Markup:
    html = _templates.get_template(template).render(view=view, form_id=view.id, t=_phrases(lang), **context)
    return Markup(html)  # noqa: S704 - autoescaped by the environment above
