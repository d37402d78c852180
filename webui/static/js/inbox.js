// The inbox: moves between conversations without a reload, sends at once and shows how it went, keeps drafts,
// never yanks the scroll. The server's fragments are the truth; this only asks for them at the right moment.
import { el, icon, isTyping } from "./dom.js";
import { attach, attached, detach, showAttached, upload } from "./inbox-files.js";
import { label, unlabel } from "./inbox-labels.js";
import { failedMeta, fragment, html, pendingBubble, showTrace } from "./inbox-parts.js";
import { _, ngettext } from "./i18n.js";
import { request } from "./request.js";
import { shortcut } from "./shortcuts.js";
import { failed, toast } from "./toast.js";
import { forgetUnsent, keepUnsent, unsent } from "./unsent.js";

const root = document.querySelector("[data-inbox]");
const list = root.querySelector("[data-list]");
const panes = root.querySelector("[data-panes]");
const WINDOW = 200;  // messages kept in the page; older ones are fetched again on demand
const NEAR_END = 80;

const thread = () => panes.querySelector("[data-thread]");
const log = () => panes.querySelector("[data-log]");
const openId = () => thread()?.dataset.thread ?? "";
const composer = () => panes.querySelector("[data-composer]");
const box = () => composer()?.querySelector("textarea");
const api = (rest) => `/api/v1/conversations/${openId()}/${rest}`;

// -- drafts ----------------------------------------------------------------------------------------------
const draftKey = (mode = currentMode()) => `draft:${openId()}:${mode}`;
const currentMode = () => composer()?.querySelector('[aria-selected="true"]')?.dataset.mode ?? "reply";

function saveDraft() {
  if (box().value) localStorage.setItem(draftKey(), box().value);
  else localStorage.removeItem(draftKey());
}

function restoreDraft() {
  if (!box()) return;
  box().value = localStorage.getItem(draftKey()) ?? "";
  composer().querySelector("[data-draft-note]").textContent = box().value ? _("Draft kept") : "";
}

function setMode(mode) {
  if (!composer()) return;
  for (const tab of composer().querySelectorAll("[role=tab]")) tab.setAttribute("aria-selected", String(tab.dataset.mode === mode));
  composer().classList.toggle("is-note", mode === "note");
  const field = box();
  field.dataset.replyPlaceholder ??= field.placeholder;
  field.placeholder = mode === "note" ? field.dataset.notePlaceholder : field.dataset.replyPlaceholder;
  restoreDraft();
  showAttached(composer(), openId());
}

// -- scrolling ---------------------------------------------------------------------------------------------
const atEnd = () => !log() || log().scrollHeight - log().scrollTop - log().clientHeight < NEAR_END;
const toEnd = () => { if (log()) log().scrollTop = log().scrollHeight; };
const newButton = () => panes.querySelector("[data-newest]");
let below = 0;

function announce(count) {
  below += count;
  const button = newButton();
  if (!button) return;
  button.hidden = below === 0;
  button.querySelector("span").textContent = ngettext("%(num)d new", "%(num)d new", below);
}

function settle() {
  if (!log()) return;
  showUnsent();
  below = 0;
  const mark = log().querySelector("[data-new]");
  if (mark) mark.scrollIntoView({ block: "center" });
  else toEnd();
  log().addEventListener("scroll", () => {
    if (atEnd() && below) { below = 0; announce(0); }
  }, { passive: true });
  if (log().dataset.unread) markRead();
}

function markRead() {
  if (!document.hidden && openId()) request(api("read"), { method: "POST" }).catch(() => {});
}

// -- messages ----------------------------------------------------------------------------------------------
const numbers = () => [...log().querySelectorAll("[data-number]")].map((node) => Number(node.dataset.number));
const lastNumber = () => Math.max(0, ...numbers());
let fetching = null;

async function fetchNew() {
  const id = openId();
  if (!id) return;
  if (fetching) { fetching.again = true; return; }
  fetching = { again: false };
  try {
    const found = fragment(await html(`/inbox/${id}/messages?after=${lastNumber()}`));
    if (id !== openId()) return;
    append(found);
  } catch (error) {
    if (error.status !== 0) failed(error);
  } finally {
    const { again } = fetching;
    fetching = null;
    if (again) fetchNew();
  }
}

