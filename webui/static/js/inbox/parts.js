// Pieces the inbox draws itself, and the server's fragments as nodes.
import { el, fragment, icon } from "../dom.js";
import { _ } from "../i18n.js";
import { request } from "../request.js";
import { failed } from "../toast.js";

export const html = async (url) => request(url, { headers: { Accept: "text/html" } });
export { fragment };

export const pendingMeta = () => el("p", { class: "meta" }, icon("clock"), el("span", { class: "sr" }, _("Being sent")));

export function pendingBubble({ text, mode, file, key, quoted }) {
  return el("article", { class: `msg ${mode === "note" ? "note" : "out"} turn is-pending`, "data-key": key }, el("div", { class: "bubble" }, quoted ? el("p", { class: "quoted clip" }, quoted) : null, file && el("span", { class: "file-chip" }, icon("file"), el("span", { class: "medium clip" }, file.name)), text && el("p", {}, text)), pendingMeta());
}

function button(name, words, run) {
  const made = el("button", { type: "button", class: "btn sm quiet" }, icon(name), words);
  made.addEventListener("click", run);
  return made;
}

const keptMeta = (tone, sign, why, tryAgain, drop) => el("p", { class: `meta ${tone}` }, icon(sign), el("span", {}, why), tryAgain ? button("refresh", _("Try again"), tryAgain) : null, button("x", _("Discard"), drop));
export const failedMeta = (why, tryAgain, drop) => keptMeta("bad", "alert", why, tryAgain, drop);
export const waitingMeta = (tryAgain, drop) => keptMeta("warn", "clock", _("Waits for a connection, then goes by itself."), tryAgain, drop);

/** The server's dialog at `url`, open; nothing when it could not be had. */
export async function showDialog(url) {
  try {
    const dialog = fragment(await html(url)).querySelector("dialog");
    document.body.append(dialog);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => { if (event.target.closest("[data-close]")) dialog.close(); });
    dialog.showModal();
    return dialog;
  } catch (error) {
    failed(error);
  }
}
