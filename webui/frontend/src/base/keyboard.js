// Single-letter keys for lists and tasks. They never fire while typing, and a person can turn them off (WCAG 2.1.4).

const STORED = "flowledger.keys";

const off = () => localStorage.getItem(STORED) === "off";
const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]:not([contenteditable=false]), dialog, .djs-container, [data-keys-own]");
const rows = () => [...document.querySelectorAll("[data-keys-list] [data-key-row]")];
const current = () => document.querySelector("[data-key-row].is-current");

function mark(row) {
  current()?.classList.remove("is-current");
  row.classList.add("is-current");
  (row.querySelector("[data-key-open]") ?? row).focus();
  row.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(current());
  mark(all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))]);
}

function complete() {
  (current()?.querySelector("[data-key-claim]") ?? document.querySelector("[data-key-complete]"))?.click();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  c: complete,
  "/": () => {
    const field = document.querySelector("[data-key-search]");
    field?.focus();
    field?.select(); // typing replaces the last search
  },
  "?": () => document.getElementById("keyboard-help")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
  if (event.key === "Enter" && event.target === document.body) {
    current()?.querySelector("[data-key-open]")?.click();
    return;
  }
  const action = KEYS[event.key];
  if (!action || off()) return;
  event.preventDefault();
  action();
});

// A link that gets the focus by Tab makes its row the current one, so that both ways of moving agree.
document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("[data-keys-list] [data-key-row]");
  if (row && row !== current()) {
    current()?.classList.remove("is-current");
    row.classList.add("is-current");
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-key-help]")) document.getElementById("keyboard-help")?.showModal();
});

for (const box of document.querySelectorAll("[data-keys-switch]")) {
  box.checked = !off();
  box.addEventListener("change", () => localStorage.setItem(STORED, box.checked ? "on" : "off"));
}
