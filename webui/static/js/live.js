// One stream of events per browser. The tab that holds the lock keeps the connection and tells the others.
// Every event becomes `live:<event.name>` on the body (it bubbles to the document): htmx asks again with
// hx-trigger="live:message.received from:body", islands listen. `live:resync` says: you may have missed some.
import { back, lost } from "./offline.js";

const url = document.querySelector('meta[name="live-url"]')?.content;
const who = document.querySelector('meta[name="live-scope"]')?.content ?? "";
const CHANNEL = `live:${who}`;
const LAST = `live-last:${who}`;
const SILENCE = 45_000;
const channel = new BroadcastChannel(CHANNEL);
let newest = Number(sessionStorage.getItem(LAST) ?? 0);
let hiddenAt = 0;

function dispatch(name, detail) {
  document.body.dispatchEvent(new CustomEvent(`live:${name}`, { bubbles: true, detail }));
  document.body.dispatchEvent(new CustomEvent("live:any", { bubbles: true, detail: { name, ...detail } }));
}

function receive(event) {
  if (event.seq) {
    if (event.seq <= newest) return;
    newest = event.seq;
    sessionStorage.setItem(LAST, String(newest));
  }
  dispatch(event.event, event);
}

function resync() {
  dispatch("resync", {});
}

channel.addEventListener("message", ({ data }) => {
  if (data.kind === "event") receive(data.event);
  else if (data.kind === "state") data.up ? back() : lost();
  else if (data.kind === "resync") resync();
});

function tell(message) {
  channel.postMessage(message);
}

function parse(block) {
  const found = { data: [] };
  for (const line of block.split("\n")) {
    if (line.startsWith("data:")) found.data.push(line.slice(5).trimStart());
    else if (line.startsWith("id:")) found.id = line.slice(3).trim();
    else if (line.startsWith("event:")) found.type = line.slice(6).trim();
    else if (line.startsWith("retry:")) found.retry = Number(line.slice(6));
  }
  return { ...found, data: found.data.join("\n") };
}

function take(block) {
  const { id, type, data } = parse(block);
  if (type === "resync") {
    tell({ kind: "resync" });
    resync();
    return;
  }
  if (!data) return;
  const body = JSON.parse(data);
  const event = { ...body, seq: body.seq ?? (id ? Number(id) : 0), event: body.event ?? type };
  tell({ kind: "event", event });
  receive(event);
}

async function read(response, beat) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    beat();
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) take(block);
  }
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
    await read(response, beat);
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
  for (;;) {
    try {
      const result = await connect(() => { wait = 500; back(); tell({ kind: "state", up: true }); });
      if (result === "refused") return;
    } catch {
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
