// Quick replies behind "/", macros, and putting aside: what stands ready for the open conversation.
import { el } from "../dom.js";
import { saveDraft, currentMode } from "./composer.js";
import { box, composer, openId, panes } from "./place.js";
import { request } from "../request.js";
import { failed } from "../toast.js";

const MOST = 6;
const CALL = { reply: /(^|\s)\/([a-z0-9_-]*)$/i, note: /(^|\s)@([\p{L}]*(?: [\p{L}]+)?)$/u };
const kept = new Map();  // conversation -> its quick replies, filled in
let shown = [];
let chosen = 0;
let asking = false;  // Enter waits for them: "/hours" is not what the customer is to read

const menu = () => composer()?.querySelector("[data-ready]");
const isOpen = () => menu()?.hidden === false;
const called = () => CALL[currentMode()]?.exec(box().value.slice(0, box().selectionStart));

async function repliesOf(id) {
  if (!kept.has(id)) kept.set(id, await request(`/api/v1/conversations/${id}/quick-replies`));
  return kept.get(id);
}

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** Colleagues that "@na" may mean. */
function offerColleagues() {
  const word = plain(called()[2]);
  const names = [...panes.querySelectorAll("[data-assign] [data-member]")].map((option) => option.textContent);
  shown = names.filter((name) => plain(name).startsWith(word)).slice(0, MOST).map((name) => ({ name: `@${name}`, about: "", text: `@${name} ` }));
  chosen = 0;
  paint();
}

/** As one types: the quick replies that "/word" may mean; in a note whom "@name" may mean. */
export async function offerReplies() {
  if (!called()) { hideReplies(); return; }
  if (currentMode() === "note") { offerColleagues(); return; }
  const id = openId();
  try {
    asking = true;
    const all = await repliesOf(id);
    const found = called();
    if (id !== openId() || !found) return;
    const word = found[2].toLowerCase();
    const fits = (one) => one.shortcut.startsWith(word) || (word && one.text.toLowerCase().includes(word));
    shown = all.filter(fits).sort((a, b) => Number(b.shortcut.startsWith(word)) - Number(a.shortcut.startsWith(word))).slice(0, MOST)
      .map(({ shortcut, text }) => ({ name: `/${shortcut}`, about: text, text }));
    chosen = 0;
    paint();
  } catch {
    hideReplies();  // writing works without them
  } finally {
    asking = false;
  }
}

function paint() {
  menu().hidden = shown.length === 0;
  menu().replaceChildren(...shown.map((one, index) => {
    const row = el("li", { role: "option", id: `ready-${index}`, "aria-selected": String(index === chosen) },
      el("b", {}, one.name), el("span", { class: "clip grow muted" }, one.about));
    row.addEventListener("mousedown", (event) => { event.preventDefault(); insert(one); });
    return row;
  }));
  if (shown.length) box().setAttribute("aria-activedescendant", `ready-${chosen}`);
  else box().removeAttribute("aria-activedescendant");
}

export function hideReplies() {
  shown = [];
  if (menu()) paint();
}

function insert(one) {
  const found = called();
  if (found) {
    const start = found.index + found[1].length;
    box().setRangeText(one.text, start, box().selectionStart, "end");
    saveDraft();
  }
  hideReplies();
  box().focus();
}

/** True when the key was for the list of quick replies. */
export function steerReplies(event) {
  if (asking && event.key === "Enter") { event.preventDefault(); return true; }
  if (!isOpen()) return false;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % shown.length;
    paint();
  } else if (event.key === "Enter" || event.key === "Tab") insert(shown[chosen]);
  else if (event.key === "Escape") hideReplies();
  else return false;
  event.preventDefault();
  return true;
}

const done = (run) => { closeMenus(); import("./doing.js").then(run).catch(failed); };

function closeMenus() {
  for (const open of panes.querySelectorAll(".menu:popover-open")) open.hidePopover();
}

export function openMenu(name) {
  const found = panes.querySelector(`#${name}`);
  const opener = panes.querySelector(`[popovertarget="${name}"]`);
  if (!found) return;
  if (opener) opener.click();
  else found.togglePopover();
  found.querySelector("button, a, input")?.focus();
}

panes.addEventListener("click", (event) => {
  const macro = event.target.closest("[data-macro]");
  if (macro) done((it) => it.runMacro(macro.dataset.macro));
  const time = event.target.closest("[data-snooze]");
  if (time) done((it) => it.snooze(time.dataset.snooze));
  if (event.target.closest(".menu :is([data-act], [data-brief-toggle])")) closeMenus();
  const further = event.target.closest("[data-menu]");
  if (further) openMenu(further.dataset.menu);
});
panes.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-snooze-form]")) return;
  event.preventDefault();
  const { value } = event.target.elements.until;
  done((it) => it.snooze(new Date(value).toISOString()));
});
// up and down walk through an open menu
panes.addEventListener("keydown", (event) => {
  const within = event.target.closest(".menu:popover-open");
  if (!within || !["ArrowDown", "ArrowUp"].includes(event.key) || event.target.matches("input")) return;
  const items = [...within.querySelectorAll("button, a")];
  const step = event.key === "ArrowDown" ? 1 : -1;
  items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
  event.preventDefault();
});
