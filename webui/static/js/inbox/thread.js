// The messages of the open conversation: what is new comes in below, older ones on demand; the scroll is never yanked.
import { fragment, html } from "./parts.js";
import { api, log, openId, panes } from "./place.js";
import { isInHand } from "../dom.js";
import { ngettext } from "../i18n.js";
import { request } from "../request.js";
import { failed } from "../toast.js";

const WINDOW = 200;  // messages kept in the page; older ones are fetched again on demand
const NEAR_END = 80;

export const atEnd = () => !log() || log().scrollHeight - log().scrollTop - log().clientHeight < NEAR_END;
export const toEnd = () => { if (log()) log().scrollTop = log().scrollHeight; };
const newButton = () => panes.querySelector("[data-newest]");
let below = 0;

const gap = () => log()?.querySelector("[data-gap]");  // between what is shown, around a message found, and the newest
export const isAmongOld = () => Boolean(gap());
export const isAtNewest = () => below === 0 && !isAmongOld();

export async function showNewest() {
  await closeGap();
  below = 0;
  announce(0);
  toEnd();
  markRead();
}

/** The newest messages in place of those around the one that was looked for; what was written here and is not yet sent stays. */
export async function closeGap() {
  if (!gap()) return;
  const id = openId();
  const latest = fragment(await html(`/inbox/${id}/panes`)).querySelector("[data-log]");
  if (id !== openId()) return;
  log().replaceChildren(...latest.childNodes, ...log().querySelectorAll("[data-key]:not([data-sent])"));
  toEnd();
  fetchNew();  // what has come or was sent meanwhile
}

function announce(count) {
  below += count;
  const button = newButton();
  if (!button) return;
  button.hidden = below === 0;
  button.querySelector("span").textContent = ngettext("%(num)d new", "%(num)d new", below);
}

export function settle() {
  if (!log()) return;
  below = 0;
  const found = log().dataset.at ? log().querySelector(`[data-number="${log().dataset.at}"]`) : null;
  found?.classList.add("is-found");
  const mark = found || log().querySelector("[data-new]");
  if (mark) mark.scrollIntoView({ block: "center" });
  else toEnd();
  const opened = log();
  let stick = atEnd();
  opened.addEventListener("scroll", () => {
    stick = atEnd();
    if (stick && below) { below = 0; announce(0); }
  }, { passive: true });
  new ResizeObserver(() => { if (stick && opened === log()) toEnd(); }).observe(opened);
  if (log().dataset.unread) markRead();
}

export function markRead() {
  if (!document.hidden && openId()) request(`${api("read")}?shown=${lastNumber()}`, { method: "POST" }).catch(() => {});
}

const numbers = () => [...log().querySelectorAll("[data-number]")].map((node) => Number(node.dataset.number));
const lastNumber = () => Math.max(0, ...numbers());
let fetching = null;

export async function fetchNew() {
  const id = openId();
  if (!id) return;
  if (gap()) { announce(1); return; }
  if (fetching) { fetching.again = true; return; }
  const news = fetching = { again: false, changed: new Set() };
  try {
    const found = fragment(await html(`/inbox/${id}/messages?after=${lastNumber()}`));
    if (id !== openId()) return;
    append(found);
    for (const changed of news.changed) refreshMessage(changed).catch(() => {});
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
      const waiting = log().querySelector(".msg.is-pending");
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

const asked = new Map();  // message -> the newest question about it
let turns = 0;

export async function refreshMessage(id) {
  const shown = () => log()?.querySelector(`[data-message="${id}"]`);
  if (!shown()) { fetching?.changed.add(id); return; }  // it is on its way as it was before
  const turn = ++turns;
  asked.set(id, turn);
  const fresh = fragment(await html(`/inbox/messages/${id}`)).querySelector("[data-message]");
  if (asked.get(id) !== turn) return;
  asked.delete(id);
  if (shown() && isInHand(shown())) { setTimeout(() => refreshMessage(id).catch(() => {}), 300); return; }
  const stick = atEnd();
  if (fresh) put(fresh, shown());
  if (stick) toEnd();
}

/** What somebody listens to goes on: only the words below it are new. */
function put(fresh, old) {
  const words = [...old?.querySelectorAll("audio") ?? []].some((sound) => !sound.paused) && fresh.querySelector("[data-heard]");
  if (words) old.querySelector("[data-heard]")?.replaceWith(words);
  else old?.replaceWith(fresh);
}

export async function showOlder(button) {
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
