"""Signing in and out, one's own settings, password and API tokens."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from engine.errors import InvalidInput, NotAllowed
from engine.model.actors import NOTIFY
from engine.model.commands import ChangePassword, IssueToken, RevokeToken, SetPreferences
from webui.addresses import local_target
from webui.filters import now
from webui.i18n import LANGUAGE_COOKIE, LOCALES, TIME_ZONE_COOKIE, gettext, time_zones
from webui.notices import notify
from webui.pages.engine import execute, flowledger
from webui.security import drop_cookie, read_cookie, set_cookie
from webui.signin import SESSION_COOKIE, LoginLimit, current_actor

blueprint = Blueprint("account", __name__)
YEAR = 31_536_000  # seconds


# --- signing in and out ----------------------------------------------------------------------------------------------
@blueprint.get("/login")
def login() -> str:
    """The form."""
    return render_template("login.html", next=request.args.get("next"))


@blueprint.post("/login")
def login_submit() -> ResponseReturnValue:
    """A new session at every login (no fixation). One text for a wrong name and a wrong password."""
    limit: LoginLimit = current_app.extensions["flowledger.login_limit"]
    user, password = request.form.get("user", "").strip()[:64], request.form.get("password", "")[:1024]
    address = request.remote_addr or ""
    wait = limit.wait_seconds(user, address)
    if wait:
        text = gettext("Too many failed attempts. Try again in %(seconds)s seconds.", seconds=wait)
        return _refused(user, text, 429, wait)
    accounts = flowledger().accounts
    try:
        secret = accounts.login(user, password)
    except (NotAllowed, InvalidInput):
        limit.failed(user, address)
        return _refused(user, gettext("The account or the password is wrong."), 401)
    limit.succeeded(user, address)
    old = read_cookie(SESSION_COOKIE)
    if old:
        accounts.logout(old)
    response = make_response(redirect(local_target(request.form.get("next")), 303))
    set_cookie(response, SESSION_COOKIE, secret)
    drop_cookie(response, "visitor")
    profile = accounts.profile(user)
    _remember(response, profile.language, profile.time_zone)
    return response


def _refused(user: str, text: str, status: int, wait: int = 0) -> Response:
    response = make_response(render_template("login.html", error=text, user=user, next=request.form.get("next")), status)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


@blueprint.post("/logout")
def logout() -> Response:
    """End the session here and on the server."""
    secret = read_cookie(SESSION_COOKIE)
    if secret:
        flowledger().accounts.logout(secret)
    response = make_response(redirect(url_for("account.login"), 303))
    drop_cookie(response, SESSION_COOKIE)
    return notify(response, "signed_out")


@blueprint.post("/language")
def set_language() -> Response:
    """The switch in the header; works before login too."""
    response = make_response(redirect(local_target(request.form.get("next")), 303))
    wanted = request.form.get("language", "")
    if wanted in LOCALES:
        set_cookie(response, LANGUAGE_COOKIE, wanted, YEAR)
    return response


def _remember(response: Response, language: str, zone: str) -> None:
    set_cookie(response, LANGUAGE_COOKIE, language, YEAR)
    set_cookie(response, TIME_ZONE_COOKIE, zone, YEAR)


# --- settings --------------------------------------------------------------------------------------------------------
@blueprint.get("/settings")
def settings() -> str:
    """Language, time zone, notices, password."""
    return _settings_page()


def _settings_page(**more: str) -> str:
    own = flowledger().accounts.profile(current_actor().id)
    return render_template("settings.html", zones=time_zones(), own=own, choices=NOTIFY, **more)


@blueprint.post("/settings")
def save_preferences() -> ResponseReturnValue:
    """Keep language, time zone and what one is told of with the account."""
    language, zone = request.form.get("language", ""), request.form.get("time_zone", "")
    if language not in LOCALES or zone not in time_zones():
        raise InvalidInput(gettext("Choose a language and a time zone of the lists."))
    try:
        execute(SetPreferences(language, zone, request.form.get("email"), request.form.get("notify")))
    except InvalidInput:
        return _settings_page(email_error=gettext("This is no e-mail address. Nothing was changed.")), 422
    response = make_response(redirect(url_for("account.settings"), 303))
    _remember(response, language, zone)
    return notify(response, "preferences_saved")


@blueprint.post("/settings/password")
def change_password() -> ResponseReturnValue:
    """Needs the present one; ends all other sessions."""
    new = request.form.get("new", "")
    if len(new) < 8:
        return _password_refused(gettext("The new password is too short."))
    limit: LoginLimit = current_app.extensions["flowledger.login_limit"]
    actor, address = current_actor(), request.remote_addr or ""
    if limit.wait_seconds(actor.id, address):
        return _password_refused(gettext("Too many failed attempts. Try again in a few minutes."))
    try:
        execute(ChangePassword(request.form.get("old", ""), new))
    except (NotAllowed, InvalidInput):
        limit.failed(actor.id, address)
        return _password_refused(gettext("The present password is wrong. Nothing was changed."))
    response = make_response(redirect(url_for("account.settings"), 303))
    if flowledger().accounts.session(read_cookie(SESSION_COOKIE) or "") is None:
        set_cookie(response, SESSION_COOKIE, flowledger().accounts.login(actor.id, new))
    return notify(response, "password_changed")


def _password_refused(text: str) -> ResponseReturnValue:
    return _settings_page(password_error=text), 422


# --- API tokens ------------------------------------------------------------------------------------------------------
@blueprint.get("/settings/tokens")
def tokens() -> str:
    """One's own tokens."""
    return _tokens_page()


def _tokens_page(secret: str | None = None) -> str:
    with flowledger().reading() as read:
        rows = read.tokens(current_actor())
    return render_template("tokens.html", tokens=rows, secret=secret)


@blueprint.post("/settings/tokens")
def issue_token() -> ResponseReturnValue:
    """The secret is shown once, on the answer itself: it never stands in an address or a cookie."""
    label = request.form.get("label", "").strip()[:128]
    days = request.form.get("days", "90")
    if not label or days not in ("7", "30", "90", "365"):
        raise InvalidInput(gettext("Give the purpose of the token and choose how long it is valid."))
    secret = execute(IssueToken(label, now() + timedelta(days=int(days))))
    return _tokens_page(secret), 201


@blueprint.post("/settings/tokens/<token_id>/revoke")
def revoke_token(token_id: str) -> Response:
    """End one of one's own tokens."""
    execute(RevokeToken(token_id))
    return notify(make_response(redirect(url_for("account.tokens"), 303)), "token_revoked")
