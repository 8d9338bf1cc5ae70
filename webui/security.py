"""Defences of every answer and every form: security headers, cookies, CSRF.

CSRF: a token derived from the browser's secret cookie (session, or a random one before login) must come back in the form or in the
header `X-CSRF-Token`, and `Origin` must be ours. Requests to `/api/` carry a bearer token and never look at cookies, so they are exempt.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, g, request
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.wrappers import Response

from webui.answers import Answers

log = logging.getLogger("flowledger.access")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TOKEN_FIELD = "csrf_token"  # noqa: S105 - the name of a field
TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105


class CsrfRefused(HTTPException):
    """The request did not come from a page of this site, or the page was open too long."""

    code = 403
    description = "The form's security token is missing or out of date."


def is_api(asked: Request) -> bool:
    """Does the request go to the API or to the figures, which authenticate by bearer token only?"""
    return asked.path.startswith("/api/") or asked.path == "/metrics"


# --- cookies ---------------------------------------------------------------------------------------------------------
def cookie_name(name: str) -> str:
    """`__Host-` names over https: bound to this host, path / and Secure by the browser itself. Plain http cannot have them."""
    return f"__Host-{name}" if request.is_secure else name


def read_cookie(name: str) -> str | None:
    """The cookie's value, by the name that belongs to the scheme of the request."""
    return request.cookies.get(cookie_name(name))


def set_cookie(response: Response, name: str, value: str, max_age: int | None = None) -> None:
    """HttpOnly, SameSite=Lax, Secure over https, path /."""
    response.set_cookie(cookie_name(name), value, max_age=max_age, path="/", secure=request.is_secure, httponly=True, samesite="Lax")


def drop_cookie(response: Response, name: str) -> None:
    """Tell the browser to forget the cookie."""
    response.delete_cookie(cookie_name(name), path="/", secure=request.is_secure, httponly=True, samesite="Lax")


# --- CSRF -----------------------------------------------------------------------------------------------------------
def csrf_token() -> str:
    """The token for forms of this page. Before login it is bound to a random cookie that this answer will set."""
    secret = g.get("session_secret") or read_cookie("visitor") or g.get("visitor")
    if secret is None:
        secret = g.visitor = secrets.token_urlsafe(24)
    return _derive(secret)


def _derive(secret: str) -> str:
    return hashlib.sha256(b"flowledger csrf v1\n" + secret.encode()).hexdigest()


def refuse_nul(asked: Request) -> None:
    """Before every request: no address and no query holds NUL, which databases refuse in the middle of a statement."""
    query = asked.query_string
    if "\0" in asked.path or b"%00" in query or b"\0" in query:
        raise BadRequest


def check_csrf(asked: Request, known: Any) -> None:
    """Before every request that changes something. Raises CsrfRefused."""
    if asked.method in SAFE_METHODS or is_api(asked) or asked.endpoint is None:
        return
    secret = known.session_secret or read_cookie("visitor")
    sent = asked.headers.get(TOKEN_HEADER) or asked.form.get(TOKEN_FIELD, "")
    if not _same_origin() or secret is None or not hmac.compare_digest(sent.encode(), _derive(secret).encode()):
        log.warning("refused: csrf, from %s", asked.remote_addr)
        raise CsrfRefused


def _same_origin() -> bool:
    origin = request.headers.get("Origin")
    if origin is not None:
        return urlsplit(origin)[:2] == urlsplit(request.host_url)[:2]
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")


# --- headers --------------------------------------------------------------------------------------------------------
def protect(asked: Request, known: Any, response: Response) -> None:
    """After every request: no caching of personal pages, the visitor cookie where one was made."""
    headers = response.headers
    if asked.endpoint != "static" and "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"
    if asked.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    visitor = known.get("visitor")
    if visitor is not None:
        set_cookie(response, "visitor", visitor)


def install(app: Flask) -> None:
    """Headers on every response; `csrf_token()` in templates."""
    app.wsgi_app = Answers(app.wsgi_app, HEADERS)  # type: ignore[method-assign]
    app.jinja_env.globals["csrf_token"] = csrf_token
