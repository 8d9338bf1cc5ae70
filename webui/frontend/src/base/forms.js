// Enhancements of plain forms: autosaved drafts, a warning before leaving, one submit, confirmation, filters that send themselves.
import { ask } from "../shared/dialog.js";
import { csrfToken } from "../shared/http.js";
import { chinese, translator } from "../shared/language.js";

const t = translator({
  saving: ["正在保存草稿……", "Saving draft ..."],
  saved: ["草稿已保存 {time}", "Draft saved {time}"],
  failed: ["草稿未能保存，内容仍在本页", "The draft could not be saved; your input is still on this page"],
  confirm: ["请确认", "Please confirm"],
  yes: ["确定", "Yes"],
  no: ["取消", "Cancel"],
  copied: ["已复制", "Copied"],
});

const AUTOSAVE_DELAY = 2000;
const dirty = new Set();
const timers = new WeakMap();

function status(form, key, values) {
  const place = form.querySelector("[data-autosave-status]") ?? document.querySelector("[data-autosave-status]");
  if (place) place.textContent = t(key, values);
}

async function autosave(form) {
  const data = new FormData(form);
  for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
  status(form, "saving");
  try {
    const answer = await fetch(form.dataset.autosave, {
      method: "POST",
      body: data,
      credentials: "same-origin",
      redirect: "manual",
      headers: { "X-CSRF-Token": csrfToken(), "X-Requested-With": "autosave" },
    });
    if (!answer.ok) throw new Error(String(answer.status));
    dirty.delete(form);
    status(form, "saved", { time: new Date().toLocaleTimeString(chinese ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit" }) });
  } catch {
    status(form, "failed");
  }
}

function changed(event) {
  const form = event.target.form ?? event.target.closest?.("form");
  if (!form) return;
  if (form.matches("[data-guard], [data-autosave]")) dirty.add(form);
  if (form.dataset.autosave) {
    clearTimeout(timers.get(form));
    timers.set(form, setTimeout(autosave, AUTOSAVE_DELAY, form));
  }
}

document.addEventListener("input", changed);
document.addEventListener("change", (event) => {
  changed(event);
  const field = event.target;
  if (field.matches?.("[data-autosubmit]")) field.form?.requestSubmit();
  if (field.dataset?.checkAll && field.form) {
    for (const box of field.form.querySelectorAll(`input[type=checkbox][name="${CSS.escape(field.dataset.checkAll)}"]`)) box.checked = field.checked;
  }
});

async function confirmed(button, question) {
  const answer = await ask({
    title: t("confirm"),
    content: [question],
    actions: [
      { label: t("yes"), value: "yes", style: button.classList.contains("btn-danger") ? "btn-danger" : "btn-primary" },
      { label: t("no"), value: "" },
    ],
  });
  if (answer !== "yes") return;
  button.dataset.confirmed = "yes";
  button.form.requestSubmit(button);
}

document.addEventListener("submit", (event) => {
  const { submitter, target: form } = event;
  const question = submitter?.dataset.confirm ?? form.dataset.confirm;
  if (question && submitter && submitter.dataset.confirmed !== "yes") {
    event.preventDefault();
    event.stopPropagation();
    confirmed(submitter, question);
    return;
  }
  clearTimeout(timers.get(form));
  dirty.delete(form);
  // After this event the browser has read the submitter; only then may it be disabled.
  if (form.matches("[data-once]") && !event.defaultPrevented) {
    setTimeout(() => {
      for (const button of form.querySelectorAll("button[type=submit], button:not([type])")) button.disabled = true;
    });
  }
});

// The browser's back button shows the page as it was left: make its buttons work again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll("form[data-once] button")) button.disabled = false;
});

addEventListener("beforeunload", (event) => {
  if ([...dirty].some((form) => form.isConnected)) event.preventDefault();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-print]");
  if (!button) return;
  if (button.hasAttribute("data-print")) {
    print();
    return;
  }
  const source = document.querySelector(button.dataset.copy);
  if (!source) return;
  await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
  const before = button.textContent;
  button.textContent = t("copied");
  setTimeout(() => (button.textContent = before), 1500);
});
