// One resident's conversation: what was said, kept over a reload, whichever phone shows it.

import { clock } from "./clock.js";
import { Away, door } from "./door.js";
import { labels } from "./labels.js";

const KEPT = "yima.simulator.conversation:";
const MOST_ENTRIES = 300;
const SOON = 200; // milliseconds before "is typing": a quick answer needs no sign

const open = new Map();
let next = 0;

const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export class Conversation extends EventTarget {
  // one object for one resident, so that two phones of the same person show the same
  static of(user) {
    if (!open.has(user)) open.set(user, new Conversation(user));
    return open.get(user);
  }

  constructor(user) {
    super();
    this.user = user;
    this.busy = 0;
    this.typing = false;
    this.away = false;
    this.turn = Promise.resolve();
    this.polling = false;
    const kept = read(user);
    this.after = kept.after;
    this.entries = kept.entries;
  }

  changed() {
    this.entries = this.entries.slice(-MOST_ENTRIES);
    try {
      localStorage.setItem(KEPT + this.user, JSON.stringify({ after: this.after, entries: this.entries }));
    } catch {
      // a full store loses the history of this page, nothing else
    }
    this.dispatchEvent(new Event("change"));
  }

  add(entry) {
    this.entries.push({ id: `${Date.now()}-${next++}`, at: clock.now(), ...entry });
  }

  clear() {
    this.entries = [];
    this.changed();
  }

  // `shown` is what the bubble says where that differs from what is sent
  say({ text = "", kind = "text", event_key = "", shown = text }) {
    const post = { user: this.user, text, kind, event_key, key: newKey() };
    const side = kind === "follow" || kind === "unfollow" ? "event" : "resident";
    this.add({ side, kind, text: shown, state: "sending", post });
    const entry = this.entries.at(-1);
    this.changed();
    return this.deliver(entry);
  }

  resend(entry) {
    entry.state = "sending";
    entry.detail = "";
    this.changed();
    return this.deliver(entry);
  }

  // one after the other, in the order in which they were said
  deliver(entry) {
    this.turn = this.turn.then(() => this.post(entry));
    return this.turn;
  }

  async post(entry) {
    this.busy += 1;
    const sign = setTimeout(() => this.setTyping(true), SOON);
    this.dispatchEvent(new Event("change"));
    try {
      const { replies } = await door.say(entry.post);
      entry.state = "sent";
      this.away = false;
      for (const each of this.entries) each.live = false;
      for (const reply of replies) this.add({ side: "service", live: true, ...reply });
    } catch (error) {
      entry.state = "failed";
      entry.detail = error instanceof Away ? "" : labels.say("not_sent", { detail: error.message });
      this.away = error instanceof Away;
    } finally {
      clearTimeout(sign);
      this.busy -= 1;
      this.typing = false;
      this.changed();
    }
  }

  setTyping(typing) {
    this.typing = typing;
    this.dispatchEvent(new Event("change"));
  }

  // what came unasked; a look that is under way is enough
  async look() {
    if (this.polling) return;
    this.polling = true;
    try {
      const { messages, after } = await door.unasked(this.user, this.after);
      const seen = new Set(this.entries.map((entry) => entry.notice_id));
      const fresh = messages.filter((message) => !seen.has(message.id));
      for (const { id, at, ...message } of fresh) {
        this.add({ side: "service", ...message, notice_id: id, at: Date.parse(at) });
      }
      const moved = after !== this.after || fresh.length > 0 || this.away;
      this.after = after;
      this.away = false;
      if (moved) this.changed();
    } catch (error) {
      if (error instanceof Away && !this.away) {
        this.away = true;
        this.dispatchEvent(new Event("change"));
      }
    } finally {
      this.polling = false;
    }
  }
}

function read(user) {
  try {
    const { after, entries } = JSON.parse(localStorage.getItem(KEPT + user));
    for (const entry of entries) if (entry.state === "sending") entry.state = "failed";
    return { after, entries };
  } catch {
    return { after: "0", entries: [] };
  }
}
