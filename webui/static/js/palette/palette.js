// The palette's results: every page in the navigation, every action on this page, and what the box finds for the words.
import { el, icon } from "../dom.js";
import { _ } from "../i18n.js";
import { request } from "../request.js";

const dialog = document.getElementById("palette");
const input = dialog.querySelector("input");
const results = dialog.querySelector("[data-results]");
const searchUrl = document.querySelector('meta[name="search-url"]')?.content;
let found = [];
let chosen = 0;
let asked = 0;
let delay = 0;

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function places() {
  return [...document.querySelectorAll(".nav a")].map((link) => ({
    group: _("Go to"), label: link.title, icon: link.dataset.icon, keys: link.dataset.keys, run: () => link.click(),
  }));
}

function actions() {
  return [...document.querySelectorAll("[data-command]")].filter((button) => !button.disabled).map((button) => ({
    group: _("Actions"), label: button.dataset.command, icon: button.dataset.commandIcon ?? "bolt", run: () => { dialog.close(); button.click(); },
  }));
}

function hitOf(hit) {
  return { group: hit.group, label: hit.label, hint: hit.hint, icon: hit.icon, run: () => location.assign(hit.url) };
}

function option(item, index) {
  const row = el("li", { role: "option", id: `palette-${index}`, "aria-selected": String(index === chosen) },
    icon(item.icon ?? "chevron-right", "sm"), el("span", { class: "grow clip" }, item.label),
    item.hint ? el("span", { class: "t12 muted clip" }, item.hint) : null,
    ...(item.keys ?? "").split(" ").filter(Boolean).map((key) => el("kbd", {}, key.toUpperCase())));
  row.addEventListener("click", item.run);
  row.addEventListener("pointermove", () => { if (chosen !== index) choose(index); });
  return row;
}

function paint() {
  const groups = Map.groupBy ? Map.groupBy(found, (item) => item.group) : byGroup(found);
  results.replaceChildren();
  for (const [name, items] of groups) {
    const list = el("ul", { role: "group", "aria-label": name }, ...items.map((item) => option(item, found.indexOf(item))));
    results.append(el("h3", { "aria-hidden": "true" }, name), list);
  }
  if (!found.length) results.append(el("p", { class: "pad muted t13" }, _("Nothing found. Try another word.")));
  input.setAttribute("aria-activedescendant", found.length ? `palette-${chosen}` : "");
}

function byGroup(items) {
  const groups = new Map();
  for (const item of items) groups.set(item.group, [...(groups.get(item.group) ?? []), item]);
  return groups;
}

function choose(index) {
  chosen = found.length ? (index + found.length) % found.length : 0;
  for (const row of results.querySelectorAll("[role=option]")) row.setAttribute("aria-selected", String(row.id === `palette-${chosen}`));
  const row = document.getElementById(`palette-${chosen}`);
  row?.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", row ? row.id : "");
}

// Ours at once, so that Enter never acts on the letters before; the box is asked when the typing pauses.
export function search() {
  const words = plain(input.value).split(/\s+/).filter(Boolean);
  const ours = [...actions(), ...places()].filter((item) => words.every((word) => plain(item.label).includes(word)));
  chosen = 0;
  found = ours;
  paint();
  clearTimeout(delay);
  const turn = ++asked;
  if (searchUrl && input.value.trim().length > 1) delay = setTimeout(askBox, 80, turn, ours);
}

async function askBox(turn, ours) {
  try {
    const hits = await request(`${searchUrl}?q=${encodeURIComponent(input.value.trim())}`);
    if (turn !== asked || !dialog.open) return;
    found = [...ours, ...hits.map(hitOf)];
    paint();
  } catch {
    // Going to pages works without the search.
  }
}

// Also for who pressed Enter before this was loaded.
export function enter() {
  found[chosen]?.run();
}

input.addEventListener("input", search);
input.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") choose(chosen + 1);
  else if (event.key === "ArrowUp") choose(chosen - 1);
  else if (event.key === "Enter" && !event.isComposing) enter();
  else return;
  event.preventDefault();
});