function append(found) {
  const stick = atEnd();
  let arrived = 0;
  for (const node of found.querySelectorAll("[data-message]")) {
    if (log().querySelector(`[data-message="${node.dataset.message}"]`)) continue;
    const pending = log().querySelector(`[data-sent="${node.dataset.message}"]`);
    if (pending) pending.replaceWith(node);
    else {
      const waiting = log().querySelector(".is-pending");
      if (waiting) waiting.before(node);
      else log().append(node);
      if (!node.classList.contains("out")) arrived += 1;
    }
  }
  trim();
  if (stick) { toEnd(); if (arrived) markRead(); }
  else announce(arrived);
}

function trim() {
  const all = log().querySelectorAll("[data-message]");
  for (const node of [...all].slice(0, Math.max(0, all.length - WINDOW))) node.remove();
}

async function refreshMessage(id) {
  const old = log()?.querySelector(`[data-message="${id}"]`);
  if (!old) return;
  const stick = atEnd();
  const fresh = fragment(await html(`/inbox/messages/${id}`)).querySelector("[data-message]");
  if (fresh) old.replaceWith(fresh);
  if (stick) toEnd();
}

async function showOlder(button) {
  const first = Math.min(...numbers());
  button.disabled = true;
  const found = fragment(await html(`/inbox/${openId()}/messages?before=${first}`));
  const height = log().scrollHeight;
  const least = Math.min(...[...found.querySelectorAll("[data-number]")].map((node) => Number(node.dataset.number)));
  button.closest("p").after(found);
  if (least <= 1) button.closest("p").remove();
  else button.disabled = false;
  log().scrollTop += log().scrollHeight - height;
}

// -- sending: clock at once, then what the server says; a failure keeps the text --------------------------------
async function send() {
  const text = box().value.trim();
  const mode = currentMode();
  const file = mode === "reply" ? attached(openId()) : null;
  if (!text && !file) return;
  const bubble = pendingBubble(text, mode, file);
  log().append(bubble);
  toEnd();
  box().value = "";
  saveDraft();
  restoreDraft();
  if (file) detach(composer(), openId());
  const key = crypto.randomUUID?.() ?? String(Math.random()).slice(2) + Date.now();
  await deliver(bubble, { conversation: openId(), text, mode, file, key });
}

async function deliver(bubble, job) {
  const { conversation, text, mode, key } = job;
  const url = `/api/v1/conversations/${conversation}/${mode === "note" ? "notes" : "reply"}`;
  try {
    if (job.file) job.media ??= await upload(conversation, job.file);
    const body = job.media ? { text, media: job.media } : { text };
    const made = await request(url, { method: "POST", body, headers: { "Idempotency-Key": key } });
    forgetUnsent(job);
    bubble.dataset.sent = made.id;
    if (conversation === openId()) await fetchNew();
    if (bubble.isConnected && log().querySelector(`[data-message="${made.id}"]`)) bubble.remove();
    if (conversation === openId()) refreshState();
  } catch (error) {
    keepUnsent(job);
    showFailed(bubble, job, error.message);
  }
}

function showFailed(bubble, job, why) {
  bubble.classList.replace("is-pending", "failed");
  bubble.querySelector(".meta").replaceWith(failedMeta(why, () => {
    bubble.classList.replace("failed", "is-pending");
    bubble.querySelector(".meta").replaceWith(el("p", { class: "meta" }, icon("clock")));
    deliver(bubble, job);
  }));
}

function showUnsent() {
  const conversation = openId();
  for (const kept of conversation ? unsent(conversation) : []) {
    const job = { ...kept, conversation };
    const bubble = pendingBubble(kept.text, kept.mode);
    log().append(bubble);
    showFailed(bubble, job, _("Not sent yet."));
  }
}

// -- state ---------------------------------------------------------------------------------------------------
let asked = 0;

