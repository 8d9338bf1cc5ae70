"""A small Flask application that serves the built bundles under the strict CSP, with answers as the pages' contract promises.

For tests of the front end alone (`tests/integration/frontend`); `python -m tests.support.bundle_pages` serves it for looking at.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, render_template_string, request
from werkzeug.serving import make_server

from webui.assets import asset_tags

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)
TOKEN = "token-of-the-page"
DIAGRAM = Path(__file__).with_name("bundle_pages.bpmn")

LAYOUT = """<!doctype html><html lang="{{ lang }}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="csrf-token" content="{{ token }}"><title>{{ bundle }}</title><link rel="icon" href="data:,">{{ asset_tags("base") }}{{ head }}</head>
<body class="app-shell"><a class="skip-link" href="#main">Skip</a><header class="app-header"><a class="app-brand" href="/">Flowledger</a></header>
<nav class="app-nav" aria-label="Menu"><ul><li><a href="/" aria-current="page">{{ "工作列表" if lang == "zh-CN" else "Worklist" }} <span>12</span></a></li>
<li><a href="/viewer">{{ "流程" if lang == "zh-CN" else "Processes" }}</a></li><li><a href="/replay">{{ "实例" if lang == "zh-CN" else "Instances" }}</a></li></ul></nav>
<main id="main" class="app-main {{ main_class }}">{{ body }}</main></body></html>"""


def create_app() -> Flask:
    import webui

    app = Flask(__name__, static_folder=str(Path(webui.__file__).parent / "static"))
    app.extensions["requests"] = []  # what the scripts sent: (method, path, headers, JSON)

    @app.after_request
    def defend(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = CSP
        return answer

    @app.before_request
    def note() -> None:
        if not request.path.startswith("/static"):
            app.extensions["requests"].append((request.method, request.path, dict(request.headers), request.get_json(silent=True)))

    def page(bundle: str, body: str, main_class: str = "") -> str:
        from markupsafe import Markup

        head = Markup("") if bundle == "base" else asset_tags(bundle)
        lang = request.args.get("lang", "zh-CN")
        return render_template_string(
            LAYOUT, lang=lang, token=TOKEN, bundle=bundle, head=head, body=Markup(body), main_class=main_class, asset_tags=asset_tags
        )

    @app.get("/")
    def base() -> str:
        return page("base", (Path(__file__).with_name("bundle_pages.base.html")).read_text(encoding="utf-8"))

    @app.post("/draft")
    def draft() -> tuple[str, int]:
        app.extensions["requests"].append(("FORM", "/draft", dict(request.headers), dict(request.form)))
        return "", 204

    @app.get("/fragment")
    def fragment() -> str:
        return "<p id='swapped'>swapped</p>"

    @app.get("/diagram.bpmn")
    def diagram() -> Response:
        return Response(DIAGRAM.read_bytes(), mimetype="application/xml")

    @app.get("/viewer")
    def viewer() -> str:
        state = (
            '{"active":{"Check":1},"completed":{"Start":1,"Write":2},"flows":{"f1":1,"f2":2,"f5":1},"incidents":{"Archive":1},'
            '"heat":{"Write":{"value":26.5,"label":"26.5 h"},"Check":{"value":3,"label":"3 h"}}}'
        )
        return page(
            "viewer",
            f"<h1>Diagram</h1><div class='diagram' data-viewer data-xml-url='/diagram.bpmn' data-label='报告流程' data-state='{state}'><p>words</p></div>"
            "<table class='table table-dense'><tbody><tr data-element-id='Write'><td><a href='#'>Write</a></td></tr><tr data-element-id='Check'><td>Check</td></tr>"
            "</tbody></table>",
        )

    @app.get("/broken")
    def broken() -> str:
        return page("viewer", "<h1>Diagram</h1><div class='diagram' data-viewer data-xml-url='/nothing'><p>words</p></div>")

    @app.get("/replay")
    def replay() -> str:
        return page(
            "replay",
            f"<h1>Replay</h1><section data-replay data-xml-url='/diagram.bpmn' data-frame-url='/frames/{{seq}}.json{'?migrated=1' if 'migrated' in request.args else ''}' "
            "data-last='5' data-seq='5'></section>",
        )

    @app.get("/old.bpmn")
    def old_diagram() -> Response:
        return Response(DIAGRAM.read_bytes().replace(b'"Check"', b'"Look"'), mimetype="application/xml")

    @app.get("/frames/<int:seq>.json")
    def frame(seq: int) -> Response:
        if "migrated" in request.args:  # after the second record the instance went on under the version of the page
            return jsonify(FRAMES[seq - 1] | {"xml_url": "/old.bpmn" if seq < 3 else "/diagram.bpmn"})
        return jsonify(FRAMES[seq - 1])

    @app.get("/modeler")
    def modeler() -> str:
        from jinja2.utils import htmlsafe_json_dumps

        data: dict[str, Any] = {
            "draft": {"id": None, "revision": 0, "xml": None, "saved_at": None},
            "xml_url": "/diagram.bpmn",
            "process_id": "report",
            "based_on": "report:1",
            "name": "服务报告",
            "next_version": 2,
            "urls": {
                "draft": "/modeler/drafts/{id}",
                "lint": "/modeler/lint",
                "soundness": "/modeler/soundness",
                "deploy": "/modeler/deploy",
                "back": "/viewer",
            },
            "lists": LISTS,
        }
        if "empty" in request.args:
            data |= {"xml_url": None, "process_id": None, "based_on": None, "name": None, "next_version": None}
        block = htmlsafe_json_dumps(data)
        return page(
            "modeler",
            f"<h1 class='visually-hidden'>Modeler</h1><div id='modeler'></div><script type='application/json' id='page-data'>{block}</script>",
            "app-main-full",
        )

    @app.put("/modeler/drafts/<draft_id>")
    def save_draft(draft_id: str) -> Any:
        body = request.get_json()
        if body["revision"] != app.extensions.setdefault("revision", 0):
            return (
                jsonify(title="Conflict", detail="王芳 has saved a newer draft.", status=409),
                409,
                {"Content-Type": "application/problem+json"},
            )
        app.extensions["revision"] += 1
        return jsonify(draft_id="d1", revision=app.extensions["revision"], saved_at="2026-11-23T06:05:00Z")

    @app.delete("/modeler/drafts/<draft_id>")
    def discard(draft_id: str) -> tuple[str, int]:
        return "", 204

    @app.post("/modeler/lint")
    def lint() -> Any:
        problem = {
            "element_id": "Archive",
            "element_name": "归档",
            "severity": "error",
            "rule": "handler-unknown",
            "message": "没有名为 report.archive 的处理程序。",
            "advice": "请在右侧面板选择一个处理程序。",
            "line": 12,
        }
        return jsonify(problems=[] if "report.freeze" in request.get_json()["xml"] else [problem])

    @app.post("/modeler/soundness")
    def soundness() -> Any:
        finding = {
            "element_id": "Archive",
            "element_name": "归档",
            "severity": "error",
            "rule": "soundness.deadlock",
            "message": "令牌在此永远等待（死锁）",
            "advice": "请用与分支处相同类型的网关汇合。",
            "line": 12,
            "trace": ["Start", "Write", "Archive"],
            "flows": ["f1"],
            "tokens": ["f1"],
        }
        return jsonify(processes=[{"process_id": "report", "file": "report.bpmn", "states": 7, "complete": True, "findings": [finding]}])

    @app.post("/modeler/deploy")
    def deploy() -> Any:
        if "refuse" in request.get_json()["comment"]:
            body = {
                "title": "Refused",
                "detail": "2 problems; nothing was deployed.",
                "problems": [
                    {
                        "element_id": "Check",
                        "element_name": "质量检查",
                        "severity": "error",
                        "rule": "x",
                        "message": "No form.",
                        "advice": "",
                        "line": 1,
                    }
                ],
            }
            return jsonify(body), 422, {"Content-Type": "application/problem+json"}
        return jsonify(definition_id="report:2", version=2, url="/viewer"), 201

    return app


LISTS = {
    "forms": [{"key": "write_report", "title": "编写报告"}, {"key": "quality_check", "title": "质量检查"}],
    "groups": [
        {"id": "quality_admin", "title": "质量管理员"},
        {"id": "project_manager", "title": "项目经理"},
        {"id": "service_desk", "title": "服务台"},
    ],
    "users": [{"id": "wang", "title": "王芳"}, {"id": "li", "title": "李强"}],
    "handlers": [
        {"name": "report.freeze", "title": "冻结数据快照", "description": "Freezes the period's tickets."},
        {"name": "report.file", "title": "归档", "description": "Files the report."},
    ],
    "decisions": [{"id": "routing", "title": "评审路由"}],
}


def _frame(seq: int, title: str, actor: str, active: dict[str, int], completed: dict[str, int], flows: dict[str, int], **more: Any) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": f"2026-11-23T0{seq}:05:00Z",
        "at_text": f"2026-11-23 {8 + seq:02d}:05:00",
        "actor": actor,
        "on_behalf_of": None,
        "title": title,
        "why": [],
        "form": [],
        "changes": [],
        "active": active,
        "completed": completed,
        "flows": flows,
        "variables": {"round": seq, "report": {"title": "十月服务报告", "items": [1, 2]}},
        "verified": True,
        "state": "active",
    } | more


FRAMES = [
    _frame(1, "发起流程", "张伟", {"Write": 1}, {"Start": 1}, {"f1": 1}, changes=[{"name": "customer", "after": "华东电网"}]),
    _frame(
        2,
        "编写报告：完成",
        "张伟",
        {"Check": 1},
        {"Start": 1, "Write": 1},
        {"f1": 1, "f2": 1},
        form=[{"label": "标题", "value": "<img src=x onerror=alert(1)>"}],
    ),
    _frame(
        3,
        "质量检查：退回",
        "王芳",
        {"Write": 1},
        {"Start": 1, "Write": 1, "Check": 1, "Decide": 1},
        {"f1": 1, "f2": 1, "f3": 1, "f5": 1},
        on_behalf_of="李强",
        why=["网关「通过？」选择「退回」，因为 approved = 否。"],
        changes=[{"name": "round", "before": 2, "after": 3}, {"name": "remarks", "before": ["a"], "after": ["a", "缺少 SLA 数据"]}],
    ),
    _frame(
        4,
        "编写报告：完成",
        "张伟",
        {"Check": 1},
        {"Start": 1, "Write": 2, "Check": 1, "Decide": 1},
        {"f1": 1, "f2": 2, "f3": 1, "f5": 1},
        verified=False,
    ),
    _frame(
        5,
        "质量检查：通过",
        "王芳",
        {},
        {"Start": 1, "Write": 2, "Check": 2, "Decide": 2, "Archive": 1, "End": 1},
        {"f1": 1, "f2": 2, "f3": 2, "f4": 1, "f5": 1, "f6": 1},
        state="completed",
    ),
]


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve on a free port of the loopback; gives the address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


if __name__ == "__main__":
    create_app().run("127.0.0.1", 8099)
