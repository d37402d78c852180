// One stream of events per browser. The tab that holds the lock keeps the connection and tells the others.
// Every event becomes `live:<event.name>` on the body (it bubbles to the document): htmx asks again with
// hx-trigger="live:message.received from:body", islands listen. `live:resync` says: you may have missed some.
import { back, lost } from "./offline.js";
import { eventsOf } from "./sse.js";

const url = document.querySelector('meta[name="live-url"]')?.content;
const who = document.querySelector('meta[name="live-scope"]')?.content ?? "";
const CHANNEL = `live:${who}`;
const LAST = `live-last:${who}`;
const SILENCE = 45_000;
const LONG_ENOUGH_TO_MISS = 10_000;
const channel = new BroadcastChannel(CHANNEL);
const seen = new Set();  // a slower transaction may show a lower number later: order is no proof of being new
let newest = Number(sessionStorage.getItem(LAST) ?? 0);
let hiddenAt = 0;

function dispatch(name, detail) {
  document.body.dispatchEvent(new CustomEvent(`live:${name}`, { bubbles: true, detail }));
  document.body.dispatchEvent(new CustomEvent("live:any", { bubbles: true, detail: { name, ...detail } }));
}

function receive(note) {
  if (seen.has(note.seq)) return;
  seen.add(note.seq);
  if (seen.size > 2000) seen.delete(seen.values().next().value);
  newest = Math.max(newest, note.seq);
  sessionStorage.setItem(LAST, String(newest));
  if (note.event === "live.reset") resync();
  else dispatch(note.event, { ...note.ids, ...note });
}

function resync() {
  dispatch("resync", {});
}

channel.addEventListener("message", ({ data }) => {
  if (data.kind === "note") receive(data.note);
  else if (data.kind === "state") data.up ? back() : lost();
  else if (data.kind === "resync") resync();
});

function tell(message) {
  channel.postMessage(message);
}

function take(data) {
  const note = JSON.parse(data);
  tell({ kind: "note", note });
  receive(note);
}

// fetch, not EventSource: it sends Last-Event-ID on the first connection too, and sees the status.
async function connect(onUp) {
  const stop = new AbortController();
  let timer = 0;
  const beat = () => { clearTimeout(timer); timer = setTimeout(() => stop.abort(), SILENCE); };
  const wake = () => stop.abort();
  window.addEventListener("online", wake);
  document.addEventListener("live:wake", wake);
  beat();
  try {
    const headers = { Accept: "text/event-stream", ...(newest ? { "Last-Event-ID": String(newest) } : {}) };
    const response = await fetch(url, { headers, signal: stop.signal, cache: "no-store", credentials: "same-origin" });
    if ([401, 403, 404].includes(response.status)) return "refused";
    if (!response.ok) throw new Error(String(response.status));
    onUp();
    for await (const data of eventsOf(response, beat)) take(data);
    return "ended";
  } finally {
    clearTimeout(timer);
    window.removeEventListener("online", wake);
    document.removeEventListener("live:wake", wake);
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function lead() {
  let wait = 500;
  let gone = 0;
  const up = () => {
    wait = 500;
    back();
    tell({ kind: "state", up: true });
    if (gone && Date.now() - gone > LONG_ENOUGH_TO_MISS) {
      tell({ kind: "resync" });
      resync();
    }
    gone = 0;
  };
  for (;;) {
    try {
      const result = await connect(up);
      if (result === "refused") return;
    } catch {
      gone ||= Date.now();
      lost();
      tell({ kind: "state", up: false });
    }
    await pause(wait + Math.random() * wait);
    wait = Math.min(wait * 2, 20_000);
  }
}

// A sleeping machine wakes with a dead socket that looks alive: open a new one and let pages ask again.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) hiddenAt = Date.now();
  else if (hiddenAt && Date.now() - hiddenAt > 60_000) {
    document.dispatchEvent(new CustomEvent("live:wake"));
    resync();
  }
});
window.addEventListener("pageshow", (event) => { if (event.persisted) resync(); });
document.addEventListener("box:back", resync);

if (url) navigator.locks.request(CHANNEL, lead);
