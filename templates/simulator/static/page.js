// Begins the page: labels, clock, who there is, two phones, and the look for what came unasked.

import { clock } from "./clock.js";
import { door } from "./door.js";
import { labels } from "./labels.js";
import { Phone } from "./phone.js";

const KEPT = "yima.simulator.phones";
const LOOK_AGAIN = 2000;
const STRANGERS = ["小林", "小陈"];

class Residents extends EventTarget {
  names = [];
  written = new Set();

  async load() {
    try {
      const { residents } = await door.residents();
      this.names = residents.map((resident) => resident.user);
      this.written = new Set(this.names);
    } catch {
      // the phones say that the service is away; names can still be typed
    }
  }

  known(name) {
    return this.written.has(name);
  }

  wrote(name) {
    this.written.add(name);
  }

  meet(name) {
    if (this.names.includes(name)) return;
    this.names.push(name);
    this.dispatchEvent(new Event("change"));
  }
}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
}

// who is on which phone: the address, then whoever was there before, then who is known
function chosen(names) {
  const asked = new URLSearchParams(location.search).getAll("user").map((name) => name.trim());
  const before = kept();
  const users = [];
  for (const index of [0, 1]) {
    const wanted = [asked[index], before[index], ...names, ...STRANGERS];
    users.push(wanted.find((name) => name && name.length <= 40 && !users.includes(name)));
  }
  return users;
}

async function begin() {
  document.getElementById("language").addEventListener("click", () => labels.toggle());
  const residents = new Residents();
  await Promise.all([labels.load(), residents.load()]);
  const phones = [...document.querySelectorAll(".station")].map((station) => new Phone(station, residents));
  await clock.start();
  const users = chosen(residents.names);
  phones.forEach((phone, index) => phone.show(users[index]));
  const keep = () => localStorage.setItem(KEPT, JSON.stringify(phones.map((phone) => phone.conversation.user)));
  for (const phone of phones) phone.addEventListener("change", keep);
  const look = () => phones.filter((phone) => phone.visible).forEach((phone) => phone.conversation.look());
  setInterval(look, LOOK_AGAIN);
  clock.addEventListener("moved", look);
  document.documentElement.dataset.ready = "yes";
}

begin();
