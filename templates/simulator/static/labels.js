// The page's own words in both languages. What the service says is the resident's choice, not the page's.

import { door } from "./door.js";

const KEPT = "yima.simulator.language";
const ATTRIBUTES = { aria: "aria-label", placeholder: "placeholder" };

class Labels extends EventTarget {
  language = localStorage.getItem(KEPT) === "en" ? "en" : "zh";
  words = { zh: {}, en: {} };

  async load() {
    this.words = await door.labels();
    this.apply(document.documentElement);
  }

  say(name, params = {}) {
    const words = this.words[this.language][name] ?? name;
    return words.replace(/\{(\w+)\}/g, (_, key) => params[key] ?? "");
  }

  toggle() {
    this.language = this.language === "zh" ? "en" : "zh";
    localStorage.setItem(KEPT, this.language);
    this.apply(document.documentElement);
    this.dispatchEvent(new Event("change"));
  }

  apply(root) {
    document.documentElement.lang = this.language;
    document.title = this.say("title");
    for (const each of root.querySelectorAll("[data-label]")) each.textContent = this.say(each.dataset.label);
    for (const [key, attribute] of Object.entries(ATTRIBUTES)) {
      for (const each of root.querySelectorAll(`[data-${key}]`)) {
        each.setAttribute(attribute, this.say(each.dataset[key]));
      }
    }
  }
}

export const labels = new Labels();
