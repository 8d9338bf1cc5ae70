"""Builds the Flask application around one engine. Order of every request: who is it, may they open this route, is the form ours.

Not here: what pages show (`webui.pages`), what the API does (`webui.api`), what is allowed on one object (the engine's policy).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Request, Response
from flask.globals import app_ctx, request_ctx
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import MapAdapter

from webui import access, addresses, api, assets, filters, i18n, notices, observing, problems, security, signin
from webui.navigation import Navigation
from webui.pages import BLUEPRINTS

if TYPE_CHECKING:
    from engine.bootstrap import Flowledger

MAX_REQUEST_BYTES = 30 * 1024 * 1024  # uploads included; the engine has its own, lower limits by kind
MAX_FORM_FIELD_BYTES = 2 * 1024 * 1024
MAX_FORM_PARTS = 5_000


class Application(Flask):
    """Flask without support for asynchronous views: none of ours is, and looking at each function again cost every request a twentieth of its time.

    And without subdomains and several hosts, which it would look for in each request.
    """

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What Flask makes, without its detours where everything is ASCII and nothing but a path is asked for."""
        if request is None or self.config["SERVER_NAME"] is not None or self.config["TRUSTED_HOSTS"] is not None:
            return super().create_url_adapter(request)
        environ = request.environ
        host, path, query = request.host, environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
        if "HTTP_UPGRADE" in environ or environ.get("SCRIPT_NAME") or not (path + query).isascii():
            return super().create_url_adapter(request)
        return self.url_map.bind(host, "", "", environ["wsgi.url_scheme"], environ["REQUEST_METHOD"], path, query)


def create_app(flowledger: Flowledger) -> Flask:
    """The application, ready for any WSGI server. Raises RuntimeError when a route is missing in the access table."""
    app = Application("webui", root_path=str(Path(__file__).parent))
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_FIELD_BYTES,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,  # file names carry a hash of their content
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.view_functions["static"] = assets.send
    app.extensions["flowledger"] = flowledger
    app.extensions["flowledger.login_limit"] = signin.LoginLimit()
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    app.before_request(_admit)
    app.after_request(_finish)
    app.teardown_request(observing.forget)
    security.install(app)
    proxies = flowledger.settings.proxies
    if proxies:
        # Each proxy adds the address that it sees; the outermost one knows scheme and host, and the others pass on what it said.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=1, x_host=1)  # type: ignore[method-assign]  # Flask documents it so
    filters.install(app)
    notices.install(app)
    addresses.install(app)
    app.jinja_env.globals.update(asset_tags=assets.asset_tags, may=access.may)

    navigation = Navigation()
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    packs = [_pages_of(pack.pages) for pack in flowledger.catalogue.packs if pack.pages]
    for blueprint in packs:
        access.declare({f"{blueprint.name}.{name}": action for name, action in getattr(blueprint, "access", {}).items()})
        navigation.extend(getattr(blueprint, "navigation", ()))
        app.register_blueprint(blueprint)
    api.install(app)
    problems.install(app)  # after the API, whose own handler it replaces
    i18n.install(app, [folder for b in packs if (folder := Path(b.root_path) / "translations").joinpath("zh.po").is_file()])
    navigation.install(app)
    access.check_complete(app)
    return app


def _admit() -> None:
    """Before every request. The request is looked up once: each look through `flask.request` costs."""
    asked, known = request_ctx.request, app_ctx.g
    observing.begin(asked, known)
    security.refuse_nul(asked)
    signin.identify(asked, known)
    observing.identified(known)
    access.guard(asked, known)
    security.check_csrf(asked, known)


def _finish(response: Response) -> Response:
    """After every answer, errors included."""
    asked, known = request_ctx.request, app_ctx.g
    notices.forget(asked, known, response)
    security.protect(asked, known, response)
    observing.end(asked, known, response)
    return response


def _pages_of(name: str) -> Blueprint:
    """The blueprint of a pack from `module:function`."""
    module, _, function = name.partition(":")
    blueprint: Any = getattr(importlib.import_module(module), function)()
    if not isinstance(blueprint, Blueprint):
        raise TypeError(f"{name} must return a flask.Blueprint")
    return blueprint
