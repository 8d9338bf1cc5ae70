"""A small Flask application that serves one form under the strict CSP: what the browser tests drive. Not part of the product.

`/` shows the form in the language `?lang=`, a post decodes it, `/fields` answers htmx, `/values` shows what was submitted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from flask import Flask, Response, render_template_string, request
from werkzeug.serving import make_server

import webui
from forms import CompiledForm
from webui.assets import asset_tags
from webui.forms import render_fields, render_form, render_summary

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)
PAGE = """<!doctype html><html lang="{{ lang }}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title><meta name="csrf-token" content="token">{{ assets }}</head><body><main class="container py-3"><h1>{{ title }}</h1>{{ body }}</main></body></html>"""


class MemoryUploads:
    """Keeps uploads of one session; a reference that was not uploaded here is unknown."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}

    def put(self, data: bytes, media_type: str, name: str) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.kept[digest] = {"name": name, "sha256": digest, "size": len(data), "media_type": media_type}
        return digest

    def find(self, sha256: str) -> Mapping[str, Any] | None:
        return self.kept.get(sha256)


def create_app(form: CompiledForm, shown: Mapping[str, Any]) -> Flask:
    app = Flask(__name__, static_folder=str(Path(webui.__file__).parent / "static"))
    uploads, submitted = MemoryUploads(), dict[str, Any]()
    app.config["submitted"] = submitted

    def page(body: str, lang: str) -> str:
        return render_template_string(PAGE, lang="zh-CN" if lang == "zh" else "en", title=form.title.get(lang), body=body, assets=asset_tags("base"))

    def lang() -> str:
        return "en" if request.args.get("lang") == "en" else "zh"

    def urls() -> dict[str, str]:
        return {"action_url": f"/?lang={lang()}", "fragment_url": f"/fields?lang={lang()}"}

    @app.get("/")
    def show() -> str:
        return page(render_form(form, shown, lang=lang(), csrf_token="token", **urls()), lang())

    @app.post("/")
    def post() -> str:
        sent = form.decode(request.form, request.files, shown=shown, uploads=uploads)
        if sent.editing or sent.errors or sent.action == "draft":
            return page(render_form(form, shown, sent.errors, sent.raw, lang(), csrf_token="token", **urls()), lang())
        submitted.clear()
        submitted.update(sent.values)
        return page(render_summary(form, {**shown, **sent.values}, lang()), lang())

    @app.post("/fields")
    def fields() -> str:
        sent = form.decode(request.form, request.files, shown=shown, uploads=uploads)
        return str(render_fields(form, shown, (), sent.raw, lang(), **urls()))

    @app.after_request
    def strict(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CSP
        return response

    return app


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on a free port of loopback; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
