// The row of buttons above the canvas. Every action is a real button with a word or a label, reachable by Tab.
import { el } from "../shared/dom.js";
import { t } from "./texts.js";

export function createToolbar({ name, backUrl, actions }) {
  const status = el("span.modeler-status", { role: "status" });
  const button = (key, { sign, style = "btn-outline-secondary", title } = {}) =>
    el(`button.btn.btn-sm.${style}`, { type: "button", "data-action": key, "aria-label": sign ? t(key) : null, title: title ?? (sign ? t(key) : null), onclick: actions[key] }, sign ?? t(key));
  const group = (label, ...children) => el("div.modeler-group", { role: "group", "aria-label": label }, children);
  const picker = el("input.visually-hidden", {
    type: "file",
    accept: ".bpmn,.bpmn20.xml,.xml,application/xml,text/xml",
    tabindex: -1,
    "aria-hidden": "true",
    onchange: () => {
      const [file] = picker.files;
      if (file) actions.importFile(file);
      picker.value = "";
    },
  });
  const importButton = el("button.btn.btn-sm.btn-outline-secondary", { type: "button", title: t("importHelp"), onclick: () => picker.click() }, t("import"));
  const undo = button("undo", { sign: "↶" });
  const redo = button("redo", { sign: "↷" });
  const title = el("div.modeler-title", {}, name || t("untitled"));
  const node = el(
    "header.modeler-toolbar",
    {},
    el("a.btn.btn-sm.btn-outline-secondary", { href: backUrl }, t("back")),
    title,
    status,
    el("span.modeler-spring"),
    group(t("edit"), undo, redo),
    group(t("view"), button("zoomOut", { sign: "−" }), button("zoomIn", { sign: "+" }), button("fit")),
    group(t("file"), importButton, picker, button("exportBpmn"), button("exportSvg")),
    button("discard"),
    button("check"),
    button("save"),
    button("deploy", { style: "btn-primary" }),
  );
  return {
    node,
    setTitle: (text) => (title.textContent = text || t("untitled")),
    setStatus: (text, state) => {
      status.textContent = text;
      status.dataset.state = state;
    },
    setHistory: (canUndo, canRedo) => {
      undo.disabled = !canUndo;
      redo.disabled = !canRedo;
    },
    setBusy: (busy) => {
      for (const one of node.querySelectorAll("[data-action=deploy], [data-action=save]")) one.disabled = busy;
    },
  };
}
