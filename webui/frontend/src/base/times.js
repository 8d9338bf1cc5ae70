// Relative times: "3 小时前", "in 2 days"; the text that the server wrote becomes the title.
import { chinese } from "../shared/language.js";

const format = new Intl.RelativeTimeFormat(chinese ? "zh-CN" : "en", { numeric: "auto" });
const STEPS = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 30],
  ["month", 12],
  ["year", Infinity],
];

export function relative(date, now = Date.now()) {
  let amount = (date.getTime() - now) / 1000;
  if (Math.abs(amount) < 45) return chinese ? "刚刚" : "just now";
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size) return format.format(Math.round(amount), unit);
    amount /= size;
  }
  return "";
}

function refresh(root = document) {
  for (const time of root.querySelectorAll("time[data-relative]")) {
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    if (!time.title) time.title = time.textContent.trim();
    time.textContent = relative(date);
  }
}

refresh();
setInterval(refresh, 60_000);
document.addEventListener("htmx:after:swap", () => refresh());
// Paper shows no titles: print the exact time.
addEventListener("beforeprint", () => {
  for (const time of document.querySelectorAll("time[data-relative][title]")) time.textContent = time.title;
});
addEventListener("afterprint", () => refresh());
