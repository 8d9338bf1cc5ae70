"""The pack's pages around a real engine: registers, figures, import; every text in Chinese; who may do what."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import processes.service_report
import webui
from engine.model.actors import SYSTEM
from engine.model.commands import PutUser
from engine.testing import EmbeddedEngine
from processes.service_report import tables
from tests.support.service_report_bench import pack_engine, put_tickets, rows, walk
from webui.app import create_app

PASSWORD = "right password"
PACK = Path(processes.service_report.__file__).parent


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedEngine]:
    """One report archived, one under way."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch, pack_engine() as made:
        patch.setattr("engine.store.login._hasher", cheap)
        for user, role, group in (("desk", "staff", "service_desk"), ("rd", "staff", "rd_centre"), ("auditor", "auditor", "")):
            made.app.execute(PutUser(user, f"{user} 甲", (role,), (group,) if group else (), PASSWORD), SYSTEM)
        with made.app.store.begin(write=True) as connection:
            put_tickets(connection, "P-A", 40)
        walk(made).go("archived")
        walk(made, title="<script>alert(1)</script> 报告").go("overdue")
        yield made


@pytest.fixture(scope="module")
def app(engine: EmbeddedEngine) -> Any:
    made = create_app(engine.app)
    made.config["NOW"] = engine.clock.now
    return made


@pytest.fixture
def open_as(app: Any) -> Any:
    """`open_as("desk")`: a test client that is signed in, with its form token."""

    def make(user: str, language: str = "zh") -> Any:
        client = app.test_client()
        page = client.get("/login").get_data(as_text=True)
        found = re.search(r'name="csrf-token" content="(\w+)"', page)
        assert found
        client.post("/login", data={"csrf_token": found[1], "user": user, "password": PASSWORD})
        page = client.get("/service-report/imports").get_data(as_text=True)
        found = re.search(r'name="csrf-token" content="(\w+)"', page)
        assert found
        client.token = found[1]
        if language != "zh":
            client.post("/language", data={"csrf_token": client.token, "language": language, "next": "/"})
        return client

    return make


PAGES = (
    "/service-report/archive",
    "/service-report/callbacks",
    "/service-report/callbacks/nonce",
    "/service-report/figures",
    "/service-report/imports",
)


