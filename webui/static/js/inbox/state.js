// Who holds the open conversation, and the buttons that change it.
import { isInHand, isTyping } from "../dom.js";
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
    if (isInHand(place)) { setTimeout(() => refreshState().catch(() => {}), 300); continue; }
    place.replaceChildren(part.content);
    if (had) place.querySelector("button:not([hidden]), a")?.focus();
  }
  showWindow();
  watchWindow();
  document.dispatchEvent(new CustomEvent("htmx:after:swap"));
}

let closing = 0;

/** The composer knows at once when WhatsApp's window closes. */
export function watchWindow() {
  clearTimeout(closing);
  const at = panes.querySelector("[data-closes]")?.dataset.closes;
  if (at) closing = setTimeout(() => refreshState().catch(() => {}), Math.max(new Date(at) - Date.now(), 0) + 1000);
}

const ACTIONS = {
  "take-over": { path: "handoff", body: { to: "me" }, said: _("You have the word. The AI is paused here.") },
  "hand-back": { path: "handoff", body: { to: "bot" }, said: _("The AI answers again from the next message on.") },
  resolve: { said: _("Resolved."), undo: "reopen" },
  reopen: { said: _("Open again.") },
  "bring-back": { path: "reopen", said: _("Open again.") },
  block: { said: _("Blocked."), undo: "unblock" },
  unblock: { said: _("Unblocked.") },
  pending: { said: _("It is open again when the customer writes."), undo: "reopen" },
};

const told = {};  // by conversation

export async function act(name, force = false) {
  const action = ACTIONS[name];
  const conversation = openId();
  if (!action || !conversation) return;
  try {
    const body = action.body && (force ? { ...action.body, force } : action.body);
    const post = (path, body) => request(`/api/v1/conversations/${conversation}/${path}`, { method: "POST", body });
    await post(action.path ?? name, body);
    const undo = action.undo && (() => post(action.undo).then(refreshState, failed));
    told[conversation]?.();
    told[conversation] = toast(action.said, undo ? { action: { label: _("Undo"), run: undo } } : {});
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

// A field of the pane that is its own address: priority.
panes.addEventListener("change", ({ target }) => {
  const name = target.dataset.put;
  if (!name) return;
  target.blur();
  request(api(name), { method: "PUT", body: { [name]: target.value } }).then(() => { refreshState(); soonRefreshList(); }, failed);
});
