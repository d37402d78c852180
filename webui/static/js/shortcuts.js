// Single-key shortcuts, the sheet that lists them (?), and the switch that turns them off.
import { el } from "./dom.js";
import { isTyping } from "./dom.js";
import { _ } from "./i18n.js";

const registered = new Map();
const OFF = "shortcuts-off";
let pending = "";
let timer = 0;

/** `keys` is one key or two in a row: "r", "g i". */
export function shortcut(keys, label, run) {
  registered.set(keys, { label, run });
}

const hints = [];  // keys that a field takes while one writes in it
export const hint = (keys, label) => hints.push([keys, label]);

export const areOn = () => localStorage.getItem(OFF) === null;

function sheetRows() {
  const fixed = [["Ctrl K", _("Search or do something")], ["?", _("Show this list")], ["Esc", _("Close")]];
  const ours = [...registered].filter(([keys]) => keys !== "?").map(([keys, { label }]) => [keys.toUpperCase(), label]);
  return [...fixed, ...ours, ...hints].map(([keys, label]) =>
    el("li", {}, el("span", { class: "grow" }, label), ...keys.split(" ").map((key) => el("kbd", {}, key))));
}

export function openSheet() {
  const dialog = document.getElementById("shortcut-sheet");
  if (!dialog || dialog.open) return;
  dialog.querySelector("[data-shortcut-list]").replaceChildren(...sheetRows());
  dialog.querySelector("[data-shortcut-switch]").checked = areOn();
  dialog.showModal();
}

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-shortcut-switch]")) return;
  if (event.target.checked) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, "1");
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]") || !areOn()) return;
  const pair = `${pending} ${event.key}`.trim();
  clearTimeout(timer);
  pending = "";
  const hit = registered.get(pair) ?? registered.get(event.key);
  if (hit) {
    event.preventDefault();
    hit.run(event);
    return;
  }
  if ([...registered.keys()].some((keys) => keys.startsWith(`${event.key} `))) {
    pending = event.key;
    timer = setTimeout(() => { pending = ""; }, 900);
  }
});

shortcut("?", _("Show this list"), openSheet);
for (const link of document.querySelectorAll(".nav a[data-keys]")) {
  shortcut(link.dataset.keys, link.title, () => link.click());
}
document.addEventListener("click", (event) => { if (event.target.closest("[data-shortcuts]")) openSheet(); });
