// Draws every element with `data-viewer`, and connects it with rows of the page that carry `data-element-id`.
import { createDiagram, loadingText } from "../shared/diagram/index.js";
import { el } from "../shared/dom.js";
import { getJson, getText } from "../shared/http.js";

async function show(host) {
  const fallback = [...host.childNodes];
  const message = el("p.diagram-message", { role: "status" }, loadingText());
  host.replaceChildren(message);
  try {
    const [xml, state] = await Promise.all([getText(host.dataset.xmlUrl), stateOf(host)]);
    message.remove();
    const diagram = await createDiagram(host, xml, host.dataset.label);
    diagram.show(state);
    const shown = host.dataset.show ?? state.selected ?? Object.keys(state.active ?? {})[0];
    if (shown) diagram.focus(shown);
    connectRows(host, diagram.viewer);
  } catch (cause) {
    host.replaceChildren(el("p.diagram-message", { role: "alert" }, cause.message), ...fallback);
  }
}

async function stateOf(host) {
  if (host.dataset.state) return JSON.parse(host.dataset.state);
  return host.dataset.stateUrl ? getJson(host.dataset.stateUrl) : {};
}

const rowsOf = (id) => [...document.querySelectorAll(`[data-element-id="${CSS.escape(id)}"]`)];

function connectRows(host, viewer) {
  const canvas = viewer.get("canvas");
  const registry = viewer.get("elementRegistry");

  const light = (event, on) => {
    const id = event.target.closest?.("[data-element-id]")?.dataset.elementId;
    if (!id || host.contains(event.target) || !registry.get(id)) return;
    if (on) canvas.addMarker(id, "fl-lit");
    else canvas.removeMarker(id, "fl-lit");
  };
  for (const name of ["mouseover", "focusin"]) document.addEventListener(name, (event) => light(event, true));
  for (const name of ["mouseout", "focusout"]) document.addEventListener(name, (event) => light(event, false));

  viewer.on("element.click", ({ element }) => {
    const id = element.labelTarget?.id ?? element.id;
    for (const row of document.querySelectorAll("[data-element-id].is-current")) row.classList.remove("is-current");
    const rows = rowsOf(id).filter((row) => !host.contains(row));
    for (const row of rows) row.classList.add("is-current");
    rows[0]?.scrollIntoView({ block: "nearest" });
    host.dispatchEvent(new CustomEvent("flowledger:element", { bubbles: true, detail: { id, name: element.businessObject.name ?? "", type: element.type } }));
  });
}

for (const host of document.querySelectorAll("[data-viewer]")) show(host);
