// Files in and out: import by picker or drop, export as BPMN or SVG.
import { ask } from "../shared/dialog.js";
import { el } from "../shared/dom.js";
import { currentProcess, currentXml, fit, refusal } from "./editor.js";
import { t } from "./texts.js";

export async function exportBpmn(editor) {
  download(`${fileStem(editor)}.bpmn`, "application/xml", await currentXml(editor));
}

export async function exportSvg(editor) {
  download(`${fileStem(editor)}.svg`, "image/svg+xml", (await editor.saveSVG()).svg);
}

const fileStem = (editor) => currentProcess(editor).id || "process";

function download(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Import a file over the present diagram. `say(text, bad)` reports; true when the diagram was replaced. */
export async function importFile(editor, file, { needsConsent, say }) {
  if (needsConsent() && (await consent()) !== "replace") return false;
  const before = await currentXml(editor);
  const xml = await file.text();
  try {
    const reason = refusal(xml);
    if (reason) throw new Error(t(reason));
    const { warnings } = await editor.importXML(xml);
    if (warnings.length) say(t("importWarnings", { name: file.name, count: warnings.length, first: warnings[0].message.split("\n")[0] }), false);
    else say(t("imported", { name: file.name }), false);
    fit(editor);
    return true;
  } catch (cause) {
    await editor.importXML(before);
    say(t("importFailed", { name: file.name, cause: cause.message.split("\n")[0] }), true);
    return false;
  }
}

const consent = () =>
  ask({
    title: t("replaceTitle"),
    content: [el("p", {}, t("replaceText"))],
    actions: [
      { label: t("replace"), value: "replace", style: "btn-primary" },
      { label: t("cancel"), value: "" },
    ],
  });

/** Dropping a file on `zone` calls `receive(file)`. */
export function acceptDrops(zone, receive) {
  zone.dataset.dropText = t("dropHere");
  const hasFile = (event) => [...(event.dataTransfer?.items ?? [])].some(({ kind }) => kind === "file");
  zone.addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    zone.classList.add("is-dropping");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("is-dropping"));
  zone.addEventListener("drop", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    zone.classList.remove("is-dropping");
    const file = event.dataTransfer.files[0];
    if (file) receive(file);
  });
}
