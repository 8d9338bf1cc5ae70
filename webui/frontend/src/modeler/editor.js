// The bpmn-js modeler with our modules; it knows nothing about pages, drafts or the server.
import BpmnModeler from "bpmn-js/lib/Modeler";
import lintModule from "bpmn-js-bpmnlint";
import { BpmnPropertiesPanelModule, BpmnPropertiesProviderModule } from "bpmn-js-properties-panel";
import "bpmn-js/dist/assets/diagram-js.css";
import "bpmn-js/dist/assets/bpmn-js.css";
import "bpmn-js/dist/assets/bpmn-font/css/bpmn.css";
import "@bpmn-io/properties-panel/dist/assets/properties-panel.css";
import "bpmn-js-bpmnlint/dist/assets/css/bpmn-js-bpmnlint.css";
import { lintRules } from "./lint-rules.js";
import { moddleExtensions } from "./moddle.js";
import { flowledgerPropertiesModule } from "./properties/index.js";
import { translateModule } from "./translate.js";

const LARGEST_FILE = 2 * 1024 * 1024;
const MARGIN = 20;
const READABLE = 0.65;

export function createEditor({ canvas, properties, lists }) {
  return new BpmnModeler({
    container: canvas,
    propertiesPanel: { parent: properties },
    additionalModules: [BpmnPropertiesPanelModule, BpmnPropertiesProviderModule, flowledgerPropertiesModule, lintModule, translateModule],
    moddleExtensions,
    linting: { active: true, bpmnlint: lintRules },
    lists,
  });
}

/** Why this text must not be imported, as a key of our texts; null when it may. */
export function refusal(xml) {
  if (new Blob([xml]).size > LARGEST_FILE) return "tooLarge";
  return /<!DOCTYPE/i.test(xml) ? "hasDoctype" : null;
}

/** Show the diagram beside the palette, never larger than life: all of it, or (`readable`) its beginning at a size that can be read. */
export function fit(editor, { readable = false } = {}) {
  const canvas = editor.get("canvas");
  const { inner } = canvas.viewbox();
  const size = canvas.getSize();
  if (!inner.width || !size.width) return;
  const palette = editor.get("palette")._container?.offsetWidth ?? 0;
  const left = palette + 3 * MARGIN;
  const whole = Math.min(1, (size.width - left - MARGIN) / inner.width, (size.height - 2 * MARGIN) / inner.height);
  const zoom = readable ? Math.max(whole, READABLE) : whole;
  canvas.viewbox({
    x: inner.x - left / zoom,
    y: inner.y - Math.max(MARGIN, (size.height - inner.height * zoom) / 2) / zoom,
    width: size.width / zoom,
    height: size.height / zoom,
  });
}

export async function currentXml(editor) {
  return (await editor.saveXML({ format: true })).xml;
}

/** The first executable process of the open diagram, else the first: {id, name}. */
export function currentProcess(editor) {
  const processes = (editor.getDefinitions()?.rootElements ?? []).filter((root) => root.$type === "bpmn:Process");
  const process = processes.find((one) => one.isExecutable) ?? processes[0];
  return { id: process?.id ?? "", name: process?.name || process?.id || "" };
}

/** A diagram with one start event, to begin with. */
export function emptyDiagram() {
  const id = `process_${crypto.randomUUID().slice(0, 8)}`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:flowledger="https://flowledger.org/bpmn/1.0" id="definitions_${id}" targetNamespace="https://flowledger.org/processes">
  <bpmn:process id="${id}" isExecutable="true"><bpmn:startEvent id="start_event" /></bpmn:process>
  <bpmndi:BPMNDiagram id="diagram"><bpmndi:BPMNPlane id="plane" bpmnElement="${id}">
    <bpmndi:BPMNShape id="start_event_di" bpmnElement="start_event"><dc:Bounds x="180" y="160" width="36" height="36" /></bpmndi:BPMNShape>
  </bpmndi:BPMNPlane></bpmndi:BPMNDiagram>
</bpmn:definitions>`;
}
