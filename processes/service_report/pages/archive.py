"""The archive register: facets, search, one item with its files, checksums on demand."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request

from engine.errors import NotFound
from engine.identity import policy
from processes.service_report import registers
from processes.service_report.four_properties import Stored, integrity, usability
from processes.service_report.pages import words
from processes.service_report.pages.request import Blobs, actor, download, people, reading

DATA_FILES = frozenset({"record.jsonl", "report.json", "snapshot.json"})
KEEPERS = frozenset({"service_desk", "quality_admin"})


def register() -> str:
    """Filter and page stand in the address."""
    chosen = {dimension: request.args.get(dimension, "") for dimension in registers.DIMENSIONS}
    wanted = registers.ArchiveFilter(
        text=request.args.get("q", "").strip()[:100],
        report_class=request.args.get("class", ""),
        volume=request.args.get("volume", ""),
        facets=chosen,
        cursor=request.args.get("cursor", ""),
    )
    with reading() as connection:
        page = registers.archive(connection, wanted)
        facets = registers.facet_counts(connection, wanted)
        volumes = registers.volumes(connection)
    narrowed = bool(wanted.text or wanted.report_class or wanted.volume or any(chosen.values()))
    context = {"filter": wanted, "facets": facets, "volumes": volumes, "narrowed": narrowed, "words": words}
    return render_template("service_report/archive.html", page=page, **context)


def item(code: str) -> str:
    """One item; with `?verify=1` its bytes are read again and compared with the manifest."""
    found = _item(code)
    checks = _verified(found) if request.args.get("verify") else None
    return render_template("service_report/archive_item.html", item=found, verified=checks, people=people(), words=words, may_take=_may_take)


def file(code: str, name: str) -> Response:
    """The bytes of one file, as they were archived. Data and process record only for those who may read histories, or keep the archive."""
    found = _item(code)
    row = next((f for f in found["files"] if f["name"] == name), None)
    if row is None:
        raise NotFound(kind="file", id=name)
    if not _may_take(name):
        policy.require(actor(), "history.read")
    data = Blobs().get(row["sha256"])
    if data is None:
        raise NotFound(kind="file", id=name)
    return download(data, f"{code}-{name}", row["media_type"])


def _may_take(name: str) -> bool:
    return name not in DATA_FILES or bool(actor().groups & KEEPERS) or policy.allows(actor(), "history.read")


def _item(code: str) -> dict[str, Any]:
    with reading() as connection:
        found = registers.archive_item(connection, code)
    if found is None:
        raise NotFound(kind="archive item", id=code)
    return dict(found)


def _verified(found: dict[str, Any]) -> dict[str, Any]:
    files = [Stored(f["name"], f["media_type"], f["sha256"], f["size"]) for f in found["files"]]
    return {"integrity": integrity(Blobs(), files), "usability": usability(Blobs(), files, found["figures"])}
