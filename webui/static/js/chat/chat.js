// The visitor's side of a conversation. The box holds it; here is only what has not reached the box yet.
import { _ } from "../i18n.js";
import { ask, isKnown, recall, remember } from "./door.js";
import { isSeen, onSeen, tell } from "./frame.js";
import { listen } from "./stream.js";
import { show } from "./thread.js";

const part = (name) => document.querySelector(`[data-${name}]`);
const [log, thread, typing, offline, error, older, say, who] = ["log", "thread", "typing", "offline", "error", "older", "say", "who"].map(part);
const box = say.querySelector("textarea");
const WAITING = `waiting:${document.body.dataset.chat}`;
const MAX_FILE = Number(document.body.dataset.maxFile);
const HOLDERS = {
  bot: _("A virtual assistant answers"),
  waiting: _("Somebody of the team will answer here"),
  person: _("You are talking to the team"),
};
const TEAM_FOR = 20_000;
const SAID_AGAIN = 10_000;
const STILL = 6_000;
let teamWrites = false;
const items = new Map();
const waiting = new Map(JSON.parse(recall(WAITING) || "[]").map((each) => [each.client_id, each]));
let holder = null;
let before = null;
const SEEN = `seen:${document.body.dataset.chat}`;
let told = { up_to: Number(recall(SEEN) || 0), read: Number(recall(SEEN) || 0) };
let fetching = null;
let again = false;
let since = 0;

const inOrder = () => [...items.values()].sort((one, other) => one.number - other.number);
const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 80;

function keepWaiting() {
  const words = [...waiting.values()].filter((each) => !each.file).map(({ client_id, body }) => ({ client_id, body }));
  remember(WAITING, words.length ? JSON.stringify(words) : "");
}

function paint({ stick = atEnd() } = {}) {
  const stored = inOrder();
  const last = stored.at(-1);
  const unsent = [...waiting.values()].filter((each) => !stored.some((item) => item.client_id === each.client_id)).map(asItem);
  const drawn = [...stored.map((item) => ({ ...item, isLast: item === last && !unsent.length })), ...unsent];
  show(thread, drawn, { onChoice: choose, onRetry: retry, onDrop: drop });
  older.hidden = before === null;
  if (who) who.hidden = drawn.length > 0;
  part("status").textContent = HOLDERS[holder] ?? "";
  typing.hidden = !(teamWrites || (holder === "bot" && last?.sender === "visitor" && Date.now() - since < 20_000));
  if (stick) log.scrollTop = log.scrollHeight;
}

function asItem({ client_id, body, file, failed }) {
  const local = file?.type.startsWith("image/") ? (file.url ??= URL.createObjectURL(file)) : "";
  return {
    client_id, sender: "visitor", pending: true, failed, text: body?.text || body?.choice?.title || "", number: "", isLast: false,
    kind: local ? "image" : "document", file: file && { name: file.name }, local,
  };
}

function take(found) {
  if (!found.items.length) items.clear();  // a conversation of another visitor, or one that was erased
  const isNew = found.items.some((item) => !items.has(item.id));
  const known = inOrder().at(-1)?.number ?? 0;
  const gap = found.items.length && known && found.items[0].number > known + 1 && found.before !== null;
  if (isNew && found.items.at(-1).sender !== "visitor") teamWrites = false;
  if (gap) items.clear();  // more was missed than came now: the rest is above, by its button
  if (!items.size) before = found.before;
  for (const item of found.items) {
    items.set(item.id, item);
    if (item.client_id) waiting.delete(item.client_id);
  }
  holder = found.holder;
  keepWaiting();
  return isNew;
}

async function refresh() {
  if (fetching) { again = true; return fetching; }
  fetching = (async () => {
    do {
      again = false;
      take(await ask("/messages"));
    } while (again);
  })();
  try {
    await fetching;
    up();
    paint();
    note();
  } catch (problem) {
    if (isPassing(problem)) down();
  } finally {
    fetching = null;
  }
}

async function note() {
  const ours = inOrder().filter((item) => item.sender !== "visitor");
  const last = ours.at(-1)?.number ?? 0;
  const read = isSeen();
  tell("unread", { count: read ? 0 : ours.filter((item) => item.number > told.read).length });
  if (!last || last <= (read ? told.read : told.up_to)) return;
  const previous = told;
  told = { up_to: last, read: read ? last : told.read };
  remember(SEEN, String(told.read));
  try {
    await ask("/seen", { method: "POST", body: { up_to: last, read } });
  } catch {
    told = previous;
  }
}

async function deliver(each) {
  paint({ stick: true });
  const path = each.file ? `/files/${each.client_id}` : "/messages";
  const stored = await ask(path, { method: "POST", body: each.file ? formOf(each.file) : { client_id: each.client_id, ...each.body } });
  items.set(stored.id, stored);
  waiting.delete(each.client_id);
  since = Date.now();
  setTimeout(paint, 20_100);
}

