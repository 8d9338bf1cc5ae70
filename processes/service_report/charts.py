"""Charts as SVG by Vega-Lite on the server: one specification for page and PDF. Every chart comes with its data as a table elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import vl_convert

from engine.plugins import canonical
from processes.service_report import texts
from processes.service_report.fonts_folder import FAMILY, folder

INK, ACCENT, SECOND, MUTED = "#1f2933", "#0b5cad", "#b45309", "#9aa5b1"


def by_month(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Opened and resolved tickets by month, two lines."""
    values = [{"month": r["month"], "kind": kind, "count": r[key]} for r in rows for key, kind in (("opened", "受理"), ("resolved", "解决"))]
    colour = {"field": "kind", "type": "nominal", "title": None, "scale": {"domain": ["受理", "解决"], "range": [ACCENT, SECOND]}}
    return _chart(
        values,
        {"type": "line", "point": {"filled": True, "size": 45}, "strokeWidth": 2},
        x={"field": "month", "type": "ordinal", "title": None, "axis": {"labelAngle": 0}},
        y={"field": "count", "type": "quantitative", "title": "工单（件）", "axis": {"tickMinStep": 1}},
        color=colour,
        shape={"field": "kind", "type": "nominal", "title": None, "scale": {"domain": ["受理", "解决"]}},
    )


def bars(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Opened tickets of each group, most first."""
    titles = {"*": "其他", "-": "未填", **(names or {})}
    values = [{"group": titles.get(r["key"], r["key"]), "count": r["opened"]} for r in rows]
    return _layered(
        values,
        [
            {"mark": {"type": "bar", "color": ACCENT}, "encoding": {}},
            {"mark": {"type": "text", "align": "left", "dx": 4, "color": INK}, "encoding": {"text": {"field": "count"}}},
        ],
        x={"field": "count", "type": "quantitative", "title": "受理（件）", "axis": {"tickMinStep": 1}},
        y={"field": "group", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 160}},
    )


def weekly_trend(trend: Mapping[str, Any]) -> dict[str, Any]:
    """Tickets a week with the moving average of three."""
    values = [{"week": p["from"][5:], "count": p["value"], "average": p["average"]} for p in trend["points"]]
    return _layered(
        values,
        [
            {"mark": {"type": "bar", "color": MUTED}, "encoding": {"y": {"field": "count", "type": "quantitative", "title": "每周受理（件）"}}},
            {"mark": {"type": "line", "color": ACCENT, "strokeWidth": 2}, "encoding": {"y": {"field": "average", "type": "quantitative"}}},
        ],
        x={"field": "week", "type": "ordinal", "title": None, "axis": {"labelAngle": -60}},
    )


def rates(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rates in percent with their interval: `name`, `value`, `low`, `high`, `target` (None where there is none)."""
    return _layered(
        [dict(r) for r in rows],
        [
            {
                "mark": {"type": "rule", "color": ACCENT, "strokeWidth": 2},
                "encoding": {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}},
            },
            {"mark": {"type": "point", "filled": True, "size": 90, "color": ACCENT}, "encoding": {"x": {"field": "value", "type": "quantitative"}}},
            {
                "transform": [{"filter": "datum.target != null"}],
                "mark": {"type": "tick", "color": SECOND, "thickness": 3, "size": 18},
                "encoding": {"x": {"field": "target", "type": "quantitative"}},
            },
        ],
        x={"type": "quantitative", "title": "%", "scale": {"domain": [0, 100]}},
        y={"field": "name", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 200}},
    )


def due_by_month(rows: Sequence[Mapping[str, Any]], words: tuple[str, str], title: str) -> dict[str, Any]:
    """Reports due by month, those in time and the others stacked; `words` name the two, `title` the axis."""
    values = [{"month": r["month"], "kind": w, "count": n} for r in rows for w, n in zip(words, (r["timely"], r["due"] - r["timely"]), strict=True)]
    return _chart(
        values,
        {"type": "bar", "width": {"band": 0.6}},
        x={"field": "month", "type": "ordinal", "title": None, "axis": {"labelAngle": 0}},
        y={"field": "count", "type": "quantitative", "title": title, "axis": {"tickMinStep": 1}},
        color={"field": "kind", "type": "nominal", "title": None, "scale": {"domain": list(words), "range": [ACCENT, SECOND]}},
    )


def svg(spec: Mapping[str, Any]) -> str:
    """The chart as SVG text. The same specification gives the same text."""
    return _rendered(canonical(spec).decode())


@lru_cache(maxsize=64)
def _rendered(spec: str) -> str:
    if folder() is not None:
        vl_convert.register_font_directory(str(folder()))
    return str(vl_convert.vegalite_to_svg(spec))


def _chart(values: Sequence[Mapping[str, Any]], mark: Mapping[str, Any], **encoding: Any) -> dict[str, Any]:
    return {**_frame(values), "mark": dict(mark), "encoding": encoding}


def _layered(values: Sequence[Mapping[str, Any]], layers: Sequence[Mapping[str, Any]], **encoding: Any) -> dict[str, Any]:
    return {**_frame(values), "layer": [dict(each) for each in layers], "encoding": encoding}


def _frame(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    font = f"{FAMILY}, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
    axis = {
        "labelFont": font,
        "titleFont": font,
        "labelColor": INK,
        "titleColor": INK,
        "gridColor": "#e4e7eb",
        "labelFontSize": 11,
        "titleFontWeight": "normal",
    }
    legend = {"labelFont": font, "orient": "top", "labelColor": INK}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 520,
        "height": {"step": 22} if values and "group" in values[0] else 190,
        "background": None,
        "data": {"values": [dict(v) for v in values]},
        "config": {"font": font, "axis": axis, "legend": legend, "view": {"stroke": None}},
    }


def report_charts(figures: Mapping[str, Any]) -> dict[str, str]:
    """The charts of a report as SVG by name; a chart without data is left out."""
    out: dict[str, str] = {}
    if figures["by_month"]:
        out["by_month"] = svg(by_month(figures["by_month"]))
    for name, titles in (("process", texts.PROCESSES), ("priority", None), ("category", None)):
        if figures["workload"][name]:
            out[name] = svg(bars(figures["workload"][name], titles))
    if len(figures["trends"][0]["points"]) > 1:
        out["trend"] = svg(weekly_trend(figures["trends"][0]))
    return out
