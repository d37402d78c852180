// Listens for news of the visitor's conversation. Where no stream can be had, it asks now and then.
import { eventsOf } from "../sse.js";
import { raw } from "./door.js";

const SILENCE = 45_000;
const LONGEST = 30_000;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let wake = () => {};
let listening = false;

async function once({ onNews, onUp, onWriting }) {
  const stop = new AbortController();
  let timer = 0;
  const beat = () => { clearTimeout(timer); timer = setTimeout(() => stop.abort(), SILENCE); };
  wake = () => stop.abort();
  beat();
  try {
    const response = await raw("/events", { headers: { Accept: "text/event-stream" }, signal: stop.signal });
    onUp();
    onNews();  // what came before we listened
    for await (const data of eventsOf(response, beat)) {
      const { event } = JSON.parse(data);
      if (event === "news") onNews();
      else onWriting(event === "writing");
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Never ends. `onDown` only where the box cannot be reached at all. */
export async function listen({ onNews, onUp, onDown, onWriting }) {
  if (listening) return;
  listening = true;
  let wait = 1000;
  for (;;) {
    try {
      await once({ onNews, onWriting, onUp: () => { wait = 1000; onUp(); } });
    } catch (error) {
      if (error.status) { onUp(); onNews(); } else if (error.name !== "AbortError") onDown();
    }
    await pause(wait + Math.random() * wait);
    wait = Math.min(wait * 2, LONGEST);
  }
}

window.addEventListener("online", () => wake());
