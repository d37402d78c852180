// What one has begun to write is kept on the box after a pause, so that one can go on in another browser. Until the box has it, this
// browser's counts: its key stands beside the draft.
import { unsavedKey } from "./composer.js";
import { me } from "./place.js";
import { request } from "../request.js";

const PAUSE = 1_500;
const timers = new Map();

export function keepSoon(key) {
  clearTimeout(timers.get(key));
  timers.set(key, setTimeout(() => keep(key).catch(() => {}), PAUSE));
}

async function keep(key) {
  timers.delete(key);
  const [, conversation, kind] = key.split(":");
  const text = localStorage.getItem(key) ?? "";
  await request(`/api/v1/conversations/${conversation}/drafts`, { method: "PUT", body: { [kind]: text } });
  if ((localStorage.getItem(key) ?? "") === text) localStorage.removeItem(unsavedKey(key));
}

/** What a page that was left, or a lost connection, has kept from the box; the words of who is signed in. */
export function keepUnsaved() {
  const prefix = unsavedKey("");
  for (const key of Object.keys(localStorage)) if (key.startsWith(prefix) && localStorage.getItem(key) === me) keep(key.slice(prefix.length)).catch(() => {});
}

document.addEventListener("box:found", keepUnsaved);
document.addEventListener("visibilitychange", () => { if (document.hidden) keepUnsaved(); });
