"""The pack's manifest: everything that the engine learns about service reports, through `engine.plugins` alone."""

from __future__ import annotations

from engine.plugins import Pack
from processes.service_report import analysis, archive, callbacks, projects, registration
from processes.service_report.business_days import working_days_after
from processes.service_report.tables import metadata

GROUPS = {
    "project_manager": {"zh": "项目经理", "en": "Project manager"},
    "quality_admin": {"zh": "质量管理员", "en": "Quality administrator"},
    "rd_centre": {"zh": "研发中心", "en": "R&D centre"},
    "engineering": {"zh": "工程部", "en": "Engineering department"},
    "dept_manager": {"zh": "研发中心和工程部经理", "en": "R&D and engineering managers"},
    "service_desk": {"zh": "服务台", "en": "Service desk"},
}

pack = Pack(
    name="service_report",
    title={"zh": "服务报告管理", "en": "Service reports"},
    package="processes.service_report",
    forms="forms.service_report",
    handlers=(
        registration.register,
        analysis.freeze_snapshot,
        analysis.analyse,
        registration.submit,
        registration.register_return,
        archive.archive,
        callbacks.open_callback_period,
        callbacks.freeze_population,
        callbacks.draw_callbacks,
        callbacks.record_callback,
        callbacks.replace_draw,
        callbacks.close_callbacks,
        projects.register_project,
    ),
    functions={"working_days_after": working_days_after},
    groups=GROUPS,
    metadata=metadata,
    pages="processes.service_report.pages:blueprint",
    demo="processes.service_report.demo:fill",
    doctor="processes.service_report.doctor:checks",
    documentation=(
        "《服务报告管理程序》的流程 P2（服务报告）与 P5（回访）。原程序第 7.1 条的流程图未能留存，图据第 7.2 条重建；"
        "第 5(3) 条与第 7.2.4 条的差异、没有数字的“及时”、缺少的交付环节，各按 README 所列的决定处理。"
    ),
)
