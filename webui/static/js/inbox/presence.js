// Who else has this conversation open. Who opens it says so, and who is there already
// answers. Each word is a write in the box's record of events, so it is said seldom.
import { el, icon } from "../dom.js";
import { openId, panes } from "./place.js";
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
  if (here) tell(here, state);
}

/** While one writes; said only where somebody else would want to know. */
export function noteTyping() {
  clearTimeout(stillTimer);
  stillTimer = setTimeout(() => change("reading"), STILL);
  if (state === "typing" && Date.now() - told < TYPING_AGAIN) return;
  change("typing");
}

function change(to) {
  const news = state !== to || to === "typing";
  state = to;
  if (news && others.size) tell(here, state);
}

const nameOf = (id) => [...panes.querySelectorAll("[data-assign] [data-member]")].find((option) => option.value === id)?.textContent ?? _("A colleague");

function paint() {
  const place = panes.querySelector("[data-collide]");
  if (!place) return;
  const writing = [...others].filter(([, one]) => one.state === "typing").map(([id]) => nameOf(id));
  const reading = [...others].filter(([, one]) => one.state !== "typing").map(([id]) => nameOf(id));
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
  const isNew = !others.has(detail.user_id);
  if (detail.state === "left") others.delete(detail.user_id);
  else others.set(detail.user_id, { state: detail.state, until: Date.now() + GONE_AFTER });
  if (isNew && detail.state !== "left") tell(here, state);
  paint();
});

setInterval(() => {
  for (const [id, { until }] of others) if (until < Date.now()) others.delete(id);
  paint();
  if (others.size && !document.hidden) tell(here, state);
}, AGAIN);
