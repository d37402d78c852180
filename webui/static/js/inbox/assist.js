// What a language model, or the box without one, does for whoever has the word. Loaded when it is asked for first.
import { el, icon } from "../dom.js";
import { currentMode, saveDraft } from "./composer.js";
import { showText } from "./ghost.js";
import { fragment, html } from "./parts.js";
import { box, log, openId, panes } from "./place.js";
import { _ } from "../i18n.js";
import { request } from "../request.js";
import { failed, toast } from "../toast.js";

const MOST_TRANSLATED = 8;
const closed = new Set();  // conversations whose card was put away: it does not come back by itself
const card = () => panes.querySelector("[data-brief]");
let written = "";  // the conversation that a model is reading

const isSmall = () => matchMedia("(max-width: 767px), (max-height: 599px)").matches;  // the thread needs the room

/** `unasked`: for whoever takes over, unless they closed it here before. */
export async function showSummary({ unasked = false } = {}) {
  const id = openId();
  if (!id || !card() || (unasked && (isSmall() || closed.has(id)))) return;
  await paintSummary(id);
  if (!unasked) card().focus();
  if (card().querySelector("[data-can-write]")) await writeSummary(id);
}

async function paintSummary(id) {
  try {
    const found = fragment(await html(`/inbox/${id}/summary`));
    if (id !== openId()) return;
    card().replaceChildren(found);
    card().hidden = false;
  } catch (error) {
    failed(error);
  }
}

async function writeSummary(id) {
  if (written === id) return;
  written = id;
  try {
    await request(`/api/v1/conversations/${id}/summary`, { method: "POST" });
    if (id === openId() && !card().hidden) await paintSummary(id);
  } catch (error) {
    const state = id === openId() ? card().querySelector("[data-brief-state]") : null;
    if (state) state.textContent = error.message;
  } finally {
    written = "";
  }
}

function hideSummary() {
  closed.add(openId());
  card().hidden = true;
  card().replaceChildren();
  log()?.focus();
}

export function toggleSummary() {
  if (card()?.hidden === false) hideSummary();
  else showSummary();
}

/** The menu says what is possible on this box; asked each time, since a model may have come. */
export async function fillMenu(menu) {
  try {
    const found = fragment(await html("/inbox/assist"));
    if (menu.querySelector("button:active")) return;  // what is pressed hears its click
    menu.replaceChildren(found);
    menu.querySelector("button")?.focus();
  } catch (error) {
    menu.hidePopover();
    failed(error);
  }
}

async function rewriteDraft(way, to) {
  const [id, text, mode] = [openId(), box().value.trim(), currentMode()];
  if (!text) { toast(_("Write something first: the model changes what stands in the field."), { kind: "info" }); box().focus(); return; }
  const told = { text, way, conversation_id: id, ...(to ? { to } : {}) };
  await showText(_("Changed by the language model"), (signal) => request("/api/v1/rewrite", { method: "POST", body: told, signal }), (found) => {
    box().value = found;
    saveDraft();
    toast(_("Changed."), { action: { label: _("Undo"), run: () => { if (id === openId() && mode === currentMode()) { box().value = text; saveDraft(); } } } });
  });
}

/** What the customer wrote last, each message beneath itself. */
async function translateThread(to) {
  const id = openId();
  const waiting = [...log().querySelectorAll(".msg.in .bubble")].filter((bubble) => bubble.textContent.trim() && !bubble.querySelector(".translated")).slice(-MOST_TRANSLATED);
  if (!waiting.length) { toast(_("There is nothing here to translate."), { kind: "info" }); return; }
  for (const bubble of waiting.reverse()) {
    if (id !== openId()) return;
    const place = el("p", { class: "translated", role: "status" }, icon("globe", "xs"), el("span", {}, _("Translating…")));
    bubble.append(place);
    try {
      const message = bubble.closest("[data-message]").dataset.message;
      const { text } = await request(`/api/v1/messages/${message}/translation`, { method: "POST", body: { to } });
      place.lastChild.textContent = text;
    } catch (error) {
      if (error.status !== 422) { place.remove(); failed(error); return; }
      place.lastChild.textContent = error.message;  // this one could not be kept true; the others may
    }
  }
}

panes.addEventListener("click", (event) => {
  if (event.target.closest("[data-brief-close]")) hideSummary();
  const inMenu = event.target.closest("#assist-menu button");
  if (!inMenu) return;
  inMenu.closest("[popover]").hidePopover();
  if (inMenu.matches("[data-brief-open]")) showSummary();
  if (inMenu.dataset.translateThread) translateThread(inMenu.dataset.translateThread).catch(failed);
  if (inMenu.dataset.rewrite) rewriteDraft(inMenu.dataset.rewrite, inMenu.dataset.to).catch(failed);
});
panes.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.closest("[data-brief]")) hideSummary();
});
document.addEventListener("live:conversation.summarised", ({ detail }) => {
  if (detail.conversation_id === openId() && card()?.hidden === false && written !== openId()) paintSummary(openId());
});
for (const name of ["message.received", "message.queued"]) {
  document.addEventListener(`live:${name}`, ({ detail }) => {
    const state = detail.conversation_id === openId() && card()?.hidden === false ? card().querySelector("[data-brief-state]") : null;
    if (state) state.replaceChildren(again());
  });
}

/** A summary that a newer message has overtaken says so. */
function again() {
  const button = el("button", { type: "button", class: "btn quiet sm" }, icon("refresh"), _("Something new was said. Sum up again"));
  button.addEventListener("click", () => showSummary());
  return button;
}
