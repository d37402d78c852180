// That the contact writes at this moment. It ends with their message, with the next word that they stopped, and by itself.
import { openId, panes, thread } from "./place.js";
import { _ } from "../i18n.js";

const ENDS_AFTER = 25_000;
let timer = 0;

export function show(writes) {
  const place = panes.querySelector("[data-writing]");
  clearTimeout(timer);
  place.hidden = !writes;
  place.textContent = writes ? _("%(name)s is writing…", { name: thread().dataset.name }) : "";
  if (writes) timer = setTimeout(() => { if (panes.contains(place)) show(false); }, ENDS_AFTER);
}

document.addEventListener("live:message.received", ({ detail }) => { if (detail.conversation_id === openId()) show(false); });
