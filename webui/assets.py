"""Finds the built front-end files: maps a bundle's name to the tags with hashed file names, by Vite's manifest.

It does not build anything; `hatch_build.py` does. A missing bundle is an error with advice, not a page without style.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Response, current_app, request, send_from_directory, url_for
from markupsafe import Markup
from werkzeug.security import safe_join

DIST = Path(__file__).parent / "static" / "dist"


class AssetMissing(RuntimeError):
    """The front-end bundle is not built or has no such entry."""


def asset_url(name: str) -> str:
    """URL of a built file by its source name below `webui/frontend` (`src/base/index.js`) or by its bundle's name (`base`).

    Raises AssetMissing.
    """
    return _file_url(_chunk(_manifest(), _source(name))["file"])


def asset_tags(entry: str) -> Markup:
    """The `<link>` and `<script>` tags of a bundle: styles of everything that it imports, its script, preloads of its imports.

    Raises AssetMissing.
    """
    manifest = _manifest()
    source = _source(entry)
    chunks = list(_with_imports(manifest, source))
    styles = dict.fromkeys(style for chunk in chunks for style in chunk.get("css", ()))
    tags = [Markup('<link rel="stylesheet" href="{}">').format(_file_url(style)) for style in styles]
    tags += [Markup('<link rel="modulepreload" href="{}">').format(_file_url(chunk["file"])) for chunk in chunks[:-1]]
    tags.append(Markup('<script type="module" src="{}"></script>').format(_file_url(chunks[-1]["file"])))
    return Markup("\n").join(tags)


def send(filename: str) -> Response:
    """A file of `static`, as its gzip twin where the build made one and the browser takes it. Raises NotFound."""
    folder = Path(current_app.static_folder or "")
    twin = safe_join(str(folder), filename + ".gz")
    if twin is None or not request.accept_encodings.quality("gzip") or not Path(twin).is_file():
        response = current_app.send_static_file(filename)
    else:
        response = send_from_directory(folder, filename + ".gz", mimetype=mimetypes.guess_type(filename)[0])
        response.content_encoding = "gzip"
    response.vary.add("Accept-Encoding")
    return response


def _source(name: str) -> str:
    return name if "/" in name else f"src/{name}/index.js"


def _with_imports(manifest: Mapping[str, Any], source: str) -> Iterator[Mapping[str, Any]]:
    """Chunks that the source imports statically, deepest first, each once; the source's own chunk comes last."""
    seen: set[str] = set()

    def visit(name: str) -> Iterator[Mapping[str, Any]]:
        if name in seen:
            return
        seen.add(name)
        chunk = _chunk(manifest, name)
        for imported in chunk.get("imports", ()):
            yield from visit(imported)
        yield chunk

    yield from visit(source)


def _chunk(manifest: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    chunk = manifest.get(source)
    if chunk is None:
        raise AssetMissing(f"the front end has no bundle {source}; it has: {', '.join(name for name in manifest if name.startswith('src/'))}")
    return dict(chunk)


def _file_url(file: str) -> str:
    return url_for("static", filename=f"dist/{file}")


def _manifest() -> Mapping[str, Any]:
    path = DIST / "manifest.json"
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        raise AssetMissing(f"{path} is missing: run `make bundle`, or install the wheel, which contains it") from None
    return _read(path, changed)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Mapping[str, Any]:  # noqa: ARG001 (part of the cache's key: a new build is seen without a restart)
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest
