"""How values look on pages: times, durations, sizes, states, JSON values. Every state has a word and a colour."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_timedelta
from flask import Flask, current_app
from flask_babel import get_locale, lazy_gettext
from jinja2 import pass_context
from markupsafe import Markup, escape

from engine.model.views import COUNTED
from webui.i18n import by_language, gettext, ngettext, time_zone

STATES = {
    "active": ("info", lazy_gettext("Active")),
    "suspended": ("warning", lazy_gettext("Suspended")),
    "running": ("info", lazy_gettext("Running")),
    "finished": ("ok", lazy_gettext("Finished")),
    "stopped": ("muted", lazy_gettext("Stopped")),
    "waiting": ("muted", lazy_gettext("Waiting")),
    "done": ("ok", lazy_gettext("Done")),
    "refused": ("overdue", lazy_gettext("Refused")),
    "completed": ("ok", lazy_gettext("Completed")),
    "failed": ("overdue", lazy_gettext("Failed")),
    "cancelled": ("muted", lazy_gettext("Cancelled")),
    "open": ("info", lazy_gettext("Open")),
    "incident": ("overdue", lazy_gettext("Incident")),
    "resolved": ("ok", lazy_gettext("Resolved")),
    "verified": ("ok", lazy_gettext("Verified")),
    "broken": ("overdue", lazy_gettext("Does not verify")),
    "active_account": ("ok", lazy_gettext("May sign in")),
    "inactive": ("muted", lazy_gettext("Disabled")),
}


JOB_STATES = {"due": lazy_gettext("due"), "failed": lazy_gettext("failed"), "suspended": lazy_gettext("suspended")}


def job_state(state: str) -> str:
    """A state of jobs in words."""
    return str(JOB_STATES.get(state, state))


def now() -> datetime:
    """The moment that "3 minutes ago" counts from; `NOW` in the configuration replaces the wall clock."""
    clock = current_app.config.get("NOW")
    return clock() if clock else datetime.now(UTC)


def day_end() -> datetime:
    """The end of the reader's day, UTC."""
    local = now().astimezone(ZoneInfo(time_zone()))
    return (local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)).astimezone(UTC)


def group_title(group: str) -> str:
    """A candidate group in the reader's language, as its pack names it."""
    return by_language(current_app.extensions["flowledger"].catalogue.groups.get(group, group), group)


def counted(count: int) -> str:
    """A number of tasks; `1,000+` where counting stopped."""
    return f"{COUNTED:,}+" if count > COUNTED else f"{count:,}"


def exact(value: datetime | None, seconds: bool = True) -> str:
    """`2026-11-23 14:05:09` in the reader's time zone."""
    if value is None:
        return ""
    return value.astimezone(ZoneInfo(time_zone())).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def day(value: datetime | None) -> str:
    """`2026-11-23` in the reader's time zone."""
    return value.astimezone(ZoneInfo(time_zone())).strftime("%Y-%m-%d") if value else ""


def ago(value: datetime | None) -> Markup | str:
    """`3 minutes ago` in a <time> element that carries the exact moment."""
    if value is None:
        return ""
    delta = value - now()
    text = gettext("just now") if abs(delta) < timedelta(seconds=10) else format_timedelta(delta, add_direction=True, locale=get_locale())
    return Markup('<time datetime="{}" data-relative title="{}">{}</time>').format(
        value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), exact(value), text
    )


def moment(value: datetime | None) -> Markup | str:
    """The exact moment, to the minute, in a <time> element."""
    if value is None:
        return ""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), exact(value), exact(value, seconds=False)
    )


def due_chip(value: datetime | None) -> Markup | str:
    """When work is due: overdue, today or later, in words and colour."""
    if value is None:
        return ""
    today = now().astimezone(ZoneInfo(time_zone())).date()
    local = value.astimezone(ZoneInfo(time_zone()))
    if value < now():
        kind, word = "overdue", gettext("Overdue since %(when)s", when=_short(local, today))
    elif local.date() == today:
        kind, word = "today", gettext("Due today %(time)s", time=local.strftime("%H:%M"))
    else:
        kind, word = "muted", gettext("Due %(when)s", when=_short(local, today))
    return Markup('<time class="chip chip-{}" datetime="{}" title="{}">{}</time>').format(kind, value.astimezone(UTC).isoformat(), exact(value), word)


def _short(local: datetime, today: object) -> str:
    return local.strftime("%H:%M") if local.date() == today else local.strftime("%Y-%m-%d")


def duration(seconds: float | None) -> str:
    """`1 h 20 min`, `3.4 s`; a dash when unknown."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return gettext("%(n)s s", n=f"{seconds:.1f}".rstrip("0").rstrip("."))
    minutes = round(seconds / 60)
    if minutes < 60:
        return gettext("%(n)s min", n=minutes)
    if minutes < 60 * 48:
        return gettext("%(h)s h %(m)s min", h=minutes // 60, m=minutes % 60)
    return ngettext("%(num)s day", "%(num)s days", round(minutes / 1440))


def file_size(size: int) -> str:
    """`840 B`, `12.3 KB`, `4.0 MB`."""
    value = float(size)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


@pass_context
def state_chip(_context: object, state: str) -> Markup:
    """The state's word on its colour. Asked with the context: else Jinja would put a constant state into words once, in its first reader's language."""
    kind, word = STATES.get(state, ("muted", state))
    return Markup('<span class="chip chip-{}">{}</span>').format(kind, str(word))


def plain_value(value: object, length: int = 200) -> str:
    """A JSON value for a table cell: texts as they are, the rest as JSON, cut at `length` characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= length else text[: length - 1] + "…"


def pretty_json(value: object) -> str:
    """Indented JSON for reading."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def hash_code(value: str) -> Markup:
    """The first 12 digits of a hash; the whole one on hover and for copying."""
    return Markup('<code class="hash" title="{}">{}</code>').format(value, escape(value[:12]))


def install(app: Flask) -> None:
    """Make them filters of the templates."""
    app.jinja_env.globals["job_state"] = job_state
    app.jinja_env.filters.update(
        exact=exact,
        day=day,
        ago=ago,
        moment=moment,
        due_chip=due_chip,
        duration=duration,
        file_size=file_size,
        state_chip=state_chip,
        plain_value=plain_value,
        pretty_json=pretty_json,
        hash_code=hash_code,
        group_title=group_title,
        counted=counted,
    )