@pytest.mark.parametrize("user", ["desk", "auditor"])
@pytest.mark.parametrize("path", [*PAGES, "/service-report/figures/timeliness", "/service-report/figures/accuracy"])
def test_pages_open_in_both_languages(open_as: Any, user: str, path: str) -> None:
    for language in ("zh", "en"):
        answer = open_as(user, language).get(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
        assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in answer.get_data(as_text=True)


def test_the_archive_is_narrowed_by_facets_and_search(open_as: Any) -> None:
    client = open_as("desk")
    assert "SMS-YW-2026-D10-YWFW-0001" in client.get("/service-report/archive?device=host&customer=government&q=六月").get_data(as_text=True)
    assert "SMS-YW-2026-D10-YWFW-0001" not in client.get("/service-report/archive?device=camera").get_data(as_text=True)
    assert "SMS-YW-2026-D10-YWFW-0001" not in client.get("/service-report/archive?q=%25").get_data(as_text=True)
    assert client.get("/service-report/archive?cursor=nonsense~x&volume=nonsense").status_code == 200


def test_an_item_verifies_and_damage_is_seen(engine: EmbeddedEngine, open_as: Any) -> None:
    client = open_as("auditor")
    address = "/service-report/archive/SMS-YW-2026-D10-YWFW-0001"
    assert "全部一致" in client.get(address + "?verify=1").get_data(as_text=True)
    pdf = next(f for f in rows(engine, tables.archive_file) if f["name"] == "report.pdf")
    with engine.app.store.begin(write=True) as connection:
        connection.execute(tables.archive_file.update().where(tables.archive_file.c.name == "report.pdf").values(sha256="0" * 64))
    try:
        text = client.get(address + "?verify=1").get_data(as_text=True)
        assert "验证不通过" in text
        assert "report.pdf" in text
    finally:
        with engine.app.store.begin(write=True) as connection:
            connection.execute(tables.archive_file.update().where(tables.archive_file.c.name == "report.pdf").values(sha256=pdf["sha256"]))


def test_downloads_are_attachments_and_histories_stay_with_those_who_may_read_them(open_as: Any) -> None:
    base = "/service-report/archive/SMS-YW-2026-D10-YWFW-0001/files/"
    answer = open_as("rd").get(base + "report.pdf")
    assert answer.data.startswith(b"%PDF")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert open_as("rd").get(base + "record.jsonl").status_code == 403
    assert open_as("desk").get(base + "record.jsonl").status_code == 200
    assert open_as("auditor").get(base + "record.jsonl").status_code == 200
    assert open_as("desk").get(base + "../../x").status_code == 404
    assert open_as("desk").get("/service-report/archive/NO-1").status_code == 404


def test_figures_count_what_the_tables_hold(open_as: Any) -> None:
    text = open_as("desk").get("/service-report/figures?from=2026-07&to=2026-07").get_data(as_text=True)
    assert "1/1" in text  # the archived report was submitted before its due date; the other is not due yet
    assert "&lt;script&gt;" not in text
    assert open_as("desk").get("/service-report/figures?from=9999-99&to=x").status_code == 200
    assert open_as("desk").get("/service-report/figures/nonsense").status_code == 404
    for name in ("rates", "months"):
        answer = open_as("desk").get(f"/service-report/figures/charts/{name}.svg?from=2026-07&to=2026-07")
        assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")


def test_the_nonce_page_computes_the_commitment(open_as: Any) -> None:
    client = open_as("desk")
    fresh = re.findall(r'user-select-all">([^<]+)<', client.get("/service-report/callbacks/nonce").get_data(as_text=True))
    assert hashlib.sha256(fresh[0].encode()).hexdigest() == fresh[1]
    answer = client.post("/service-report/callbacks/nonce", data={"csrf_token": client.token, "nonce": "曲水流觞 <1>"})
    assert hashlib.sha256("曲水流觞 <1>".encode()).hexdigest() in answer.get_data(as_text=True)


LOG = "工单编号,创建时间,标题,优先级\nA-1,2026-06-02 08:00,<b>摄像头离线</b>,高\nA-2,never,=cmd(),低\n"


def _upload(client: Any, text: str = LOG, **over: Any) -> Any:
    values = {"csrf_token": client.token, "project_id": "P-B", "preset": "chinese", "time_zone": "Asia/Shanghai", **over}
    return client.post("/service-report/imports/upload", data={**values, "file": (io.BytesIO(text.encode()), "工单.csv")})


def test_a_file_is_previewed_then_imported_with_its_reject_file(engine: EmbeddedEngine, open_as: Any) -> None:
    client = open_as("desk")
    answer = _upload(client)
    assert answer.status_code == 303
    shown = client.get(answer.location).get_data(as_text=True)
    assert "&lt;b&gt;摄像头离线&lt;/b&gt;" in shown
    assert "不是预期格式的日期" in shown
    assert not [t for t in rows(engine, tables.ticket) if t["number"] == "A-1"]
    assert open_as("rd").get(answer.location).status_code == 404  # somebody else's upload
    done = client.post(answer.location, data={"csrf_token": client.token})
    assert done.status_code == 303
    assert "拒绝" in client.get(done.location).get_data(as_text=True)
    rejects = client.get(done.location + "/rejects.csv").get_data(as_text=True)
    assert "3,not_a_date,opened_at,A-2,never,'=cmd()" in rejects
    assert [t["title"] for t in rows(engine, tables.ticket) if t["number"] == "A-1"] == ["<b>摄像头离线</b>"]
    assert client.get(answer.location).status_code == 404


@pytest.mark.parametrize(
    ("over", "text", "words"),
    [
        ({"project_id": "NOBODY"}, LOG, "请选择项目和格式"),
        ({"preset": "x"}, LOG, "请选择项目和格式"),
        ({"time_zone": "Mars/Olympus"}, LOG, "未知的时区"),
        ({}, "a,b\n1,2\n", "请选择其他格式"),
        ({}, "", "文件为空"),
    ],
)
def test_a_file_that_cannot_be_imported_says_why(open_as: Any, over: dict[str, str], text: str, words: str) -> None:
    answer = _upload(open_as("desk"), text, **over)
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)
    assert "没有导入任何内容" in answer.get_data(as_text=True)


def test_an_auditor_reads_and_imports_nothing(open_as: Any) -> None:
    client = open_as("auditor")
    assert _upload(client).status_code == 403
    assert "上传文件" not in client.get("/service-report/imports").get_data(as_text=True)


# --- texts --------------------------------------------------------------------------------------------------------------
def _catalogue(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        found = read_po(file, locale="zh_Hans_CN")
    return {m.id if isinstance(m.id, str) else m.id[0]: m.string if isinstance(m.string, str) else m.string[0] for m in found if m.id}


def _extracted() -> set[str]:
    keywords = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
    methods = [("pages/**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
    return {m if isinstance(m, str) else m[0] for _, _, m, _, _ in extract_from_dir(PACK, methods, keywords=keywords)}


def test_every_text_of_the_pack_has_its_chinese_and_none_is_left_over() -> None:
    ours = _catalogue(PACK / "translations" / "zh.po")
    shared = _catalogue(Path(webui.__file__).parent / "translations" / "zh.po")
    assert _extracted() - {k for k, v in {**shared, **ours}.items() if v} == set()
    assert set(ours) - _extracted() == set()
    for source, target in ours.items():
        assert sorted(re.findall(r"%\(\w+\)[sd]", source)) == sorted(re.findall(r"%\(\w+\)[sd]", target)), source