async function refreshState() {
  const id = openId();
  if (!id) return;
  const mine = (asked += 1);
  const found = fragment(await html(`/inbox/${id}/state`));
  if (id !== openId() || mine !== asked) return;  // a newer answer is on its way
  for (const part of found.querySelectorAll("template")) {
    const place = panes.querySelector(`[data-part="${part.dataset.for}"]`);
    const had = place?.contains(document.activeElement);
    if (!place || (had && isTyping(document.activeElement))) continue;
    place.replaceChildren(part.content);
    if (had) place.querySelector("button:not([hidden]), a")?.focus();
  }
  document.dispatchEvent(new CustomEvent("htmx:after:swap"));
}

const ACTIONS = {
  "take-over": { path: "handoff", body: { to: "me" }, said: () => _("You have the word. The AI is paused here.") },
  "hand-back": { path: "handoff", body: { to: "bot" }, said: () => _("The AI answers again from the next message on.") },
  resolve: { path: "resolve", said: () => _("Resolved."), undo: "reopen" },
  reopen: { path: "reopen", said: () => _("Open again.") },
};

async function act(name, force = false) {
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

// -- list ------------------------------------------------------------------------------------------------------
let listTimer = 0;

async function refreshList(address = location.search) {
  const text = await html(`${list.dataset.url}${address}`);
  const typing = list.contains(document.activeElement) && isTyping(document.activeElement) ? document.activeElement : null;
  const onto = list.contains(document.activeElement) && document.activeElement.closest("[data-conversation]")?.dataset.conversation;
  const kept = typing && { value: typing.value, start: typing.selectionStart };
  const scroll = list.querySelector(".convs")?.scrollTop ?? 0;
  list.replaceChildren(fragment(text));
  document.dispatchEvent(new CustomEvent("htmx:after:swap"));
  markCurrent();
  const convs = list.querySelector(".convs");
  if (convs) convs.scrollTop = scroll;
  if (onto) list.querySelector(`[data-conversation="${onto}"]`)?.focus({ preventScroll: true });
  if (kept) {
    const field = list.querySelector("[data-find] input[type=search]");
    field.value = kept.value;
    field.focus();
    field.setSelectionRange(kept.start, kept.start);
  }
}

function soonRefreshList() {
  clearTimeout(listTimer);
  listTimer = setTimeout(() => refreshList().catch(() => {}), 150);
}

function markCurrent() {
  for (const link of list.querySelectorAll("[data-conversation]")) {
    if (link.dataset.conversation === openId()) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

async function open(id, { push = true } = {}) {
  panes.setAttribute("aria-busy", "true");
  try {
    panes.replaceChildren(fragment(await html(`/inbox/${id}/panes`)));
    document.dispatchEvent(new CustomEvent("htmx:after:swap"));
    root.dataset.pane = "thread";
    if (push) history.pushState({}, "", `/inbox/${id}${location.search}`);
    document.title = `${thread().dataset.name} · ${document.title.split(" · ").at(-1)}`;
    markCurrent();
    restoreDraft();
    showAttached(composer(), openId());
    settle();
  } catch (error) {
    failed(error);
  } finally {
    panes.removeAttribute("aria-busy");
  }
}

function step(direction) {
  const links = [...list.querySelectorAll("[data-conversation]")];
  const at = links.findIndex((link) => link.dataset.conversation === openId());
  const next = links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + direction))];
  if (next && next.dataset.conversation !== openId()) {
    next.scrollIntoView({ block: "nearest" });
    open(next.dataset.conversation);
  }
}

