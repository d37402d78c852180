// What one has begun to write is kept on the box after a pause, so that one can go on in another browser. Until the box has it, this
// browser's counts: its key stands beside the draft. What another window has kept there meanwhile is not written over: it is offered.
import { currentMode, draftKey, keepHere, keepKnown, keptHere, knownKey, restoreDraft, saveDraft, setMode, unsavedKey } from "./composer.js";
import { box, composer, me, openId } from "./place.js";
import { el, icon } from "../dom.js";
import { _ } from "../i18n.js";
import { request } from "../request.js";

const PAUSE = 1_500;
const timers = new Map();
const turns = new Map();
const tried = new Map();
const found = new Map();  // key -> what another window has kept; whoever writes on has been told of it

const isUnsaved = (key) => localStorage.getItem(unsavedKey(key)) === me;
const address = (conversation) => `/api/v1/conversations/${conversation}/drafts`;

export function keepSoon(key) {
  if (found.has(key)) keepHere(knownKey(key), found.get(key));
  found.delete(key);
  clearTimeout(timers.get(key));
  timers.set(key, setTimeout(() => keep(key), PAUSE));
}

/** One after the other: what the box has by then is known. */
function keep(key) {
  timers.delete(key);
  turns.set(key, (turns.get(key) ?? Promise.resolve()).then(() => put(key)).catch(() => {}));
}

async function put(key) {
  const [, conversation, kind] = key.split(":");
  const text = keptHere(key);
  try {
    await request(address(conversation), { method: "PUT", body: { [kind]: text, [`${kind}_was`]: keptHere(knownKey(key)) } });
  } catch (problem) {
    if (problem.status === 409) await ask(key);
    else tried.set(key, text);  // the box may have it, and only its answer was lost
    return;
  }
  keepHere(knownKey(key), text);
  if (keptHere(key) === text) localStorage.removeItem(unsavedKey(key));
}

async function ask(key) {
  const [, conversation, kind] = key.split(":");
  const theirs = (await request(address(conversation)))[kind];
  if (theirs === tried.get(key) || theirs === keptHere(key)) {  // it stands here already
    keepHere(knownKey(key), theirs);
    await put(key);
  } else if (conversation === openId()) {
    found.set(key, theirs);
    offer(key, kind, theirs);
  }
}

function offer(key, kind, words) {
  const swap = el("button", { type: "button", class: "btn quiet sm" }, icon("refresh"), _("Show it"));
  const note = el("span", { class: "row g1 t12 warn", role: "status", "data-other-draft": true }, _("Another window has another text."), swap);
  composer().querySelector("[data-other-draft]")?.remove();
  composer().querySelector("[data-draft-note]").after(note);
  swap.addEventListener("click", () => {
    if (currentMode() !== kind) setMode(kind);
    const mine = box().value;
    box().value = words;
    saveDraft();
    offer(key, kind, mine);
    box().focus();
  });
}

/** What the box has now; what was written here and is not yet kept stays. */
export async function lookAgain() {
  const id = openId();
  if (!composer()) return;
  const kept = await request(address(id));
  if (id !== openId()) return;
  for (const kind of ["reply", "note"]) {
    const key = draftKey(kind);
    if (isUnsaved(key) || keptHere(key) === kept[kind]) continue;
    keepKnown(key, kept[kind]);
    if (kind === currentMode()) restoreDraft();
  }
}

/** What a page that was left, or a lost connection, has kept from the box; the words of who is signed in. */
export function keepUnsaved() {
  const prefix = unsavedKey("");
  for (const key of Object.keys(localStorage)) if (key.startsWith(prefix) && localStorage.getItem(key) === me) keep(key.slice(prefix.length));
}

document.addEventListener("box:found", keepUnsaved);
document.addEventListener("visibilitychange", () => { if (document.hidden) keepUnsaved(); else lookAgain().catch(() => {}); });
