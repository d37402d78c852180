// The composer: reply or note, and a draft of each for every conversation that outlives the page.
import { showAttached } from "./files.js";
import { _ } from "../i18n.js";
import { box, composer, openId, panes } from "./place.js";

const draftKey = (mode = currentMode()) => `draft:${openId()}:${mode}`;
export const currentMode = () => composer()?.querySelector('[aria-selected="true"]')?.dataset.mode ?? "reply";

export function saveDraft() {
  if (box().value) localStorage.setItem(draftKey(), box().value);
  else localStorage.removeItem(draftKey());
}

export function restoreDraft() {
  if (!box()) return;
  box().value = localStorage.getItem(draftKey()) ?? "";
  composer().querySelector("[data-draft-note]").textContent = box().value ? _("Draft kept") : "";
}

export function setMode(mode) {
  if (!composer()) return;
  for (const tab of composer().querySelectorAll("[role=tab]")) tab.setAttribute("aria-selected", String(tab.dataset.mode === mode));
  composer().classList.toggle("is-note", mode === "note");
  for (const part of composer().querySelectorAll("[data-only]")) part.hidden = part.dataset.only !== mode || "quick" in part.dataset;
  // a hidden field that the browser refuses would keep every other message from being sent, without a word
  for (const input of composer().querySelectorAll('[data-only="template"] input')) input.disabled = mode !== "template";
  quickButton()?.setAttribute("aria-expanded", "false");
  showWindow();
  restoreDraft();
  showAttached(composer(), openId());
}

const quickRow = () => composer().querySelector("[data-quick]");
const quickButton = () => composer().querySelector("[data-show-quick]");
const isClosed = () => panes.querySelector("[data-window-closed]") !== null;

/** What one writes when nothing else was chosen: a reply, or a template once the window is closed. */
export const usualMode = () => (isClosed() && composer()?.querySelector("[data-mode=template]") ? "template" : "reply");

/** A closed window takes no reply: the field says so; a note or a template is still possible. Leaves the text as it is. */
export function showWindow() {
  const field = box();
  if (!field) return;
  const mode = currentMode();
  const closed = mode === "reply" && isClosed();
  const said = field.dataset;
  said.replyPlaceholder ??= field.placeholder;
  field.placeholder = said[`${closed ? "closed" : mode}Placeholder`];
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
    const [[name], [language]] = [written("template"), written("template_language")];
    if (!name) return null;
    const parameters = text.split("\n").filter(Boolean).map((value) => ({ type: "text", text: value }));
    const components = parameters.length ? [{ type: "body", parameters }] : [];
    return { text: name, body: { template: { name, language, components } } };
  }
  if (!text && !hasFile) return null;
  const titles = quickRow()?.hidden === false ? [...new Set(written("button"))] : []; // nobody sends what they do not see; WhatsApp refuses twins
  return { text, body: titles.length ? { text, buttons: titles.map((title) => ({ id: title, title })) } : { text } };
}

export function emptyComposer() {
  box().value = "";
  for (const input of composer().querySelectorAll('[name="button"], [name="template"]')) input.value = "";
  saveDraft();
}
