"""The printed report: archivable PDF with Chinese text, the same bytes each time, a .docx that opens, charts with their words."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest

from processes.service_report import content, documents
from processes.service_report.charts import svg, weekly_trend
from processes.service_report.glyphs import printable
from tests.unit.service_report import example


@pytest.fixture(scope="module")
def made() -> content.Content:
    return content.build(example.variables(), example.figures(), example.completions(), example.ARCHIVE)


def test_the_pdf_is_pdf_a_and_the_same_each_time(made: content.Content) -> None:
    first = documents.pdf(made, example.figures(), example.AT)
    assert first.startswith(b"%PDF-1.7")
    assert b"<pdfaid:part>2</pdfaid:part>" in first.replace(b"\n", b"")
    assert documents.pdf(made, example.figures(), example.AT) == first


def test_the_word_file_holds_the_text_and_a_chinese_font(made: content.Content) -> None:
    data = documents.word(made, example.AT)
    opened = docx.Document(io.BytesIO(data))
    text = "\n".join(p.text for p in opened.paragraphs) + "\n".join(c.text for t in opened.tables for r in t.rows for c in r.cells)
    for words in ("视频监控平台 2026 年 6 月运维报告", "备件到货延迟", "解决及时率", "演示数据", "趋势一节没有说明原因"):
        assert words in text
    assert 'w:eastAsia="Noto Sans SC"' in zipfile.ZipFile(io.BytesIO(data)).read("word/styles.xml").decode()


def test_control_characters_do_not_break_the_word_file() -> None:
    values = {**example.variables(), "suggestions": "a\x00b\x0bc"}
    made = content.build(values, example.figures(), [], example.ARCHIVE)
    assert docx.Document(io.BytesIO(documents.word(made, example.AT)))


def test_reviews_are_listed_with_their_round(made: content.Content) -> None:
    returned = [r for r in made["reviews"] if r[4] == "退回"]
    assert returned == [["1", "研发中心评审", "rd", "2026-07-02 21:00", "退回", "及时 4 清晰 4 可靠 4 简洁 4；趋势一节没有说明原因"]]
    assert made["reviews"][-1][:2] == ["2", "交付签收"]


def test_an_unmeasured_metric_says_so_and_is_no_failure(made: content.Content) -> None:
    row = next(r for r in made["sla_rows"] if r[0] == "客户满意度")
    assert row[2] == "未计量"
    assert row[6] == "无法判定"


def test_charts_are_svg_with_chinese_words() -> None:
    picture = svg(weekly_trend(example.figures()["trends"][0]))
    assert picture.startswith("<svg")
    assert "每周受理" in picture
    assert "<script" not in picture


@pytest.mark.parametrize(
    "text", ["\U0001f600 好", "a\x00b\x0bc", "\U00020bb7", "\U0010ffff", "한국어", "#let x = 1 $a^2$ *b* @ref <l> \\", "=HYPERLINK(1)"]
)
def test_no_text_of_a_user_stops_the_archive(text: str) -> None:
    figures = example.figures()
    figures["workload"]["category"][0]["key"] = text
    made = content.build({**example.variables(), "suggestions": text, "title": text}, figures, [], example.ARCHIVE)
    assert documents.pdf(made, figures, example.AT).startswith(b"%PDF")
    assert documents.word(made, example.AT)


def test_a_character_without_glyph_is_spelled_out() -> None:
    assert printable({"a": ["好\U0001f600\x07"]}, frozenset(map(ord, "好"))) == {"a": ["好〔U+1F600〕"]}
