// The composer: reply or note, and a draft of each for every conversation that outlives the page and the browser.
import { showAttached } from "./files.js";
import { lazy } from "../dom.js";
import { _ } from "../i18n.js";
import { failed } from "../toast.js";
import { box, composer, me, openId, panes } from "./place.js";

export const draftKey = (mode = currentMode()) => `draft:${openId()}:${mode}`;
export const currentMode = () => composer()?.querySelector('[aria-selected="true"]')?.dataset.mode ?? "reply";

export const quoteKey = () => `quote:${me}:${openId()}`;
export const quoting = () => composer()?.querySelector("[data-quoting]");

export const unsavedKey = (key) => `unsaved:${key}`;
const drafts = lazy(() => import("./drafts.js"), () => {});  // without a connection this browser keeps it, and says so
export const knownKey = (key) => `known:${key}`;  // what the box has, as far as this browser knows
export const keptHere = (key) => localStorage.getItem(key) ?? "";
export const keepHere = (key, text) => (text ? localStorage.setItem(key, text) : localStorage.removeItem(key));
export const keepKnown = (...kept) => { keepHere(...kept); keepHere(knownKey(kept[0]), kept[1]); };

export function saveDraft() {
  const key = draftKey();
  if (box().value === keptHere(key)) return;
  keepHere(key, box().value);
  localStorage.setItem(unsavedKey(key), me);
  drafts((it) => it.keepSoon(key));
}

/** What was begun in another browser, unless this one has newer words that the box lacks. The page may be older than what was kept since. */
export function adoptDrafts() {
  let isDoubtful = false;
  for (const key of composer() ? ["reply", "note"].map(draftKey) : []) {
    if (localStorage.getItem(unsavedKey(key)) === me) continue;
    localStorage.removeItem(unsavedKey(key));  // of somebody else here: what stands here now is not theirs
    const told = composer().dataset[key.split(":")[2]];
    isDoubtful ||= told !== keptHere(key);
    keepKnown(key, told);
  }
  drafts((it) => { it.keepUnsaved(); if (isDoubtful) it.lookAgain().catch(() => {}); });
}

export function restoreDraft() {
  if (!box()) return;
  box().value = keptHere(draftKey());
  composer().querySelector("[data-draft-note]").textContent = box().value ? _("Draft kept") : "";
}

// another tab changed what this one shows, or sent it: it is not sent twice
addEventListener("storage", (event) => {
  if (box() && event.key === draftKey() && box().value === (event.oldValue ?? "")) restoreDraft();
});

export function setMode(mode) {
  if (!composer()) return;
  for (const tab of composer().querySelectorAll("[role=tab]")) tab.setAttribute("aria-selected", String(tab.dataset.mode === mode));
  composer().classList.toggle("is-note", mode === "note");
  for (const part of composer().querySelectorAll("[data-only]")) part.hidden = part.dataset.only !== mode || "quick" in part.dataset;
  // a hidden field that the browser refuses would keep every other message from being sent, without a word
  for (const input of composer().querySelectorAll('[data-only="template"] :is(input, select)')) input.disabled = mode !== "template";
  box().hidden = mode === "template";
  if (mode === "template") import("./templates.js").then((it) => it.offerTemplates()).catch(failed);
  quickButton()?.setAttribute("aria-expanded", "false");
  showWindow();
  restoreDraft();
  showAttached(composer(), openId());
}

const quickRow = () => composer().querySelector("[data-quick]");
const quickButton = () => composer().querySelector("[data-show-quick]");
const wall = () => panes.querySelector("[data-window-closed]")?.dataset.windowClosed;
const isClosed = () => wall() !== undefined;

/** What one writes when nothing else was chosen: a reply, or a template once the window is closed. */
export const usualMode = () => (wall() === "" && composer()?.querySelector("[data-mode=template]") ? "template" : "reply");

/** A closed window takes no reply: the field says so; a note or a template is still possible. Leaves the text as it is. */
export function showWindow() {
  const field = box();
  if (!field) return;
  const mode = currentMode();
  const closed = mode === "reply" && isClosed();
  const said = field.dataset;
  said.replyPlaceholder ??= field.placeholder;
  field.placeholder = (closed && wall()) || said[`${closed ? "closed" : mode}Placeholder`];
  field.readOnly = closed;
  composer().classList.toggle("is-closed", closed);
  composer().querySelector("[type=submit]").disabled = closed;
}

export function showQuick(button) {
  const row = quickRow();
  row.hidden = !row.hidden;
  button.setAttribute("aria-expanded", String(!row.hidden));
  if (!row.hidden) row.querySelector("input").focus();
}

const written = (name) => [...composer().querySelectorAll(`[name="${name}"]`)].map((input) => input.value.trim()).filter(Boolean);

/** The message as the API takes it, and as the log shows it until the server has it; null when there is nothing to send. */
export function composed(hasFile) {
  const text = box().value.trim();
  if (currentMode() === "template") {
    const [id] = written("template");
    if (!id) return null;
    const values = Object.fromEntries([...composer().querySelectorAll("[data-value]")].map((input) => [input.dataset.value, input.value.trim()]));
    const file = composer().querySelector("[data-header-file]")?.files[0] ?? null;
    return { text: composer().querySelector("[data-said]").textContent, body: { values }, path: `templates/${id}`, file };
  }
  if (!text && !hasFile) return null;
  const [reply_to_id] = currentMode() === "reply" ? written("quote") : [];
  const said = reply_to_id ? { text, reply_to_id } : { text };
  const titles = quickRow()?.hidden === false ? [...new Set(written("button"))] : []; // nobody sends what they do not see; WhatsApp refuses twins
  return { text, quoted: quoting().textContent, body: titles.length ? { ...said, buttons: titles.map((title) => ({ id: title, title })) } : said };
}

export function emptyComposer() {
  if (currentMode() === "reply") { quoting().replaceChildren(); localStorage.removeItem(quoteKey()); }
  box().value = "";
  for (const input of composer().querySelectorAll('[name="button"]')) input.value = "";
  composer().querySelector("[data-templates]").replaceChildren();
  saveDraft();
}
