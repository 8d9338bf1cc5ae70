// A read-only diagram with the state of an instance drawn on it. Used by the viewer and by the replay.
import NavigatedViewer from "bpmn-js/lib/NavigatedViewer";
import "bpmn-js/dist/assets/diagram-js.css";
import "bpmn-js/dist/assets/bpmn-js.css";
import "./diagram.css";
import { el } from "../dom.js";
import { chinese, translator } from "../language.js";
import { touchNavigation } from "./touch.js";

const t = translator({
  diagram: ["流程图", "Process diagram"],
  zoomIn: ["放大", "Zoom in"],
  zoomOut: ["缩小", "Zoom out"],
  fit: ["全图", "Fit"],
  fullScreen: ["全屏（Esc 退出）", "Full screen (Esc leaves it)"],
  loading: ["正在载入流程图……", "Loading the diagram ..."],
  noDiagram: ["此文件没有可画出的流程图：{cause}", "This file holds no diagram that can be drawn: {cause}"],
  tokens: ["{count} 个令牌在此", "{count} token(s) here"],
  completed: ["已完成 {count} 次", "Completed {count} time(s)"],
  incidents: ["{count} 个异常", "{count} incident(s)"],
  legendActive: ["进行中", "Active"],
  legendCompleted: ["已完成", "Completed"],
  legendTaken: ["走过的路径", "Path taken"],
  legendChanged: ["此条记录", "This record"],
  legendIncident: ["异常", "Incident"],
  legendHeat: ["颜色越深数值越大", "Darker means larger"],
});

const HEAT_LEVELS = 5;
const READABLE = 0.6; // below this zoom labels cannot be read: narrow screens start nearer and can be dragged

