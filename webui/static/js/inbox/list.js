// The list of conversations: drawn again without losing the scroll, the focus or what is being typed.
import { isInHand, isTyping } from "../dom.js";
import { fragment, html } from "./parts.js";
import { list, openId } from "./place.js";

let listTimer = 0;
let asked = 0;
let drawn = location.search;  // whose list this is

// Also not what was taken in hand while the list was on its way.
function waits() {
  const held = isInHand(list);
  if (held) soonRefreshList();
  return held;
}

export async function refreshList(address = location.search) {
  if (waits()) return;
  const mine = ++asked;
  const redraws = address === drawn;
  const text = await html(`${list.dataset.url}${address}${redraws ? `${address ? "&" : "?"}choices=0` : ""}`);
  if (mine !== asked || waits()) return;  // overtaken
  const typing = list.contains(document.activeElement) && isTyping(document.activeElement) ? document.activeElement : null;
  const at = list.contains(document.activeElement) && document.activeElement.closest("[data-conversation], [data-saved]")?.dataset;
  const kept = typing && { value: typing.value, start: typing.selectionStart };
  const scroll = list.querySelector(".convs")?.scrollTop ?? 0;
  const fresh = fragment(text);
  if (redraws) fresh.querySelector("[data-choices]")?.replaceWith(list.querySelector("[data-choices]"));
  list.replaceChildren(fresh);
  drawn = address;
  document.dispatchEvent(new CustomEvent("htmx:after:swap"));
  markCurrent();
  const convs = list.querySelector(".convs");
  if (convs) convs.scrollTop = scroll;
  if (at) list.querySelector(at.saved ? `[data-saved="${at.saved}"]` : `[data-conversation="${at.conversation}"]`)?.focus({ preventScroll: true });
  if (kept) {
    const field = list.querySelector("[data-find] input[type=search]");
    field.value = kept.value;
    field.focus();
    field.setSelectionRange(kept.start, kept.start);
  }
}

export function soonRefreshList() {
  clearTimeout(listTimer);
  listTimer = setTimeout(() => refreshList().catch(() => {}), 150);
}

export function markCurrent() {
  for (const link of list.querySelectorAll("[data-conversation]")) {
    if (link.dataset.conversation === openId()) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}
