"""The pack's own pages: archive register, callback register, key figures, ticket import. One blueprint; each route names its action.

Pages read through `registers` and `kpi`; the only writing one is the import. They know the web application only through Flask: the actor
in `g.actor`, the engine in `current_app.extensions`, the layout template.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from processes.service_report.pages import archive, callbacks, figures, imports

ROUTES: tuple[tuple[str, str, Any, str, str], ...] = (
    # address, endpoint, view, method, action of the policy
    ("/archive", "archive", archive.register, "GET", "process.read"),
    ("/archive/<code>", "archive_item", archive.item, "GET", "process.read"),
    ("/archive/<code>/files/<name>", "archive_file", archive.file, "GET", "process.read"),
    ("/callbacks", "callbacks", callbacks.register, "GET", "process.read"),
    ("/callbacks/nonce", "nonce", callbacks.nonce, "GET", "process.read"),
    ("/callbacks/nonce", "nonce_digest", callbacks.nonce, "POST", "process.read"),
    ("/callbacks/<draw_id>", "draw", callbacks.draw, "GET", "process.read"),
    ("/figures", "figures", figures.overview, "GET", "process.read"),
    ("/figures/charts/<name>.svg", "chart", figures.chart, "GET", "process.read"),
    ("/figures/<metric>", "numerator", figures.numerator, "GET", "process.read"),
    ("/imports", "imports", imports.register, "GET", "process.read"),
    ("/imports/upload", "upload", imports.upload, "POST", "data.import"),
    ("/imports/preview/<upload_id>", "preview", imports.preview, "GET", "data.import"),
    ("/imports/preview/<upload_id>", "confirm", imports.confirm, "POST", "data.import"),
    ("/imports/<int:import_id>", "import_result", imports.result, "GET", "process.read"),
    ("/imports/<int:import_id>/rejects.csv", "rejects", imports.rejects, "GET", "process.read"),
)
NAVIGATION = (
    ("service_report.figures", {"zh": "服务报告指标", "en": "Report figures"}),
    ("service_report.archive", {"zh": "报告归档", "en": "Report archive"}),
    ("service_report.callbacks", {"zh": "客户回访", "en": "Callbacks"}),
    ("service_report.imports", {"zh": "工单导入", "en": "Ticket import"}),
)


def blueprint() -> Blueprint:
    """A fresh blueprint, with `access` (endpoint to action) and `navigation` for the application that takes it."""
    made: Any = Blueprint("service_report", "processes.service_report", url_prefix="/service-report", template_folder="templates")
    for address, endpoint, view, method, _ in ROUTES:
        made.add_url_rule(address, endpoint, view, methods=[method])
    made.access = {endpoint: action for _, endpoint, _, _, action in ROUTES}
    made.navigation = NAVIGATION
    result: Blueprint = made
    return result
