// Deployment: asks for a comment, sends the diagram, shows why it was refused.
import { ask } from "../shared/dialog.js";
import { el } from "../shared/dom.js";
import { sendJson } from "../shared/http.js";
import { currentProcess, currentXml } from "./editor.js";
import { t } from "./texts.js";

/** The comment, or null when the person turned back. */
export async function askComment(editor, page) {
  const process = currentProcess(editor);
  const same = process.id === page.process_id;
  const intro = same && page.next_version ? t("deployVersion", { name: process.name, version: page.next_version }) : t("deployFirst", process);
  const field = el("textarea.form-control", { id: "deploy-comment", rows: 3, maxlength: 2000, "aria-describedby": "deploy-comment-error" });
  const error = el("div.text-danger", { id: "deploy-comment-error", role: "alert" });
  const answer = await ask({
    title: t("deployTitle"),
    content: [
      el("p", {}, intro),
      page.process_id && !same ? el("p", {}, el("strong", {}, t("deployOther", { id: process.id, expected: page.process_id }))) : null,
      el("label.form-label", { for: "deploy-comment" }, t("comment")),
      field,
      error,
    ],
    actions: [
      { label: t("deploy"), value: "deploy", style: "btn-primary" },
      { label: t("cancel"), value: "" },
    ],
    validate: (value) => {
      if (value !== "deploy" || field.value.trim()) return true;
      error.textContent = t("commentMissing");
      field.setAttribute("aria-invalid", "true");
      field.focus();
      return false;
    },
  });
  return answer === "deploy" ? field.value.trim() : null;
}

/** -> {definition_id, version, url}; throws RequestFailed, whose `problems` say what to correct. */
export async function deploy(editor, page, draft, comment) {
  return sendJson("POST", page.urls.deploy, { xml: await currentXml(editor), comment, draft_id: draft.id, based_on: page.based_on });
}
