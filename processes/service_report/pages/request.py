"""What every page of the pack needs from the request: actor, connection, blobs, downloads, names of people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from flask import Response, current_app, g
from sqlalchemy import Connection

from engine.model.actors import Actor


def actor() -> Actor:
    """Who is signed in; the access table has let them in."""
    found: Actor = g.actor
    return found


def flowledger() -> Any:
    """The running engine."""
    return current_app.extensions["flowledger"]


@contextmanager
def reading() -> Iterator[Connection]:
    """A read transaction."""
    with flowledger().store.begin(write=False) as connection:
        yield connection


class Blobs:
    """The engine's blob store, for reading."""

    def get(self, digest: str) -> bytes | None:
        """The bytes, None when they are missing."""
        with flowledger().reading() as read:
            data: bytes | None = read.queries.blob(digest)
        return data


def people() -> dict[str, str]:
    """Names by account."""
    with flowledger().reading() as read:
        found: dict[str, str] = read.people()
    return found


def download(data: bytes, name: str, media_type: str) -> Response:
    """Always an attachment: nothing stored is shown as a page of this site."""
    plain = "".join(ch if ch.isascii() and (ch.isalnum() or ch in "._-") else "_" for ch in name)
    headers = {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}", "X-Content-Type-Options": "nosniff"}
    return Response(data, mimetype=media_type, headers=headers)
