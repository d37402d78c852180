// Who else has this conversation open. Who arrives says so, and who is there already
// answers. The box whispers it to those who listen now and keeps none of it: who begins
// to listen only then arrives once more.
import { el, icon } from "../dom.js";
import { openId, panes, thread } from "./place.js";
import { _ } from "../i18n.js";
import { request } from "../request.js";

const GONE_AFTER = 150_000;
const AGAIN = 60_000;
const TYPING_AGAIN = 15_000;
const STILL = 15_000;
const me = document.querySelector('meta[name="live-scope"]')?.content.split(".")[1] ?? "";
const others = new Map();  // person -> { state, until }
let here = "";
let state = "reading";
let told = 0;
let stillTimer = 0;
// a linked number and the chat of a site show their contact that we write; the number hears of theirs only while somebody looks
const isLinked = () => ["whatsapp_qr", "webchat"].includes(thread()?.dataset.channel);

function tell(conversation, what) {
  told = Date.now();
  request(`/api/v1/conversations/${conversation}/presence`, { method: "POST", body: { state: what } }).catch(() => {});
}

export function arriveHere() {
  if (here === openId()) return;
  if (here) tell(here, "left");
  here = openId();
  state = "reading";
  others.clear();
  paint();
  if (here) tell(here, "arrived");
}

/** While one writes; said only where somebody else would want to know. */
export function noteTyping(what) {
  clearTimeout(stillTimer);
  stillTimer = setTimeout(() => change("reading"), STILL);
  if (state === what && Date.now() - told < TYPING_AGAIN) return;
  change(what);
}

function change(to) {
  const news = state !== to || to !== "reading";
  state = to;
  if (news && (others.size || isLinked())) tell(here, state);
}

const nameOf = (id) => [...panes.querySelectorAll("[data-assign] [data-member]")].find((option) => option.value === id)?.textContent ?? _("A colleague");

function paint() {
  const place = panes.querySelector("[data-collide]");
  if (!place) return;
  const writing = [...others].filter(([, one]) => one.state !== "reading").map(([id]) => nameOf(id));
  const reading = [...others].filter(([, one]) => one.state === "reading").map(([id]) => nameOf(id));
  const lines = [];
  if (writing.length) lines.push(_("Writing here too: %(names)s.", { names: writing.join(", ") }));
  if (reading.length) lines.push(_("Reading here too: %(names)s.", { names: reading.join(", ") }));
  const said = lines.join(" ");
  if (place.textContent === said) return;
  place.classList.toggle("warn", writing.length > 0);
  place.replaceChildren(...(said ? [icon(writing.length ? "edit" : "eye"), el("span", { class: "grow" }, said)] : []));
  place.hidden = !said;
}

document.addEventListener("live:person.here", ({ detail }) => {
  if (detail.conversation_id !== here || detail.user_id.replaceAll("-", "") === me) return;
  const arrived = detail.state === "arrived";
  if (detail.state === "left") others.delete(detail.user_id);
  else others.set(detail.user_id, { state: arrived ? "reading" : detail.state, until: Date.now() + GONE_AFTER });
  if (arrived) tell(here, state);
  paint();
});

document.addEventListener("live:up", () => { if (here) tell(here, "arrived"); });

setInterval(() => {
  for (const [id, { until }] of others) if (until < Date.now()) others.delete(id);
  paint();
  if (here && (others.size || isLinked()) && !document.hidden) tell(here, state);
}, AGAIN);
