// The inbox: moves between conversations without a reload. The server's fragments are the truth; this only asks for them
// at the right moment, and leads clicks, keys and live news to the parts that know what to do.
import { adoptDrafts, currentMode, quoteKey, saveDraft, setMode, showQuick, usualMode } from "./composer.js";
import { attach, detach, showAttached } from "./files.js";
import { markCurrent, refreshList, soonRefreshList } from "./list.js";
import { fragment, html, showDialog } from "./parts.js";
import { api, box, composer, list, openId, panes, root, thread } from "./place.js";
import { hideReplies, offerReplies, openMenu, steerReplies } from "./ready.js";
import { send, showUnsent } from "./sending.js";
import { act, assign, refreshState, watchWindow } from "./state.js";
import { fetchNew, isAtNewest, markRead, refreshMessage, settle, showNewest, showOlder } from "./thread.js";
import { ask } from "../dialogs.js";
import { lazy } from "../dom.js";
import { _ } from "../i18n.js";
import { request } from "../request.js";
import { hint, shortcut } from "../shortcuts.js";
import { failed } from "../toast.js";

// loaded when somebody asks for them first
const ghost = lazy(() => import("./ghost.js"), failed);
const suggest = () => ghost((it) => it.suggest());
const assist = lazy(() => import("./assist.js"), failed);
const labelling = lazy(() => import("./labels.js"), failed);
const labels = (run) => labelling((it) => run(it).then(refreshState));
const answering = lazy(() => import("./answering.js"), failed);
const presence = lazy(() => import("./presence.js"), () => {});
const views = lazy(() => import("./views.js"), failed);
const writing = lazy(() => import("./writing.js"), () => {});
const brief = () => assist((it) => it.showSummary({ unasked: true }));

let opening = null;  // on its way; what happens to it meanwhile is made up for once it is here

async function open(id, { push = true, at = "" } = {}) {
  const mine = opening = { id, missed: [] };
  panes.setAttribute("aria-busy", "true");
  try {
    const found = fragment(await html(`/inbox/${id}/panes${at ? `?at=${at}` : ""}`));
    if (opening !== mine) return;
    panes.replaceChildren(found);
    root.dataset.pane = "thread";
    if (push) history.pushState({}, "", `/inbox/${id}${searchAt(at)}`);
    document.title = `${thread().dataset.name} · ${document.title.split(" · ").at(-1)}`;
    document.dispatchEvent(new CustomEvent("htmx:after:swap"));
    markCurrent();
    arrive();
  } catch (error) {
    if (opening === mine) failed(error);
  } finally {
    if (opening === mine) {
      opening = null;
      panes.removeAttribute("aria-busy");
      if (openId() === id) for (const run of mine.missed) run();
    }
  }
}

/** News of the open conversation, and of the one that is being opened. */
function ofThread(names, run) {
  for (const name of names) {
    document.addEventListener(`live:${name}`, ({ detail }) => {
      if (detail.conversation_id === opening?.id) opening.missed.push(() => run(detail));
      else if (detail.conversation_id === openId()) run(detail);
    });
  }
}

function searchAt(at) {
  const query = new URLSearchParams(location.search);
  query.delete("at");
  if (at) query.set("at", at);
  return query.size ? `?${query}` : "";
}

function arrive() {
  adoptDrafts();
  setMode(usualMode());
  watchWindow();
  showUnsent().catch(failed);
  if (localStorage.getItem(quoteKey())) answering((it) => it.restore());
  settle();
  presence((it) => it.arriveHere());
  if (thread()?.hasAttribute("data-handed-off")) brief();
}

function step(direction) {
  const links = [...list.querySelectorAll("[data-conversation]")];
  const at = links.findIndex((link) => link.dataset.conversation === openId());
  const others = at < 0 ? links : direction > 0 ? links.slice(at + 1) : links.slice(0, at).reverse();
  const next = others.find((link) => link.dataset.conversation !== openId());
  if (next) {
    next.scrollIntoView({ block: "nearest" });
    open(next.dataset.conversation, { at: next.dataset.at });
  }
}

root.addEventListener("click", (event) => {
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
  const link = event.target.closest("[data-conversation]");
  if (link && plain) { event.preventDefault(); open(link.dataset.conversation, { at: link.dataset.at }); return; }
  const view = event.target.closest("[data-view]");
  if (view && plain) {
    event.preventDefault();
    view.closest("[popover]")?.hidePopover();
    history.pushState({}, "", location.pathname + new URL(view.href).search);
    refreshList().catch(failed);
    return;
  }
  const button = event.target.closest("[data-act]");
  if (button) {
    const { force: holder, ask: question, yes } = button.dataset;
    const going = question ? ask(question, { yes, danger: true }) : Promise.resolve(true);
    going.then((agreed) => agreed && act(button.dataset.act, Boolean(holder)));
    if (button.dataset.act === "take-over") brief();
    return;
  }
  const tab = event.target.closest("[data-mode]");
  if (tab) { saveDraft(); setMode(tab.dataset.mode); box().focus(); return; }
  const quick = event.target.closest("[data-show-quick]");
  if (quick) { showQuick(quick); return; }
  const older = event.target.closest("[data-older]");
  if (older) { showOlder(older).catch(failed); return; }
  if (event.target.closest("[data-newest], [data-latest]")) { showNewest().catch(failed); return; }
  const tool = event.target.closest("[data-jump], [data-answer], [data-react], [data-quote], [data-unquote]");
  if (tool && plain) {
    if (tool.href) event.preventDefault();
    answering((it) => it.use(tool));
    return;
  }
  const retry = event.target.closest("[data-retry-message]");
  if (retry) {
    const id = retry.closest("[data-message]").dataset.message;
    request(`/api/v1/messages/${retry.dataset.retryMessage || id}/retry`, { method: "POST" }).then(() => refreshMessage(id), failed);
    return;
  }
  const mine = event.target.closest("[data-assign-me]");
  if (mine) { assign(mine.dataset.assignMe); return; }
  const off = event.target.closest("[data-unlabel]");
  if (off) { labels((it) => it.unlabel(panes, api("labels"), off)); return; }
  if (event.target.closest("[data-detach]")) { detach(composer(), openId()); box().focus(); return; }
  if (event.target.closest("[data-suggest]")) { suggest(); return; }
  if (event.target.closest("[data-brief-toggle]")) { assist((it) => it.toggleSummary()); return; }
  const why = event.target.closest("[data-trace]");
  if (why) { showDialog(why.dataset.trace); return; }
  const saving = event.target.closest("[data-saving]");
  if (saving) views((it) => it.openView(saving.dataset.saving));
});

