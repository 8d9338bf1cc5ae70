"""`/api/v1` for programs: flask-smorest and marshmallow, described at `/api/v1/openapi.json`.

Authentication: `Authorization: Bearer <API token>`; cookies are never looked at. Every write takes `Idempotency-Key`: the same key twice gives
the first answer. Refusals are problem documents (`webui.problems`).
"""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api

from webui.api import definitions, instances, messages, migration, operations, tasks
from webui.api.schemas import ProblemSchema


class DescribedApi(Api):  # type: ignore[misc]
    """flask-smorest's Api with our error document in the description."""

    ERROR_SCHEMA = ProblemSchema


def install(app: Flask) -> None:
    """Register the API's blueprints and its description."""
    app.config.update(
        API_TITLE="Flowledger",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "info": {"description": "Deploy, start, work on and audit process instances. Send an API token as a bearer token."},
            "security": [{"token": []}],
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
            "servers": [{"url": "/"}],
        },
    )
    api = DescribedApi(app)
    for module in (definitions, instances, tasks, messages, operations, migration):
        api.register_blueprint(module.blueprint)
