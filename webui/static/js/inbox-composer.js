// The composer: reply or note, and a draft of each for every conversation that outlives the page.
import { showAttached } from "./inbox-files.js";
import { _ } from "./i18n.js";
import { box, composer, openId, panes } from "./inbox-place.js";

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
  showWindow();
  restoreDraft();
  showAttached(composer(), openId());
}

/** A closed window takes no reply: the field says so, and a note is still possible. Leaves the text as it is. */
export function showWindow() {
  const field = box();
  if (!field) return;
  const mode = currentMode();
  const closed = mode === "reply" && panes.querySelector("[data-window-closed]") !== null;
  const said = field.dataset;
  said.replyPlaceholder ??= field.placeholder;
  if (closed) field.placeholder = said.closedPlaceholder;
  else field.placeholder = mode === "note" ? said.notePlaceholder : said.replyPlaceholder;
  field.readOnly = closed;
  composer().classList.toggle("is-closed", closed);
  composer().querySelector("[type=submit]").disabled = closed;
}