/** Bring `xml` into `host` (an element with a height). Returns the diagram's commands. Throws when nothing can be drawn. */
export async function createDiagram(host, xml, label) {
  const canvasHost = el("div.diagram-canvas");
  host.append(canvasHost);
  const viewer = new NavigatedViewer({ container: canvasHost });
  try {
    await viewer.importXML(xml);
  } catch (cause) {
    canvasHost.remove();
    throw new Error(t("noDiagram", { cause: cause.message }));
  }
  const canvas = viewer.get("canvas");
  const svg = canvasHost.querySelector("svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label || t("diagram"));
  scrollPageNotDiagram(canvasHost);
  touchNavigation(canvasHost, canvas);
  host.append(toolbar(host, canvas));
  fitHeight(host, canvas);
  const legend = el("ul.diagram-legend");
  host.after(legend);

  host.addEventListener("fullscreenchange", () => {
    canvas.resized();
    canvas.zoom("fit-viewport");
  });

  const diagram = {
    viewer,
    show: (state) => {
      clear(viewer);
      draw(viewer, state);
      mark(viewer, state.changed, "fl-changed");
      describe(legend, state);
    },
    select: (id) => mark(viewer, id, "fl-selected"),
    fit: () => fit(canvas),
    focus: (id) => focus(viewer, id),
  };
  diagram.fit();
  return diagram;
}

export const loadingText = () => t("loading");

// The wheel scrolls the page, as everywhere; with Ctrl it zooms the diagram.
function scrollPageNotDiagram(host) {
  host.addEventListener("wheel", (event) => (event.ctrlKey || event.metaKey ? null : event.stopPropagation()), { capture: true, passive: true });
}

function toolbar(host, canvas) {
  const button = (key, sign, action) =>
    el("button.btn.btn-sm.btn-outline-secondary", { type: "button", "aria-label": t(key), title: t(key), onclick: action }, sign);
  return el(
    "div.diagram-tools.no-print",
    { role: "group", "aria-label": t("diagram") },
    button("zoomIn", "+", () => canvas.zoom(canvas.zoom() * 1.25)),
    button("zoomOut", "−", () => canvas.zoom(canvas.zoom() / 1.25)),
    button("fit", t("fit"), () => canvas.zoom("fit-viewport")),
    host.requestFullscreen ? button("fullScreen", "⤢", () => toggleFullScreen(host)) : null,
  );
}

function toggleFullScreen(host) {
  if (document.fullscreenElement) document.exitFullscreen();
  else host.requestFullscreen().catch(() => null);
}

// No taller than the drawing needs at the host's width; the style sheet sets the largest height.
function fitHeight(host, canvas) {
  const { inner } = canvas.viewbox();
  const zoom = Math.min(1, Math.max(READABLE, host.clientWidth / (inner.width + 80)));
  const needed = Math.max(180, inner.height * zoom + 110);
  if (needed < host.clientHeight) host.style.height = `${Math.round(needed)}px`;
  canvas.resized();
}

function fit(canvas) {
  const zoom = canvas.zoom("fit-viewport");
  if (zoom < READABLE && canvas.getSize().width < 700) {
    const box = canvas.viewbox();
    canvas.viewbox({ x: box.inner.x - 20, y: box.inner.y - 20, width: canvas.getSize().width / READABLE, height: canvas.getSize().height / READABLE });
  } else if (zoom > 1.2) {
    canvas.zoom(1, "auto");
  }
}

function focus(viewer, id) {
  const element = viewer.get("elementRegistry").get(id);
  if (element) viewer.get("canvas").scrollToElement(element, { top: 60, bottom: 60, left: 80, right: 80 });
}

function clear(viewer) {
  viewer.get("overlays").remove({ type: "fl-state" });
  const canvas = viewer.get("canvas");
  viewer.get("elementRegistry").forEach((element) => {
    for (const marker of ["fl-active", "fl-completed", "fl-taken", "fl-incident", ...heatClasses()]) canvas.removeMarker(element, marker);
  });
}

function mark(viewer, ids, marker) {
  const canvas = viewer.get("canvas");
  const registry = viewer.get("elementRegistry");
  registry.forEach((element) => canvas.removeMarker(element, marker));
  for (const id of [ids ?? []].flat()) if (registry.get(id)) canvas.addMarker(id, marker);
}

function draw(viewer, state) {
  const registry = viewer.get("elementRegistry");
  const canvas = viewer.get("canvas");
  const each = (counts, action) => {
    for (const [id, value] of Object.entries(counts ?? {})) if (value && registry.get(id)) action(id, value);
  };
  each(state.completed, (id, count) => {
    canvas.addMarker(id, "fl-completed");
    const small = registry.get(id).width < 80; // events and gateways have their label below
    badge(viewer, id, "fl-badge-completed", count > 1 ? `✓${count}` : "✓", t("completed", { count }), small ? { top: -9, right: 6 } : { bottom: 8, right: 10 });
  });
  each(state.flows, (id) => canvas.addMarker(id, "fl-taken"));
  each(state.active, (id, count) => {
    canvas.addMarker(id, "fl-active");
    badge(viewer, id, "fl-badge-active", String(count), t("tokens", { count }), { top: -12, left: -10 });
  });
  each(state.incidents, (id, count) => {
    canvas.addMarker(id, "fl-incident");
    badge(viewer, id, "fl-badge-incident", `! ${count}`, t("incidents", { count }), { top: -12, right: 12 });
  });
  const largest = Math.max(0, ...Object.values(state.heat ?? {}).map(({ value }) => value));
  each(state.heat, (id, { value, label }) => {
    const level = largest > 0 ? Math.min(HEAT_LEVELS - 1, Math.floor((value / largest) * HEAT_LEVELS)) : 0;
    canvas.addMarker(id, `fl-heat-${level}`);
    badge(viewer, id, "fl-badge-heat", label ?? String(value), label ?? String(value), { bottom: -4, left: 0 });
  });
  mark(viewer, state.selected, "fl-selected");
}

const heatClasses = () => Array.from({ length: HEAT_LEVELS }, (_, level) => `fl-heat-${level}`);

function badge(viewer, id, style, text, title, position) {
  viewer.get("overlays").add(id, "fl-state", { position, show: { minZoom: 0.2 }, html: el(`span.fl-badge.${style}`, { title }, text) });
}

function describe(legend, state) {
  const some = (counts) => Object.keys(counts ?? {}).length > 0;
  const entries = [
    [some(state.active), "active", "legendActive"],
    [some(state.completed), "completed", "legendCompleted"],
    [some(state.flows), "taken", "legendTaken"],
    [state.changed?.length > 0, "changed", "legendChanged"],
    [some(state.incidents), "incident", "legendIncident"],
    [some(state.heat), "heat", "legendHeat"],
  ];
  legend.replaceChildren(...entries.filter(([present]) => present).map(([, style, key]) => el("li", {}, el(`span.legend-mark.legend-${style}`, { "aria-hidden": "true" }), t(key))));
  legend.lang = chinese ? "zh-CN" : "en";
}
