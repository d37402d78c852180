// A reply suggested from the documents: a card above the composer. Tab takes it over, Esc lets it go; nothing is sent by itself.
import { el } from "../dom.js";
import { currentMode, saveDraft, setMode } from "./composer.js";
import { api, box, openId, panes } from "./place.js";
import { _ } from "../i18n.js";
import { request } from "../request.js";
import { failed, toast } from "../toast.js";

const CITATION = /[ \t]*\[\d{1,2}\]/g;
const card = () => panes.querySelector("[data-ghost]");
const isShown = () => card()?.hidden === false;

export async function suggest() {
  const id = openId();
  const button = panes.querySelector("[data-suggest]");
  if (!button || button.getAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  try {
    const found = await request(api("suggest"), { method: "POST" });
    if (id !== openId()) return;
    if (found.text) show(found);
    else toast(_("The documents say nothing about this."), { kind: "info" });
  } catch (error) {
    failed(error);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function show({ text, confident, sources }) {
  if (currentMode() !== "reply") setMode("reply");
  card().querySelector("[data-ghost-text]").textContent = text.replaceAll(CITATION, "");
  const names = [...new Set(sources.map((source) => source.document_name).filter(Boolean))];
  card().querySelector("[data-ghost-sources]").textContent = names.join(", ");
  const sure = el("span", { class: `badge ${confident ? "ok" : "warn"}` }, confident ? _("Sure") : _("Not sure"));
  card().querySelector("[data-ghost-about]").replaceChildren(sure);
  card().hidden = false;
  box().focus();
}

function drop() {
  card().hidden = true;
  box().focus();
}

function use() {
  if (box().readOnly) return;
  const text = card().querySelector("[data-ghost-text]").textContent;
  box().value = box().value.trim() ? `${box().value.trimEnd()} ${text}` : text;
  saveDraft();
  drop();
}

/** True when the key was for the card. */
export function steerGhost(event) {
  if (!isShown() || event.shiftKey || !["Tab", "Escape"].includes(event.key)) return false;
  if (event.key === "Tab") use();
  else drop();
  event.preventDefault();
  return true;
}

panes.addEventListener("click", (event) => {
  if (event.target.closest("[data-suggest]")) suggest();
  if (event.target.closest("[data-ghost-use]")) use();
  if (event.target.closest("[data-ghost-drop]")) drop();
});
