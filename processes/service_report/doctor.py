"""What `flowledger doctor` asks this pack: is there a Chinese font, do the makers of PDF and charts load."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from engine.plugins import Finding, fault, fine, warning
from processes.service_report.fonts_folder import VARIABLE, folder


def checks() -> Iterator[Finding]:
    """Fonts and the two native libraries."""
    found = folder()
    if found is None:
        advice = (
            f"开发环境运行 make run；否则重新安装发行包，或用环境变量 {VARIABLE} 指出字体文件夹。",
            f"In a clone run make run; else install the wheel again, or name a folder with fonts in {VARIABLE}.",
        )
        yield warning(
            "fonts",
            ("没有自带的中文字体，PDF 中的汉字可能显示为方框。", "There is no bundled Chinese font: characters in PDFs may be boxes."),
            advice,
        )
    else:
        yield fine("fonts", f"中文字体：{found}。", f"Chinese font: {found}.")
    for module, zh, en in (("typst", "PDF", "PDF"), ("vl_convert", "图表", "charts")):
        try:
            importlib.import_module(module)
        except ImportError as exc:
            advice = ("重新安装 flowledger。", "Install flowledger again.")
            yield fault("documents", (f"不能生成{zh}：{exc}。", f"{en} cannot be made: {exc}."), advice)
