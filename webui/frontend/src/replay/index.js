// The auditor's replay: a diagram, a slider over the records, and the shown record in words.
import { createDiagram, loadingText } from "../shared/diagram/index.js";
import { el } from "../shared/dom.js";
import { getJson, getText } from "../shared/http.js";
import { translator } from "../shared/language.js";
import { recordPanel } from "./panel.js";
import "./replay.css";

const t = translator({
  slider: ["第几条记录", "Record"],
  of: ["第 {seq} 条，共 {last} 条", "Record {seq} of {last}"],
  valueText: ["第 {seq} 条，共 {last} 条：{title}，{who}，{at}", "Record {seq} of {last}: {title}, {who}, {at}"],
  previous: ["上一条", "Previous"],
  next: ["下一条", "Next"],
  play: ["播放", "Play"],
  pause: ["暂停", "Pause"],
});

const SECONDS_PER_RECORD = 1.5;

class Replay {
  constructor(host, picture) {
    this.host = host;
    this.picture = picture;
    this.last = Number(host.dataset.last);
    this.frames = new Map();
    this.shown = null;
    this.timer = null;
    this.slider = el("input.form-range", { type: "range", min: 1, max: this.last, step: 1, "aria-label": t("slider"), oninput: () => this.go(Number(this.slider.value)) });
    this.position = el("span.replay-position", { "aria-hidden": "true" });
    this.player = el("button.btn.btn-sm.btn-outline-primary", { type: "button", onclick: () => this.toggle() }, t("play"));
    this.panel = el("div.replay-panel", { "aria-live": "polite", "aria-atomic": "false" });
    this.problem = el("p.alert.alert-danger", { role: "alert", hidden: true });
  }

  /** The diagram of the version under which a record was made: the instance may have been migrated. */
  async version(url) {
    if (url === this.url) return;
    const xml = await getText(url);
    if (url === this.url) return;
    this.url = url;
    const canvas = el("div.diagram");
    this.picture.replaceChildren(canvas);
    const made = await createDiagram(canvas, xml, this.host.dataset.label);
    if (url === this.url) this.diagram = made;
  }

  controls() {
    const step = (key, sign, by) =>
      el("button.btn.btn-sm.btn-outline-secondary", { type: "button", "aria-label": t(key), title: t(key), onclick: () => this.go(this.wanted + by) }, sign);
    return el("div.replay-controls.no-print", {}, step("previous", "◀", -1), this.slider, step("next", "▶", 1), this.player, this.position);
  }

  /** Show record `seq`; the newest call wins when answers come late. */
  async go(seq) {
    this.wanted = Math.min(this.last, Math.max(1, seq));
    this.slider.value = this.wanted;
    this.position.textContent = t("of", { seq: this.wanted, last: this.last });
    const wanted = this.wanted;
    try {
      const [frame, before] = await Promise.all([this.frame(wanted), wanted > 1 ? this.frame(wanted - 1) : null]);
      if (wanted !== this.wanted) return;
      await this.version(frame.xml_url ?? this.host.dataset.xmlUrl);
      if (wanted !== this.wanted) return;
      this.problem.hidden = true;
      this.render(frame, before);
      if (wanted < this.last) this.frame(wanted + 1).catch(() => null);
    } catch (cause) {
      this.stop();
      this.problem.textContent = cause.message;
      this.problem.hidden = false;
    }
  }

  frame(seq) {
    if (!this.frames.has(seq)) {
      const answer = getJson(this.host.dataset.frameUrl.replace(/\{seq\}|%7Bseq%7D/i, seq));
      answer.catch(() => this.frames.delete(seq)); // asked again next time
      this.frames.set(seq, answer);
    }
    return this.frames.get(seq);
  }

  render(frame, before) {
    const changed = changedElements(frame, before);
    this.diagram.show({ active: frame.active, completed: frame.completed, flows: frame.flows, changed });
    const current = changed.find((id) => frame.active?.[id]) ?? changed[0] ?? Object.keys(frame.active ?? {})[0];
    if (current) this.diagram.focus(current);
    this.slider.setAttribute("aria-valuetext", t("valueText", { seq: frame.seq, last: this.last, title: frame.title, who: frame.actor, at: frame.at_text }));
    this.panel.replaceChildren(recordPanel(frame));
    const address = new URL(location.href);
    address.searchParams.set("seq", frame.seq);
    history.replaceState(history.state, "", address);
  }

  toggle() {
    if (this.timer) {
      this.stop();
      return;
    }
    if (this.wanted >= this.last) this.go(1);
    this.player.textContent = t("pause");
    this.timer = setInterval(() => (this.wanted >= this.last ? this.stop() : this.go(this.wanted + 1)), SECONDS_PER_RECORD * 1000);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.player.textContent = t("play");
  }
}

/** Elements that this record entered or completed. */
function changedElements(frame, before) {
  const grown = (now, then) => Object.entries(now ?? {}).filter(([id, count]) => count > (then?.[id] ?? 0)).map(([id]) => id);
  return [...grown(frame.completed, before?.completed), ...grown(frame.active, before?.active)];
}

async function start(host) {
  const picture = el("div.replay-picture", {}, el("div.diagram", {}, el("p.diagram-message", { role: "status" }, loadingText())));
  host.replaceChildren(el("div.replay-columns", {}, picture));
  try {
    const replay = new Replay(host, picture);
    await replay.version(host.dataset.xmlUrl);
    host.prepend(replay.controls(), replay.problem);
    picture.after(replay.panel);
    await replay.go(Number(new URL(location.href).searchParams.get("seq")) || Number(host.dataset.seq) || replay.last);
  } catch (cause) {
    picture.replaceChildren(el("div.diagram", {}, el("p.diagram-message", { role: "alert" }, cause.message)));
  }
}

for (const host of document.querySelectorAll("[data-replay]")) start(host);
