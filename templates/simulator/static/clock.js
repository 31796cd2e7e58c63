// Business time as the service has it: shown, ticking, and moved forward by the buttons of the bar.

import { door } from "./door.js";
import { labels } from "./labels.js";

const ZONE = "Asia/Shanghai";
const AHEAD = 8 * 3600e3; // Shanghai has had no summer time since 1991
const MINUTE = 60e3;
const DAY = 24 * 3600e3;
const LOOK_AGAIN = 10e3;

const formats = new Map();

function format(options) {
  const locale = labels.language === "en" ? "en-GB" : "zh-CN";
  const key = locale + JSON.stringify(options);
  if (!formats.has(key)) {
    formats.set(key, new Intl.DateTimeFormat(locale, { timeZone: ZONE, hourCycle: "h23", ...options }));
  }
  return formats.get(key);
}

const HOUR = { hour: "2-digit", minute: "2-digit" };
const LONG = { year: "numeric", month: "short", day: "numeric", weekday: "short" };
const SHORT = { month: "short", day: "numeric", weekday: "short" };

export const hourOf = (at) => format(HOUR).format(at);
const dayOf = (at) => Math.floor((at + AHEAD) / DAY);

class Clock extends EventTarget {
  ahead = 0;

  start() {
    this.shown = document.getElementById("clock-now");
    this.said = document.getElementById("clock-said");
    for (const button of document.querySelectorAll("[data-move]")) {
      button.addEventListener("click", () => this.move(button));
    }
    labels.addEventListener("change", () => this.show());
    setInterval(() => this.show(), 1000);
    setInterval(() => this.look(), LOOK_AGAIN);
    return this.look();
  }

  now() {
    return Date.now() + this.ahead;
  }

  stamp(at) {
    const hour = hourOf(at);
    return dayOf(at) === dayOf(this.now()) ? hour : `${format(SHORT).format(at)} ${hour}`;
  }

  async look() {
    try {
      this.set(await door.clock());
    } catch {
      // the phones say that the service is away; the clock ticks on
    }
  }

  set({ now }) {
    this.ahead = Date.parse(now) - Date.now();
    this.show();
  }

  show() {
    const now = this.now();
    this.shown.textContent = `${format(LONG).format(now)} ${hourOf(now)}`;
    this.shown.dateTime = new Date(now).toISOString();
    this.dispatchEvent(new Event("tick"));
  }

  // whole minutes until 08:00 of tomorrow, rounded up so that eight o'clock has come
  untilMorning() {
    const now = this.now();
    const morning = (dayOf(now) + 1) * DAY + 8 * 60 * MINUTE - AHEAD;
    return Math.ceil((morning - now) / MINUTE);
  }

  async move(button) {
    const forward = { hour: { hours: 1 }, day: { days: 1 }, morning: { minutes: this.untilMorning() } };
    button.disabled = true;
    try {
      this.set(await door.moveClock(forward[button.dataset.move]));
      this.said.textContent = labels.say("clock_at", { time: this.shown.textContent });
      this.said.classList.add("unseen");
      this.dispatchEvent(new Event("moved"));
    } catch {
      this.said.textContent = labels.say("clock_away");
      this.said.classList.remove("unseen");
    } finally {
      button.disabled = false;
      button.focus();
    }
  }
}

export const clock = new Clock();
