"""Plots of a benchmark report: one file a chart, every curve with its points."""

from __future__ import annotations

from tests.benchmarks.plots import draw, specification
from tests.benchmarks.results import Curve, Figure, Report

CURVES = (
    Curve("completion", "SQLite", ((10, 1.0, 2.0), (10_000, 1.1, 2.2))),
    Curve("lists", "SQLite: worklist", ((1_000, 3.0, 4.0), (1_000_000, 3.1, 4.4))),
    Curve("lists", "PostgreSQL: worklist", ((1_000, 2.0, 3.0), (1_000_000, 2.1, 3.4))),
)


def test_a_report_draws_one_file_a_chart(tmp_path):
    paths = draw(CURVES, tmp_path / "new", "now-")
    assert [path.name for path in paths] == ["now-completion.svg", "now-lists.svg"]
    text = paths[1].read_text(encoding="utf-8")
    assert text.startswith("<svg") and "PostgreSQL: worklist" in text and "1,000,000" in text


def test_every_point_of_a_chart_is_drawn():
    values = specification("lists", CURVES[1:])["data"]["values"]
    assert [(v["series"], v["x"], v["median"], v["late"]) for v in values] == [(c.series, *point) for c in CURVES[1:] for point in c.points]


def test_a_report_keeps_curves_apart_from_the_lines_of_its_table(tmp_path):
    report = Report("now", 1)
    report.add([Figure("a", 1.0, "ms"), CURVES[0]])
    assert (report.figures, report.curves) == ([Figure("a", 1.0, "ms")], [CURVES[0]])
    report.write(tmp_path / "x.json")
    assert '"series": "SQLite"' in (tmp_path / "x.json").read_text(encoding="utf-8")