/** All that waits, in the order in which it was written; what the box refused stays where it is, with its sentence. */
async function flush() {
  const isThrough = await sendAll();
  keepWaiting();
  paint({ stick: true });
  if (!isThrough || !items.size) return;
  tell("begun");
  follow();
  await refresh();
}

async function sendAll() {
  for (const each of [...waiting.values()].filter((one) => !one.failed)) {
    try {
      await deliver(each);
    } catch (problem) {
      if (isPassing(problem)) { down(); return false; }
      each.failed = problem.message;
    }
  }
  return true;
}

function formOf(file) {
  const form = new FormData();
  form.append("file", file);
  return form;
}

let line = Promise.resolve();
const resend = () => { line = line.then(flush); };

function send(body, file = null) {
  const each = { client_id: newId(), body, file };
  waiting.set(each.client_id, each);
  keepWaiting();
  paint({ stick: true });
  resend();
}

function retry(clientId) {
  const each = waiting.get(clientId);
  if (each) each.failed = "";
  resend();
}

function drop(clientId) {
  waiting.delete(clientId);
  keepWaiting();
  paint();
  box.focus();
}

const choose = (choice) => send({ choice: { id: choice.id, title: choice.title } });

function submit() {
  const text = box.value.trim();
  if (!text) return;
  const said = who && !who.hidden ? Object.fromEntries([...who.querySelectorAll("input")].filter((field) => field.value.trim() && field.checkValidity()).map((field) => [field.name, field.value.trim()])) : {};
  box.value = "";
  clearTimeout(stillTimer);
  saidAt = 0;  // the message itself says that it is over
  grow();
  send({ text, ...said });
}

function pick(input) {
  const [file] = input.files;
  input.value = "";
  error.hidden = true;
  if (!file) return;
  if (file.size > MAX_FILE) {
    error.textContent = _("The file is larger than %(size)s MB.", { size: MAX_FILE / 1e6 });
    error.hidden = false;
    return;
  }
  send(null, file);
}

function grow() {
  box.style.blockSize = "auto";
  const wanted = box.scrollHeight + box.offsetHeight - box.clientHeight;
  box.style.blockSize = `${Math.min(wanted, 140)}px`;
  box.classList.toggle("is-long", wanted > 140);
}

let lostAt = 0;
let asking = 0;

/** Nobody answers, or the box asks to come back. */
const isPassing = (problem) => !problem.status || problem.status === 503;

function down() {
  clearTimeout(asking);
  asking = setTimeout(refresh, 2500 + Math.random() * 1500);
  lostAt ||= Date.now();
  offline.hidden = Date.now() - lostAt < 2000;  // a hiccup is not worth a word
}

function up() {
  clearTimeout(asking);
  offline.hidden = true;
  if (!lostAt) return;
  lostAt = 0;
  resend();
}

function follow() {
  listen({ onNews: refresh, onUp: up, onDown: down, onWriting: showTeam });
}

let teamTimer = 0;

function showTeam(writes) {
  teamWrites = writes;
  clearTimeout(teamTimer);
  if (writes) teamTimer = setTimeout(showTeam, TEAM_FOR, false);
  paint();
}

let saidAt = 0;
let stillTimer = 0;

/** To the team, now and then while it lasts. Before the first message there is nobody to tell. */
function tellWriting(writes) {
  clearTimeout(stillTimer);
  if (!items.size || (!writes && !saidAt) || (writes && Date.now() - saidAt < SAID_AGAIN)) { if (saidAt) wait(); return; }
  saidAt = writes ? Date.now() : 0;
  ask("/writing", { method: "POST", body: { writes } }).catch(() => {});
  if (writes) wait();
}

const wait = () => { stillTimer = setTimeout(tellWriting, STILL, false); };

async function earlier() {
  const found = await ask(`/messages?before=${before}`);
  for (const item of found.items) items.set(item.id, item);
  before = found.before;
  paint({ stick: false });
}

say.addEventListener("submit", (event) => { event.preventDefault(); submit(); box.focus(); });
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
});
box.addEventListener("input", () => { grow(); tellWriting(Boolean(box.value.trim())); });
part("file").addEventListener("change", (event) => pick(event.target));
older.addEventListener("click", earlier);
for (const control of say.querySelectorAll(":disabled")) control.disabled = false;  // before this nothing would take what is written
onSeen(() => { if (isSeen()) { box.focus(); note(); } });
window.addEventListener("online", refresh);

paint();
if (isKnown()) {
  await refresh();
  if (items.size) { tell("begun"); follow(); }
  resend();
}
log.setAttribute("aria-live", "polite");
