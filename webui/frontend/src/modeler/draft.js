// Keeps work safe: every change is within half a second in this browser, two seconds later in a draft on the server.
import { RequestFailed, sendJson } from "../shared/http.js";
import { chinese } from "../shared/language.js";
import { t } from "./texts.js";

const QUIET = 2000;
const COPY_AFTER = 400; // writing the XML of a large diagram takes a moment: not for every step of a drag
const clock = (date) => date.toLocaleTimeString(chinese ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit" });

export class Draft {
  /** `xml()` gives the diagram; `report(text, state)` shows a state: clean, dirty, saving, saved, failed; `onSaved()` follows each success. */
  constructor({ page, xml, report, onSaved, onConflict }) {
    Object.assign(this, { page, xml, report, onSaved, onConflict });
    this.id = page.draft.id;
    this.revision = page.draft.revision;
    this.copyKey = `flowledger.modeler.${page.based_on ?? page.draft.id ?? "new"}`;
    this.dirty = false;
    this.stopped = false;
    this.timer = null;
    this.copyTimer = null;
    this.running = null;
    this.changes = 0;
  }

  /** The diagram changed. */
  touch() {
    this.changes += 1;
    this.dirty = true;
    this.report(t("dirty"), "dirty");
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => this.save(), QUIET);
    clearTimeout(this.copyTimer);
    this.copyTimer = setTimeout(() => this.keepCopy(), COPY_AFTER);
  }

  /** Send the draft now; true when the server has it. Saves run one after another. */
  save() {
    clearTimeout(this.timer);
    this.running = (this.running ?? Promise.resolve()).then(() => this.send());
    return this.running;
  }

  async send() {
    const seen = this.changes;
    this.report(t("saving"), "saving");
    try {
      const answer = await sendJson("PUT", this.url(), {
        xml: await this.xml(),
        revision: this.revision,
        process_id: this.page.process_id,
        based_on: this.page.based_on,
      });
      this.id = answer.draft_id;
      this.revision = answer.revision;
    } catch (cause) {
      if (!(cause instanceof RequestFailed)) throw cause;
      this.report(t("notSaved", { cause: cause.message }), "failed");
      if (cause.status === 409) {
        this.stopped = true;
        this.onConflict(cause);
      }
      return false;
    }
    if (seen !== this.changes) return true; // changed meanwhile: the next save is already planned
    this.dirty = false;
    this.dropCopy();
    this.report(t("saved", { time: clock(new Date()) }), "saved");
    this.onSaved();
    return true;
  }

  async discard() {
    clearTimeout(this.timer);
    if (this.id) await sendJson("DELETE", this.url());
    this.forget();
  }

  /** Nothing is left to save: deployed or discarded. */
  forget() {
    clearTimeout(this.timer);
    this.stopped = true;
    this.dirty = false;
    this.dropCopy();
  }

  url() {
    return this.page.urls.draft.replace(/\{id\}|%7Bid%7D/i, encodeURIComponent(this.id ?? "new"));
  }

  /** What an earlier visit could not send: {xml, at} or null. */
  copy() {
    try {
      return JSON.parse(localStorage.getItem(this.copyKey));
    } catch {
      return null;
    }
  }

  async keepCopy() {
    const xml = await this.xml();
    if (!this.dirty) return;
    try {
      localStorage.setItem(this.copyKey, JSON.stringify({ xml, at: new Date().toISOString() }));
    } catch {
      // A full or forbidden browser store: the server's draft remains.
    }
  }

  dropCopy() {
    clearTimeout(this.copyTimer);
    localStorage.removeItem(this.copyKey);
  }
}
