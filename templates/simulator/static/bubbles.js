// What was said, as elements. Every word goes in as text: nothing that somebody wrote becomes markup.

import { clock } from "./clock.js";
import { labels } from "./labels.js";

const PAUSE = 5 * 60e3; // after so long a silence the time is shown again
const TINTS = 6;
const MARKS = { "🟢": "dot green", "🟡": "dot yellow", "🔴": "dot red", "⚪": "dot grey", "✅": "tick", "✔": "tick" };

export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export function tint(name) {
  let sum = 0;
  for (const character of name) sum += character.codePointAt(0);
  return `tint-${sum % TINTS}`;
}

export const initial = (name) => Array.from(name)[0] ?? "?";

export function bubble(entry, before, user, act) {
  const item = element("li", `entry ${entry.side}`);
  const paused = !before || entry.at - before.at > PAUSE;
  if (paused) item.append(element("time", "stamp", clock.stamp(entry.at)));
  else if (before.side === entry.side) item.classList.add("joined");
  if (entry.side === "event") {
    item.append(element("p", "event-words", eventWords(entry, user)));
  } else {
    item.append(said(entry, user));
  }
  item.append(element("div", "after"));
  renew(item, entry, act);
  return item;
}

// what changes about a bubble after it was said: sent or not, and whether its choices still count
export function renew(item, entry, act) {
  const key = `${entry.state}|${entry.live}|${act.busy}|${entry.detail ?? ""}`;
  if (item.dataset.shown === key) return;
  item.dataset.shown = key;
  item.classList.toggle("sending", entry.state === "sending");
  const after = item.querySelector(".after");
  after.replaceChildren();
  if (entry.state === "failed") after.append(...failure(entry, act));
  else if (entry.live && entry.choices?.length) after.append(choices(entry, act));
}

function eventWords(entry, user) {
  return labels.say(entry.kind === "follow" ? "followed" : "unfollowed", { name: user });
}

function said(entry, user) {
  const ours = entry.side === "service";
  const row = element("div", "said");
  const avatar = element("span", ours ? "avatar service" : `avatar ${tint(user)}`, ours ? "一" : initial(user));
  avatar.setAttribute("aria-hidden", "true");
  const body = element("div", `bubble is-${entry.kind}`);
  const speaker = ours ? labels.say("said_service") : labels.say("said_resident", { name: user });
  body.append(element("span", "unseen", speaker), ...content(entry));
  row.append(avatar, body);
  return row;
}

function content(entry) {
  if (entry.kind === "card") return card(entry);
  if (entry.kind === "picture") return [element("p", "picture", entry.text || labels.say("picture"))];
  return [paragraph("", entry.text)];
}

// dots and ticks look the same on every machine, also where its fonts have none
function paragraph(className, text) {
  const made = element("p", className);
  for (const piece of text.split(/(🟢|🟡|🔴|⚪|✅|✔)\uFE0F?/u)) {
    made.append(piece in MARKS ? element("span", MARKS[piece], piece) : piece);
  }
  return made;
}

function card(entry) {
  const parts = [paragraph("title", entry.title)];
  for (const line of entry.lines ?? []) parts.push(paragraph("line", line));
  if (/^https?:\/\//i.test(entry.url ?? "")) {
    const link = element("a", "", labels.say("open_link"));
    link.href = entry.url;
    link.rel = "noopener noreferrer";
    link.target = "_blank";
    parts.push(link);
  }
  return parts;
}

function choices(entry, act) {
  const group = element("div", "choices");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", labels.say("choices"));
  for (const choice of entry.choices) {
    const button = element("button", "choice", choice.label);
    button.type = "button";
    button.disabled = act.busy;
    button.addEventListener("click", () => act.pick(choice));
    group.append(button);
  }
  return group;
}

function failure(entry, act) {
  const button = element("button", "resend", labels.say("resend"));
  button.type = "button";
  button.addEventListener("click", () => act.resend(entry));
  return entry.detail ? [element("p", "detail", entry.detail), button] : [button];
}
