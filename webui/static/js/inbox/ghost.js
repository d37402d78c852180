// A text somebody else wrote, above the composer: a reply from the documents as it grows, or the draft as a model changed it.
// Tab takes it over, Esc lets it go (and stops what is still writing); nothing is sent by itself. Loaded when it is asked for first.
import { el } from "../dom.js";
import { currentMode, saveDraft, setMode } from "./composer.js";
import { api, box, openId, panes } from "./place.js";
import { _ } from "../i18n.js";
import { csrf, problemOf } from "../request.js";
import { eventsOf } from "../sse.js";
import { failed } from "../toast.js";

const CITATION = /[ \t]*\[\d{1,2}\]/g;
const card = () => panes.querySelector("[data-ghost]");
const part = (name) => card().querySelector(`[data-ghost-${name}]`);
const isShown = () => card()?.hidden === false;
const offersReplies = () => panes.querySelector("[data-ready]")?.hidden === false;
let stop = null;  // of what is being written
let take = () => {};

/** Opens the card, empty; what comes in later belongs to the conversation only while `signal` lives. */
function open(title, taken) {
  stop?.abort();
  stop = new AbortController();
  take = taken;
  part("title").textContent = title;
  part("text").textContent = _("Reading…");
  part("about").replaceChildren();
  part("sources").textContent = "";
  part("use").hidden = true;
  card().classList.add("is-growing");
  card().hidden = false;
  box().focus();
  return stop;
}

function whole(text) {
  part("text").textContent = text;
  part("use").hidden = !text;
  card().classList.remove("is-growing");
  stop = null;
}

export async function suggest() {
  const id = openId();
  if (!card() || (stop && isShown())) return;
  if (currentMode() !== "reply") setMode("reply");
  const mine = open(_("Suggestion from the documents"), append);
  try {
    const init = { method: "POST", signal: mine.signal, credentials: "same-origin", body: '{"stream":true}',
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf(), Accept: "text/event-stream, application/json" } };
    const response = await fetch(api("suggest"), init);
    if (!response.ok) throw await problemOf(response);
    for await (const data of eventsOf(response, () => {})) {
      if (mine.signal.aborted || id !== openId()) return;
      grow(JSON.parse(data));
    }
    if (stop === mine) throw new Error(_("The suggestion broke off. Try again."));
  } catch (error) {
    if (stop !== mine) return;  // let go
    if (error.status === 422) { whole(""); part("text").textContent = error.message; return; }
    drop();
    failed(error);
  }
}

function grow({ detail, text, confident, sources, done }) {
  if (detail) throw new Error(detail);
  const said = text.replaceAll(CITATION, "");
  if (!done) { part("text").textContent = said || _("Reading…"); return; }
  if (!said) { whole(""); part("text").textContent = _("The documents say nothing about this."); return; }
  part("sources").textContent = [...new Set(sources.map((source) => source.document_name).filter(Boolean))].join(", ");
  part("about").replaceChildren(el("span", { class: `badge ${confident ? "ok" : "warn"}` }, confident ? _("Sure") : _("Not sure")));
  whole(said);
}

/** A draft that `ask(signal)` answers with {text}; `taken(text)` when it is taken over. */
export async function showText(title, ask, taken) {
  const mine = open(title, taken);
  try {
    const { text } = await ask(mine.signal);
    if (stop === mine) whole(text);
  } catch (error) {
    if (stop === mine) { drop(); failed(error); }
  }
}

function drop() {
  stop?.abort();
  stop = null;
  card().hidden = true;
  box().focus();
}

function append(text) {
  box().value = box().value.trim() ? `${box().value.trimEnd()} ${text}` : text;
  saveDraft();
}

function use() {
  if (box().readOnly || part("use").hidden) return;
  take(part("text").textContent);
  drop();
}

panes.addEventListener("keydown", (event) => {
  if (event.target !== box() || event.isComposing || !isShown() || offersReplies()) return;
  if (event.key === "Tab" && !event.shiftKey && !part("use").hidden) use();
  else if (event.key === "Escape") drop();
  else { if (part("use").hidden && !stop) card().hidden = true; return; }  // "nothing found" goes when one writes on
  event.preventDefault();
  event.stopPropagation();
}, { capture: true });
panes.addEventListener("click", (event) => {
  if (event.target.closest("[data-ghost-use]")) use();
  if (event.target.closest("[data-ghost-drop]")) drop();
});
