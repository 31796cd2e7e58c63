// One phone: shows a resident's conversation and sends what is typed, picked or chosen from the menu.

import { bubble, element, initial, renew, tint } from "./bubbles.js";
import { clock, hourOf } from "./clock.js";
import { Conversation } from "./conversation.js";
import { labels } from "./labels.js";

const NEAR = 80; // pixels from the end within which the timeline follows new messages

export class Phone extends EventTarget {
  constructor(station, residents) {
    super();
    this.station = station;
    this.residents = residents;
    this.shown = new Map();
    this.part = (selector) => station.querySelector(selector);
    this.onChange = () => this.render();
    this.listen();
  }

  listen() {
    this.part(".resident").addEventListener("change", (event) => this.choose(event.target));
    this.part(".newcomer").addEventListener("submit", (event) => this.welcome(event));
    this.part(".give-up").addEventListener("click", () => this.askName(false));
    this.part(".composer").addEventListener("submit", (event) => this.submit(event));
    this.part("textarea").addEventListener("keydown", (event) => this.enter(event));
    this.part("textarea").addEventListener("input", () => this.grow());
    for (const pop of this.station.querySelectorAll(".pop")) popUp(pop);
    for (const button of this.station.querySelectorAll("[data-menu]")) {
      button.addEventListener("click", () => this.menu(button));
    }
    for (const button of this.station.querySelectorAll("[data-say]")) {
      button.addEventListener("click", () => this.send({ text: button.textContent.trim() }));
    }
    for (const button of this.station.querySelectorAll("[data-event]")) {
      button.addEventListener("click", () => this.send({ kind: button.dataset.event }));
    }
    this.part("[data-clear]").addEventListener("click", () => this.conversation.clear());
    this.part(".scroll").addEventListener("scroll", () => this.showNewest());
    this.part(".newest").addEventListener("click", () => this.toEnd());
    clock.addEventListener("tick", () => (this.part(".phone-time").textContent = hourOf(clock.now())));
    clock.addEventListener("moved", () => this.redraw());
    labels.addEventListener("change", () => this.redraw());
    this.residents.addEventListener("change", () => this.list());
  }

  get visible() {
    return this.station.offsetParent !== null;
  }

  // ---- whose phone it is

  show(user) {
    this.conversation?.removeEventListener("change", this.onChange);
    this.conversation = Conversation.of(user);
    this.conversation.addEventListener("change", this.onChange);
    this.residents.meet(user);
    this.list();
    const who = this.part(".who");
    who.textContent = initial(user);
    who.className = `who ${tint(user)}`;
    this.redraw();
    this.conversation.look();
    this.dispatchEvent(new Event("change"));
  }

  list() {
    const options = this.residents.names.map((name) => {
      const option = element("option", "", name);
      option.value = name;
      return option;
    });
    options.push(element("option", "", labels.say("newcomer")));
    const chooser = this.part(".resident");
    chooser.replaceChildren(...options);
    chooser.selectedIndex = this.residents.names.indexOf(this.conversation?.user);
  }

  choose(chooser) {
    const name = this.residents.names[chooser.selectedIndex];
    if (name === undefined) this.askName(true);
    else this.show(name);
  }

  askName(asking) {
    const form = this.part(".newcomer");
    form.hidden = !asking;
    this.part(".resident").hidden = asking;
    form.reset();
    if (asking) form.querySelector("input").focus();
    else this.list();
  }

  welcome(event) {
    event.preventDefault();
    const name = event.target.querySelector("input").value.trim();
    if (!name) return;
    this.show(name);
    this.askName(false);
    this.part("textarea").focus();
  }

  // ---- what is sent

  send(message) {
    const conversation = this.conversation;
    conversation.say(message).then(() => conversation.away || this.residents.wrote(conversation.user));
    this.toEnd();
  }

  menu(button) {
    this.send({ kind: "menu", event_key: button.dataset.menu, text: button.textContent.trim() });
  }

  submit(event) {
    event.preventDefault();
    const box = this.part("textarea");
    const text = box.value.trim();
    if (text) this.send({ text });
    box.value = "";
    this.grow();
    box.focus();
  }

  enter(event) {
    // while characters are being composed, Enter chooses among them
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.part(".composer").requestSubmit();
  }

  grow() {
    const box = this.part("textarea");
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight + 2}px`; // with its border
  }

  pick(choice) {
    this.send({ text: choice.value, shown: choice.label });
    // the button goes away; on a phone the focus would open the keyboard over the answer
    if (matchMedia("(pointer: fine)").matches) this.part("textarea").focus();
  }

  // ---- what is seen

  redraw() {
    this.shown.clear();
    const timeline = this.part(".timeline");
    const log = this.part(".log");
    log.setAttribute("aria-live", "off"); // old messages are not news
    timeline.replaceChildren();
    if (this.conversation) this.render();
    this.toEnd();
    requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
  }

  render() {
    const { entries, user, busy, typing, away } = this.conversation;
    const following = this.nearEnd();
    const timeline = this.part(".timeline");
    const acting = { busy: busy > 0, pick: (choice) => this.pick(choice), resend: (entry) => this.conversation.resend(entry) };
    const kept = new Set(entries.map((entry) => entry.id));
    for (const [id, item] of this.shown) if (!kept.has(id)) this.shown.delete(id) && item.remove();
    entries.forEach((entry, index) => {
      if (this.shown.has(entry.id)) return renew(this.shown.get(entry.id), entry, acting);
      const item = bubble(entry, entries[index - 1], user, acting);
      this.shown.set(entry.id, item);
      timeline.append(item);
    });
    this.part(".typing").hidden = !typing;
    this.part(".chat-state").textContent = typing ? labels.say("typing") : user;
    this.showProblem(away);
    this.showEmpty(entries.length === 0, user);
    if (following) this.follow();
    this.showNewest();
  }

  showProblem(away) {
    const problem = this.part(".problem");
    problem.hidden = !away;
    const words = away ? labels.say("away") : "";
    if (problem.textContent !== words) problem.textContent = words;
  }

  showEmpty(empty, user) {
    const known = this.residents.known(user);
    this.part(".empty").hidden = !empty;
    this.part(".empty button").hidden = known;
    this.part(".empty-words").textContent = labels.say(known ? "empty_known" : "empty_new", { name: user });
  }

  nearEnd() {
    const scroll = this.part(".scroll");
    return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR;
  }

  // to the end, but not past the beginning of an answer that is longer than the screen
  follow() {
    const scroll = this.part(".scroll");
    const asked = [...this.part(".timeline").querySelectorAll(".resident, .event")].at(-1);
    const end = scroll.scrollHeight - scroll.clientHeight;
    scroll.scrollTop = asked ? Math.min(end, asked.offsetTop) : end;
  }

  showNewest() {
    this.part(".newest").hidden = this.nearEnd();
  }

  toEnd() {
    const scroll = this.part(".scroll");
    scroll.scrollTop = scroll.scrollHeight;
  }
}

function popUp(pop) {
  const opener = pop.querySelector(".opener");
  const sheet = pop.querySelector(".sheet");
  const set = (open) => {
    sheet.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
  };
  opener.addEventListener("click", () => {
    set(sheet.hidden);
    if (!sheet.hidden) sheet.querySelector("button").focus();
  });
  sheet.addEventListener("click", () => {
    set(false);
    opener.focus();
  });
  pop.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || sheet.hidden) return;
    set(false);
    opener.focus();
  });
  pop.addEventListener("focusout", (event) => {
    if (!pop.contains(event.relatedTarget)) set(false);
  });
}
