"""Forms of the tests: files beside this module, and one-field forms made on the spot."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from forms import CompiledForm, FormCompiler

HERE = Path(__file__).parent


@cache
def compiled(key: str) -> CompiledForm:
    file = HERE / f"{key}.form.json"
    return FormCompiler().compile(file.name, file.read_bytes())


def document(schema: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"key": "one", "title": {"zh": "一", "en": "One"}, "schema": schema, **more}).encode()


def form_of(schema: dict[str, Any], **more: Any) -> CompiledForm:
    return FormCompiler().compile("one.form.json", document(schema, **more))


def field_form(field: dict[str, Any], *, required: bool = False, **more: Any) -> CompiledForm:
    return form_of({"type": "object", "properties": {"x": field}, "required": ["x"] if required else []}, **more)
