// Who holds the open conversation, and the buttons that change it.
import { isTyping } from "../dom.js";
import { showWindow } from "./composer.js";
import { refreshList, soonRefreshList } from "./list.js";
import { fragment, html } from "./parts.js";
import { api, openId, panes } from "./place.js";
import { _ } from "../i18n.js";
import { request } from "../request.js";
import { failed, toast } from "../toast.js";

let asked = 0;

export async function refreshState() {
  const id = openId();
  if (!id) return;
  const mine = (asked += 1);
  const found = fragment(await html(`/inbox/${id}/state`));
  if (id !== openId() || mine !== asked) return;  // a newer answer is on its way
  for (const part of found.querySelectorAll("template")) {
    const place = panes.querySelector(`[data-part="${part.dataset.for}"]`);
    const had = place?.contains(document.activeElement);
    if (!place || (had && isTyping(document.activeElement))) continue;
    if (place.querySelector(":popover-open")) { setTimeout(() => refreshState().catch(() => {}), 300); continue; }  // a menu in somebody's hand
    place.replaceChildren(part.content);
    if (had) place.querySelector("button:not([hidden]), a")?.focus();
  }
  showWindow();
  document.dispatchEvent(new CustomEvent("htmx:after:swap"));
}

const ACTIONS = {
  "take-over": { path: "handoff", body: { to: "me" }, said: () => _("You have the word. The AI is paused here.") },
  "hand-back": { path: "handoff", body: { to: "bot" }, said: () => _("The AI answers again from the next message on.") },
  resolve: { path: "resolve", said: () => _("Resolved."), undo: "reopen" },
  reopen: { path: "reopen", said: () => _("Open again.") },
  "bring-back": { path: "reopen", said: () => _("Open again.") },
  pending: { path: "pending", said: () => _("It is open again when the customer writes."), undo: "reopen" },
};

export async function act(name, force = false) {
  const action = ACTIONS[name];
  const conversation = openId();
  if (!action || !conversation) return;
  try {
    const body = action.body ? { ...action.body, ...(force ? { force: true } : {}) } : undefined;
    await request(`/api/v1/conversations/${conversation}/${action.path}`, { method: "POST", body });
    const undo = action.undo && (() => request(`/api/v1/conversations/${conversation}/${action.undo}`, { method: "POST" }).then(refreshState, failed));
    toast(action.said(), undo ? { action: { label: _("Undo"), run: undo } } : {});
    await Promise.all([refreshState(), refreshList()]);
  } catch (error) {
    failed(error);
  }
}

/** To a person's id, to `team:<id>`, or to nobody. */
export function assign(whom) {
  const [, team] = whom.split("team:");
  const asked = team ? request(api("team"), { method: "POST", body: { team_id: team } }) : request(api("assign"), { method: "POST", body: { user_id: whom || null } });
  asked
    .then(() => { toast(_("Responsible changed.")); refreshState(); soonRefreshList(); }, failed);
}