// -- wiring ------------------------------------------------------------------------------------------------------
root.addEventListener("click", (event) => {
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
  const link = event.target.closest("[data-conversation]");
  if (link && plain) { event.preventDefault(); open(link.dataset.conversation); return; }
  const view = event.target.closest("[data-view]");
  if (view && plain) {
    event.preventDefault();
    history.pushState({}, "", location.pathname + new URL(view.href).search);
    refreshList().catch(failed);
    return;
  }
  const pane = event.target.closest("[data-show-pane]");
  if (pane) { root.dataset.pane = pane.dataset.showPane; return; }
  const button = event.target.closest("[data-act]");
  if (button) {
    const holder = button.dataset.force;
    act(button.dataset.act, Boolean(holder));
    return;
  }
  const tab = event.target.closest("[data-mode]");
  if (tab) { saveDraft(); setMode(tab.dataset.mode); box().focus(); return; }
  const older = event.target.closest("[data-older]");
  if (older) { showOlder(older).catch(failed); return; }
  if (event.target.closest("[data-newest]")) { below = 0; announce(0); toEnd(); markRead(); return; }
  const retry = event.target.closest("[data-retry-message]");
  if (retry) {
    const id = retry.closest("[data-message]").dataset.message;
    request(`/api/v1/messages/${id}/retry`, { method: "POST" }).then(() => refreshMessage(id), failed);
    return;
  }
  const mine = event.target.closest("[data-assign-me]");
  if (mine) { assign(mine.dataset.assignMe); return; }
  const off = event.target.closest("[data-unlabel]");
  if (off) { unlabel(panes, api("labels"), off).then(refreshState, failed); return; }
  if (event.target.closest("[data-detach]")) { detach(composer(), openId()); box().focus(); return; }
  const why = event.target.closest("[data-trace]");
  if (why) showTrace(why.dataset.trace);
});

root.addEventListener("submit", (event) => {
  if (event.target.matches("[data-composer]")) { event.preventDefault(); send(); }
  if (event.target.matches("[data-find]")) {
    event.preventDefault();
    find(event.target);
  }
  if (event.target.matches("[data-label-form]")) {
    event.preventDefault();
    label(panes, api("labels"), event.target).then(refreshState, failed);
  }
});

function find(form) {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  history.replaceState({}, "", `${location.pathname}?${query}`);
  refreshList().catch(failed);
}

let findTimer = 0;
root.addEventListener("input", (event) => {
  if (event.target === box()) saveDraft();
  const form = event.target.closest("[data-find]");
  if (form) { clearTimeout(findTimer); findTimer = setTimeout(() => find(form), 250); }
});

root.addEventListener("change", (event) => {
  if (event.target.matches("[data-attach]")) { attach(composer(), openId(), event.target); box().focus(); }
  if (event.target.matches("[data-assign]")) { event.target.blur(); assign(event.target.value); }
});

function assign(userId) {
  request(api("assign"), { method: "POST", body: { user_id: userId || null } })
    .then(() => { toast(_("Responsible changed.")); refreshState(); soonRefreshList(); }, failed);
}

root.addEventListener("keydown", (event) => {
  if (event.target !== box()) return;
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
  if (event.key === "Escape") box().blur();
});

shortcut("j", _("Next conversation"), () => step(1));
shortcut("k", _("Previous conversation"), () => step(-1));
shortcut("r", _("Reply"), () => { setMode("reply"); box()?.focus(); });
shortcut("n", _("Internal note"), () => { setMode("note"); box()?.focus(); });
shortcut("e", _("Resolve"), () => act("resolve"));

window.addEventListener("popstate", () => {
  const id = location.pathname.split("/")[2];
  if (id) open(id, { push: false });
  else location.reload();
});

const OF_LIST = ["conversation.opened", "conversation.changed", "handoff.requested", "handoff.overdue", "message.received", "message.queued", "internal_note.added"];
const OF_STATE = ["conversation.changed", "handoff.requested", "handoff.overdue"];
for (const name of OF_LIST) document.addEventListener(`live:${name}`, soonRefreshList);
for (const name of OF_STATE) {
  document.addEventListener(`live:${name}`, ({ detail }) => { if (detail.conversation_id === openId()) refreshState().catch(() => {}); });
}
for (const name of ["message.received", "message.queued", "internal_note.added"]) {
  document.addEventListener(`live:${name}`, ({ detail }) => { if (detail.conversation_id === openId()) fetchNew(); });
}
for (const name of ["message_status.changed", "message.failed", "message_media.stored"]) {
  document.addEventListener(`live:${name}`, ({ detail }) => {
    if (detail.conversation_id === openId()) refreshMessage(detail.message_id).catch(() => {});
  });
}
document.addEventListener("live:resync", () => { soonRefreshList(); fetchNew(); if (openId()) refreshState().catch(() => {}); });
document.addEventListener("visibilitychange", () => { if (!document.hidden && below === 0) markRead(); });

restoreDraft();
settle();
