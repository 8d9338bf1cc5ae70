"""Curves of a report as SVG files. The only place that knows Vega-Lite; nothing is measured here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import vl_convert

from tests.benchmarks.results import Curve

TITLES = {
    "completion": ("Time of a completion", "completed elements of the instance"),
    "lists": ("Time of the first page of a list", "open tasks"),
}
COLOURS = ("#1f6feb", "#c2410c", "#15803d", "#7e22ce")


def draw(curves: Sequence[Curve], folder: Path, name: str = "") -> list[Path]:
    """One file a chart, `<name><chart>.svg`; their paths. Lines are medians, areas reach up to the 95th percentile."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for chart in dict.fromkeys(curve.chart for curve in curves):
        path = folder / f"{name}{chart}.svg"
        path.write_text(vl_convert.vegalite_to_svg(specification(chart, [c for c in curves if c.chart == chart])) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def specification(chart: str, curves: Sequence[Curve]) -> dict[str, Any]:
    """The chart in Vega-Lite's words."""
    title, amount = TITLES[chart]
    values = [{"series": c.series, "x": x, "median": median, "late": late} for c in curves for x, median, late in c.points]
    x = {"field": "x", "type": "quantitative", "title": amount, "scale": {"type": "log"}, "axis": {"format": ",d", "tickCount": 4, "grid": False}}
    colour = {
        "field": "series",
        "type": "nominal",
        "title": None,
        "scale": {"range": COLOURS},
        "sort": None,
        "legend": {"orient": "bottom", "columns": 2},
    }
    y = {"type": "quantitative", "title": "milliseconds", "scale": {"zero": True}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": {"text": title, "subtitle": "line: median; area: up to the 95th percentile"},
        "width": 520,
        "height": 240,
        "background": "white",
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.15},
                "encoding": {"x": x, "y": {"field": "median", **y}, "y2": {"field": "late"}, "color": colour},
            },
            {"mark": {"type": "line", "point": True}, "encoding": {"x": x, "y": {"field": "median", **y}, "color": colour}},
        ],
    }
