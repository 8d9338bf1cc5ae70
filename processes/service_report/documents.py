"""Renders the content of a report: PDF/A by Typst, .docx by python-docx. Lays out only."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import docx
import typst
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor

from processes.service_report.charts import report_charts
from processes.service_report.content import Content
from processes.service_report.fonts_folder import FAMILY, folder
from processes.service_report.glyphs import coverage, printable
from processes.service_report.metrics import Figures

TEMPLATE = Path(__file__).parent / "print" / "report.typ"
STANDARD: Literal["a-2a"] = "a-2a"  # PDF/A-2 level a: archivable, tagged, Unicode text
PDF, DOCX, JSON = "application/pdf", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/json"
_FALLBACK = ("Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei")


class NoChineseFont(RuntimeError):
    """No font with Chinese glyphs was found; name a folder with one in FLOWLEDGER_FONTS."""


def pdf(content: Content, figures: Figures, at: datetime) -> bytes:
    """The report as tagged PDF/A with its charts. The same arguments give the same bytes. Raises NoChineseFont."""
    bundled = folder()
    fonts = typst.Fonts(include_system_fonts=bundled is None, include_embedded_fonts=False, font_paths=[str(bundled)] if bundled else [])
    families = [name for name in (FAMILY, *_FALLBACK) if name in fonts.families()]
    if not families:
        raise NoChineseFont(NoChineseFont.__doc__)
    known = coverage(tuple(sorted({(f.path, f.index) for f in fonts.fonts() if f.family in families and f.weight == 400 and f.path})))
    charts = report_charts(printable(figures, known))
    data = json.dumps({**printable(content, known), "charts": charts, "fonts": families}, ensure_ascii=False)
    compiler = typst.Compiler(TEMPLATE.read_bytes(), root=str(TEMPLATE.parent), font_paths=fonts, ignore_system_fonts=True, sys_inputs={"data": data})
    made = compiler.compile(format="pdf", pdf_standards=[STANDARD], timestamp=at.replace(microsecond=0))
    if not isinstance(made, bytes):
        raise TypeError("Typst gave no PDF")
    return made


# --- .docx ------------------------------------------------------------------------------------------------------------
def word(content: Content, at: datetime) -> bytes:
    """The report as .docx, for those who go on editing; charts are in the PDF only."""
    document = docx.Document()
    _styles(document)
    document.core_properties.title = _printable(content["title"])[:255]
    document.core_properties.author = _printable(content["prepared_by"])[:255]
    document.core_properties.created = document.core_properties.modified = at.replace(tzinfo=None)
    document.add_heading(_printable(content["title"]), 0)
    document.add_paragraph(f"{content['class_title']} · {content['period_text']}")
    if content["synthetic"]:
        document.add_paragraph("演示数据：本报告由合成工单生成，不反映真实服务")
    _table(document, ("项目", "内容"), content["cover"])
    for title, body in _sections(content):
        document.add_heading(title, 1)
        for part in body:
            if isinstance(part, str):
                for line in (part or "无").split("\n"):
                    document.add_paragraph(_printable(line))
            else:
                _table(document, *part)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _sections(c: Content) -> list[tuple[str, list[Any]]]:
    load = ("受理", "关闭", "期末未完成", "上一期受理")
    return [
        ("摘要", [f"总体评价：{c['rating']}", c["summary"]]),
        ("服务级别达成", [c["attainment_text"], (("指标", "目标", "实际", "n", "95% 区间", "上一期", "结论"), c["sla_rows"])]),
        ("工作量", [c["analysis"], (("流程", *load), c["workload"]["process"]), (("优先级", *load), c["workload"]["priority"])]),
        ("工作量（分类与地点）", [(("分类", *load), c["workload"]["category"]), (("地点", *load), c["workload"]["location"])]),
        ("可用性与连续性", [(("项目", "数值"), c["availability"])]),
        ("趋势", [c["trend_text"]]),
        ("下期预警", [(("指标", "预计工单", "可容许超时", "本期超时率 %", "下期不达标概率 %", "结论"), c["outlook"])]),
        ("故障集中的组件", [(("组件", "故障", "上一期", "中断（分）", "占比 %", "累计 %", "不可靠"), c["components"])]),
        ("未达成、不符合与措施", [(("对象", "原因", "纠正和预防措施", "责任人", "期限"), c["breaches"])]),
        ("内容要素", [(("要素", "内容"), c["completeness"])]),
        ("客户关心的信息", [(("关心的问题", "答复", "章节"), c["concerns"])]),
        (
            "下期计划",
            [(("事项", "工时"), c["plan"]["workload"]), (("变更", "日期", "风险"), c["plan"]["changes"]), (("日期", "事件"), c["plan"]["events"])],
        ),
        ("建议", [c["suggestions"]]),
        ("算法说明", [c["algorithm_notes"]]),
        ("评审、审批与交付", [(("轮次", "环节", "经办", "时间", "结论", "说明"), c["reviews"])]),
        ("数据来源", [(("文件", "窗口", "行数", "SHA-256"), c["sources"]), f"数据快照 SHA-256：{c['snapshot_sha256']}"]),
    ]


def _styles(document: Any) -> None:
    """Chinese text takes its font from w:eastAsia; without it Word picks one of its own."""
    for name in ("Normal", "Title", "Heading 1"):
        style = document.styles[name]
        style.font.name = FAMILY
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), FAMILY)
        if name != "Normal":
            style.font.color.rgb = RGBColor(0x0B, 0x3D, 0x6E)
    document.styles["Normal"].font.size = Pt(10)


def _table(document: Any, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        document.add_paragraph("无")
        return
    table = document.add_table(rows=1, cols=len(heads), style="Light Grid Accent 1")
    for cell, head in zip(table.rows[0].cells, heads, strict=True):
        cell.text = head
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = _printable(text)


def _printable(text: str) -> str:
    """XML cannot hold most control characters."""
    return "".join(ch for ch in str(text) if ch in "\n\t" or ch >= " ")