root.addEventListener("submit", (event) => {
  if (event.target.matches("[data-composer]")) { event.preventDefault(); send().catch(failed); }
  if (event.target.matches("[data-find]")) {
    event.preventDefault();
    find(event.target);
  }
  if (event.target.matches("[data-label-form]")) {
    event.preventDefault();
    labels((it) => it.label(panes, api("labels"), event.target));
  }
});

function find(form) {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  history.replaceState({}, "", `${location.pathname}?${query}`);
  refreshList().catch(failed);
}

let findTimer = 0;
root.addEventListener("input", (event) => {
  if (event.target === box()) {
    const what = currentMode() === "note" ? "noting" : "typing";
    saveDraft();
    offerReplies();
    presence((it) => it.noteTyping(what));
  }
  const form = event.target.closest("[data-find]");
  if (form) { clearTimeout(findTimer); findTimer = setTimeout(() => find(form), 250); }
});

root.addEventListener("focusout", (event) => { if (event.target === box()) hideReplies(); });

root.addEventListener("change", (event) => {
  if (event.target.matches("[data-attach]")) { attach(composer(), openId(), event.target); box().focus(); }
  if (event.target.matches("[data-assign]")) { event.target.blur(); assign(event.target.value); }
});

root.addEventListener("keydown", (event) => {
  if (event.target !== box() || event.isComposing || steerReplies(event)) return;
  if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); composer().requestSubmit(); }
  if (event.key === "Escape") box().blur();
});

shortcut("j", _("Next conversation"), () => step(1));
shortcut("k", _("Previous conversation"), () => step(-1));
shortcut("r", _("Reply"), () => { setMode("reply"); box()?.focus(); });
shortcut("q", _("Reply to a message"), () => answering((it) => it.quoteByKey()));
shortcut("t", _("Template"), () => { if (composer()) setMode("template"); });
shortcut("n", _("Internal note"), () => { setMode("note"); box()?.focus(); });
shortcut("e", _("Resolve"), () => act("resolve"));
shortcut("s", _("Put aside"), () => openMenu("snooze-menu"));
shortcut("m", _("Macros"), () => openMenu("macro-menu"));
shortcut("i", _("Suggest a reply"), suggest);
shortcut("u", _("Sum up the conversation"), () => assist((it) => it.toggleSummary()));
shortcut("a", _("Translate or change the tone"), () => openMenu("assist-menu"));
shortcut("v", _("Saved views"), () => views((it) => it.walk()));
shortcut("l", _("Add a label"), () => { const field = panes.querySelector("[data-label-form] input"); if (!field?.checkVisibility()) root.dataset.pane = "info"; field?.focus(); });

shortcut("p", _("Priority"), () => { const field = panes.querySelector("[data-put]"); if (!field?.checkVisibility()) root.dataset.pane = "info"; field?.focus(); });
hint("Enter", _("Send"));
hint("Shift Enter", _("New line"));
hint("/", _("Quick replies"));
hint("@", _("Name a colleague in a note"));
hint("Tab", _("Use the suggestion"));

window.addEventListener("popstate", () => {
  const id = location.pathname.split("/")[2];
  if (id) open(id, { push: false, at: new URLSearchParams(location.search).get("at") ?? "" });
  else location.reload();
});

const OF_LIST = ["conversation.opened", "conversation.changed", "conversation.woken", "labels.changed", "saved_views.changed", "handoff.requested", "handoff.overdue", "message.received", "message.queued", "message.revised", "message.transcribed", "internal_note.added"];
const OF_STATE = ["conversation.changed", "conversation.woken", "handoff.requested", "handoff.overdue"];
for (const name of OF_LIST) document.addEventListener(`live:${name}`, soonRefreshList);
ofThread(OF_STATE, () => refreshState().catch(() => {}));
ofThread(["message.received", "message.queued", "message.reacted", "internal_note.added", "conversation.woken"], fetchNew);
ofThread(
  ["message_status.changed", "message.failed", "message_media.stored", "message.reacted", "message.revised", "message.transcribed"],
  ({ message_id }) => refreshMessage(message_id).catch(() => {}),
);
ofThread(["contact.writing"], ({ writes }) => writing((it) => it.show(writes)));
ofThread(["handoff.requested"], brief);
root.addEventListener("toggle", ({ target, newState }) => {
  if (target.id === "assist-menu" && newState === "open") assist((it) => it.fillMenu(target));
}, true);
document.addEventListener("live:resync", () => { soonRefreshList(); fetchNew(); if (openId()) refreshState().catch(() => {}); });
document.addEventListener("visibilitychange", () => { if (!document.hidden && isAtNewest()) markRead(); });

arrive();
