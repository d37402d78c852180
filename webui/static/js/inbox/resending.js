// What could not be sent stays in its conversation with the reason. What waited for a connection goes by itself: once, in the order
// in which it was written, by one tab at a time, from whichever conversation is open.
import { failedMeta, pendingBubble, pendingMeta, waitingMeta } from "./parts.js";
import { log, openId } from "./place.js";
import { attempt, bubbleOf, inTurn } from "./sending.js";
import { atEnd, toEnd } from "./thread.js";
import { _ } from "../i18n.js";
import { underLock } from "../lock.js";
import { forgetUnsent, isWhole, keepUnsent, unsent, waiting, waitingPlaces, waits } from "./unsent.js";

const FIRST = 4_000;
const LAST = 60_000;
let pause = FIRST;
let timer = 0;

export const forget = forgetUnsent;

/** With its reason, until it is sent or let go. Whether what was written after it may go now. */
export function keep(job, { status, message, fields }) {
  if (fields?.media) job.media = null; // what the box holds of it is not taken any more
  keepUnsent(Object.assign(job, { status, why: message }));
  const bubble = bubbleOf(job);
  if (bubble) show(bubble, job);
  if (bubble && bubble === log().lastElementChild) toEnd();
  if (!waits(job)) return true;
  clearTimeout(timer);
  timer = setTimeout(sendWaiting, pause);
  return false;
}

/** Nothing overtakes what waits in the same conversation; it may itself be kept already. */
export function waitsBehind(job) {
  const [first] = waiting(job.conversation);
  const isBehind = first !== undefined && first.key !== job.key;
  if (isBehind) keep(job, { status: 0, message: "" });
  return isBehind;
}

function show(bubble, job) {
  const isWaiting = waits(job);
  bubble.dataset.kept = "";
  bubble.classList.toggle("is-pending", isWaiting);
  bubble.classList.toggle("failed", !isWaiting);
  const again = async () => {
    bubble.classList.replace("failed", "is-pending");
    bubble.querySelector(".meta").replaceWith(pendingMeta());
    await (isWaiting ? resend() : inTurn(job.conversation, () => attempt(job)));
    if (bubble.isConnected && !bubble.dataset.sent) show(bubble, job);  // one before it was not sent either
  };
  const drop = () => { forgetUnsent(job); bubble.remove(); };
  const meta = isWaiting ? waitingMeta(again, drop) : failedMeta([_("Not sent."), job.why].join(" "), isWhole(job) && again, drop);
  bubble.querySelector(".meta").replaceWith(meta);
}

export function showUnsent() {
  const stick = log() && atEnd();
  for (const stale of log()?.querySelectorAll("[data-kept]") ?? []) stale.remove();
  for (const job of openId() ? unsent(openId()) : []) {
    const bubble = bubbleOf(job) ?? pendingBubble(job);
    log().append(bubble);
    show(bubble, job);
  }
  if (stick) toEnd();
}

async function resend() {
  pause = FIRST;
  await sendWaiting();
}

async function sendWaiting() {
  pause = Math.min(pause * 2, LAST);
  await Promise.all(waitingPlaces().map((conversation) => inTurn(conversation, () => underLock(`unsent:${conversation}`, () => sendInOrder(conversation)))));
}

async function sendInOrder(conversation) {
  for (const job of waiting(conversation)) if (!(await attempt(job))) return;
}

// another tab has sent it, or let it go
addEventListener("storage", ({ key }) => { if (key === `unsent:${openId()}`) showUnsent(); });
document.addEventListener("box:found", resend);
resend();
