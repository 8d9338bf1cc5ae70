"""Addresses within the site: the present one with other parameters, and targets of redirects that stay here."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from flask import Flask, request, url_for


def here(**changes: str | None) -> str:
    """The present page with some query parameters changed (None: removed)."""
    parameters = {k: v for k, v in request.args.items() if v} | changes
    query = urlencode({k: v for k, v in parameters.items() if v is not None})
    return f"{request.path}?{query}" if query else request.path


def local_target(address: str | None) -> str:
    """`address` when it is a path of this site, else the start page: no open redirect."""
    parts = urlsplit((address or "").replace("\\", "/"))
    if not address or parts.scheme or parts.netloc or not address.startswith("/") or any(c < " " for c in address) or address[1:2] in ("/", "\\"):
        return url_for("home.index")
    return address


def install(app: Flask) -> None:
    """`here()` in templates."""
    app.jinja_env.globals["here"] = here
