// A modal <dialog> with a title, content and buttons; the browser keeps the focus inside and Escape closes it.
import { el } from "./dom.js";

let counter = 0;

/**
 * actions: [{label, value, style}]; the first is the one that Enter presses. Resolves to the pressed action's value, null on Escape.
 * `validate(value)` may return false to keep the dialog open.
 */
export function ask({ title, content = [], actions, validate = () => true }) {
  const id = `dialog-title-${++counter}`;
  const buttons = actions.map(({ label, value, style }) => el(`button.btn.${style ?? "btn-outline-secondary"}`, { type: "submit", value }, label));
  const form = el("form", { method: "dialog" }, el("h2.h5", { id }, title), content, el("div.dialog-actions", {}, buttons));
  const dialog = el("dialog.app-dialog", { "aria-labelledby": id }, form);
  return new Promise((resolve) => {
    form.addEventListener("submit", (event) => {
      if (!validate(event.submitter?.value)) event.preventDefault();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue || null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
