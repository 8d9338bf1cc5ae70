r"""The history of one instance as a file: one line a record, `{"body":<canonical body>,"hash":"<sha-256>"}`.

The body stands in the line byte for byte as it was hashed, so a reader can check `SHA-256("flowledger record v1\n" + body) == hash`.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response

from engine.model.records import Record


def lines(records: Iterable[Record]) -> bytes:
    """Every record as a line, oldest first."""
    return b"".join(b'{"body":' + r.body + b',"hash":"' + r.hash.encode() + b'"}\n' for r in records)


def json_lines(instance_id: str, records: Iterable[Record]) -> Response:
    """The download."""
    return Response(lines(records), mimetype="application/jsonl", headers={"Content-Disposition": f'attachment; filename="{instance_id}.jsonl"'})
