// Answering one message: it is quoted above the text, or gets a reaction; and the way from a quote to what it quotes.
import { el, icon } from "../dom.js";
import { currentMode, quoteKey, quoting, saveDraft, setMode } from "./composer.js";
import { box, composer, log, openId, panes } from "./place.js";
import { refreshMessage } from "./thread.js";
import { _ } from "../i18n.js";
import { request } from "../request.js";
import { failed } from "../toast.js";

let aimed = null;  // the message whose menu is open

const menu = () => panes.querySelector("#message-menu");
const ours = (message) => message.querySelector("[data-ours]")?.dataset.ours ?? "";
const answers = () => Boolean(menu()?.querySelector("[data-quote]"));

/** What was clicked of a quote, of a message's menu or above the composer. */
export function use(tool) {
  if (tool.dataset.jump) jump(tool.dataset.jump);
  else if ("answer" in tool.dataset) aim(tool.closest("[data-message]"));
  else if ("unquote" in tool.dataset) drop();
  else {
    menu().hidePopover();
    if (tool.dataset.react) react(tool.dataset.react).catch(failed);
    else quote(aimed);
  }
}

function jump(number) {
  const found = log().querySelector(`[data-number="${number}"]`);
  if (!found) { location.assign(`/inbox/${openId()}?at=${number}`); return; }
  for (const other of log().querySelectorAll(".is-found")) other.classList.remove("is-found");
  found.classList.add("is-found");
  found.scrollIntoView({ block: "center" });
}

function aim(message) {
  aimed = message;
  for (const button of menu().querySelectorAll("[data-react]")) button.setAttribute("aria-pressed", String(button.dataset.react === ours(message)));
}

/** The same once more takes it back. */
async function react(emoji) {
  const { message } = aimed.dataset;
  const body = { emoji: emoji === ours(aimed) ? "" : emoji };
  const key = crypto.randomUUID?.() ?? String(Math.random()).slice(2) + Date.now();
  await request(`/api/v1/messages/${message}/reaction`, { method: "POST", body, headers: { "Idempotency-Key": key } });
  await refreshMessage(message);
}

/** The message in which one stands, else the customer's last. */
export function quoteByKey() {
  const here = document.activeElement?.closest("[data-message]")?.querySelector("[data-answer]");
  const found = here ?? [...log()?.querySelectorAll(".msg.in [data-answer]") ?? []].at(-1);
  if (found && answers()) quote(found.closest("[data-message]"));
}

function quote(message) {
  const { who, line } = message.querySelector("[data-answer]").dataset;
  if (currentMode() !== "reply") { saveDraft(); setMode("reply"); }
  const quoted = { id: message.dataset.message, who, line };
  localStorage.setItem(quoteKey(), JSON.stringify(quoted));
  show(quoted);
  box().focus();
}

function show({ id, who, line }) {
  const cross = el("button", { type: "button", class: "btn quiet icon-only sm", "data-unquote": true, "aria-label": _("Do not quote it"), title: _("Do not quote it") }, icon("x"));
  quoting().replaceChildren(
    el("input", { type: "hidden", name: "quote", value: id }),
    el("p", { class: "quoted grow" }, el("b", { class: "clip" }, who), el("span", { class: "clip", "data-line": true }, line)), cross,
  );
}

/** What one had begun to answer, when one comes back to the conversation. */
export function restore() {
  const kept = localStorage.getItem(quoteKey());
  if (kept && quoting() && answers()) show(JSON.parse(kept));
}

function drop() {
  localStorage.removeItem(quoteKey());
  quoting().replaceChildren();
  box().focus();
}

// before the composer's own Esc, which leaves the field
panes.addEventListener("keydown", (event) => {
  const isFree = composer()?.contains(event.target) && quoting().firstChild && !quoting().hidden && composer().querySelector("[data-ready]").hidden;
  if (event.key !== "Escape" || !isFree) return;
  event.stopPropagation();
  drop();
}, true);
