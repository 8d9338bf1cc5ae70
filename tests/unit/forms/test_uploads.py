"""Attachments in posts: stored at once, kept over a second try, refused when they are not the user's or do not fit."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage, MultiDict

from forms.posting import safe_name
from tests.unit.forms.demo_app import MemoryUploads
from tests.unit.forms.samples import field_form

PHOTO = {"type": "object", "format": "file", "title": "照片", "x-accept": [".png"], "x-max-bytes": 1000}
MANY = {"type": "array", "title": "证据", "maxItems": 2, "items": {"type": "object", "format": "file"}}


def upload(data: bytes, name: str, kind: str = "image/png") -> FileStorage:
    return FileStorage(io.BytesIO(data), filename=name, content_type=kind)


def reference(data: bytes, name: str, kind: str = "image/png") -> dict[str, Any]:
    return {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "media_type": kind}


def test_a_file_is_stored_and_referred_to() -> None:
    uploads = MemoryUploads()
    sent = field_form(PHOTO).decode(MultiDict(), MultiDict({"x": upload(b"data", "甲.PNG")}), uploads=uploads)
    assert sent.errors == ()
    assert sent.values == {"x": reference(b"data", "甲.PNG")}
    again = field_form(PHOTO).decode(MultiDict({"x": reference(b"data", "")["sha256"]}), uploads=uploads)
    assert again.values == sent.values


def test_a_reference_of_somebody_else_is_refused() -> None:
    sent = field_form(PHOTO).decode(MultiDict({"x": "0" * 64}), uploads=MemoryUploads())
    assert [error.message_id for error in sent.errors] == ["form.file.unknown"]
    assert sent.values == {}


def test_what_an_earlier_round_attached_may_stay_or_go() -> None:
    form, before = field_form(PHOTO), {"x": reference(b"data", "甲.png")}
    stays = form.decode(MultiDict({"x": before["x"]["sha256"]}), shown=before, uploads=MemoryUploads())
    assert stays.values == before
    goes = form.decode(MultiDict({"x": before["x"]["sha256"], "x-remove": before["x"]["sha256"]}), shown=before, uploads=MemoryUploads())
    assert goes.values == {"x": None}


@pytest.mark.parametrize(
    ("file", "message_id"),
    [
        (upload(b"", "a.png"), "form.file.empty"),
        (upload(b"x" * 1001, "a.png"), "form.file.size"),
        (upload(b"<svg onload=alert(1)>", "a.svg", "image/svg+xml"), "form.file.kind"),
        (upload(b"x", "a.png.exe"), "form.file.kind"),
    ],
)
def test_files_that_do_not_fit(file: FileStorage, message_id: str) -> None:
    uploads = MemoryUploads()
    sent = field_form(PHOTO).decode(MultiDict(), MultiDict({"x": file}), uploads=uploads)
    assert [error.message_id for error in sent.errors] == [message_id]
    assert uploads.kept == {}


def test_several_files_are_collected_over_several_tries() -> None:
    uploads, form = MemoryUploads(), field_form(MANY)
    first = form.decode(MultiDict({"_action": "refresh"}), MultiDict([("x", upload(b"1", "a.txt")), ("x", upload(b"2", "b.txt"))]), uploads=uploads)
    kept = [entry["sha256"] for entry in first.raw["x"]]
    second = form.decode(MultiDict([("x", each) for each in kept]), MultiDict({"x": upload(b"3", "c.txt")}), uploads=uploads)
    assert [entry["name"] for entry in second.values["x"]] == ["a.txt", "b.txt", "c.txt"]
    assert [error.message_id for error in second.errors] == ["form.maxItems"]


def test_a_media_type_that_is_none_becomes_bytes() -> None:
    sent = field_form(PHOTO).decode(MultiDict(), MultiDict({"x": upload(b"x", "a.png", "text/html; <script>")}), uploads=MemoryUploads())
    assert sent.values["x"]["media_type"] in ("text/html", "application/octet-stream")


@pytest.mark.parametrize(
    ("posted", "kept"),
    [
        ("C:\\Users\\甲\\报告.pdf", "报告.pdf"),
        ("../../etc/passwd", "passwd"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("\x00\n", "file"),
        ("x" * 300 + ".pdf", "x" * 190 + ".pdf"),
    ],
)
def test_names_of_files(posted: str, kept: str) -> None:
    assert safe_name(posted) == kept


@pytest.mark.parametrize(
    "odd", [{}, {"name": "a"}, {**reference(b"x", "a.png"), "more": 1}, {**reference(b"x", "a/b.png")}, {**reference(b"x", "a.png"), "size": "1"}]
)
def test_json_that_is_no_reference(odd: dict[str, Any]) -> None:
    found = [error.message_id for error in field_form(PHOTO, required=True).check({"x": odd}).errors]
    assert found in (["form.type.file"], ["form.required.file"])
