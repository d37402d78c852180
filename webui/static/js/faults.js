// What is amiss with the box, above every page while it lasts. Who has no connection at all hears it from offline.js.
import { fragment } from "./dom.js";

const EVERY_MS = 15_000;
const LIMIT_MS = 10_000;
const place = document.getElementById("faults");
const away = document.getElementById("faults-away");
const AWAY = "away";
let shown = "";
let looks = false;

async function look() {
  if (document.hidden || looks) return;
  looks = true;
  try {
    await ask();
  } catch (failed) {
    if (failed.name === "TimeoutError") showAway(); // of no connection offline.js tells
  } finally {
    looks = false;
  }
}

async function ask() {
  const answer = await fetch(place.dataset.url, { cache: "no-store", headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(LIMIT_MS) });
  if (answer.status >= 500) showAway();
  else if (answer.ok && !answer.redirected) show((await answer.text()).trim());
}

function show(found) {
  if (found === shown) return;
  shown = found;
  place.replaceChildren(fragment(found));
}

function showAway() {
  if (shown === AWAY) return;
  shown = AWAY;
  place.replaceChildren(away.content.cloneNode(true));
}

if (place) {
  look();
  setInterval(look, EVERY_MS * (0.9 + Math.random() / 5)); // not all browsers at once
  document.addEventListener("visibilitychange", look);
  document.addEventListener("box:found", look);
}
