// Pieces the inbox draws itself, and the server's fragments as nodes.
import { el, icon } from "../dom.js";
import { _ } from "../i18n.js";
import { request } from "../request.js";
import { failed } from "../toast.js";

export const html = async (url) => request(url, { headers: { Accept: "text/html" } });
export const fragment = (text) => document.createRange().createContextualFragment(text);

export const pendingMeta = () => el("p", { class: "meta" }, icon("clock"), el("span", { class: "sr" }, _("Being sent")));

export function pendingBubble(text, mode, file) {
  return el("article", { class: `msg ${mode === "note" ? "note" : "out"} turn is-pending` }, el("div", { class: "bubble" }, file && el("span", { class: "file-chip" }, icon("file"), el("span", { class: "medium clip" }, file.name)), text && el("p", {}, text)), pendingMeta());
}

export function failedMeta(why, tryAgain) {
  const again = el("button", { type: "button", class: "btn sm quiet" }, icon("refresh"), _("Try again"));
  again.addEventListener("click", tryAgain);
  return el("p", { class: "meta bad" }, icon("alert"), el("span", {}, why), again);
}

export async function showTrace(url) {
  try {
    const dialog = fragment(await html(url)).querySelector("dialog");
    document.body.append(dialog);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => { if (event.target.closest("[data-close]")) dialog.close(); });
    dialog.showModal();
  } catch (error) {
    failed(error);
  }
}
