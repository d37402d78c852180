// Sending: a clock at once, then what the server says; a failure keeps the text.
import { composed, currentMode, emptyComposer, setMode, usualMode } from "./composer.js";
import { attached, detach, upload } from "./files.js";
import { failedMeta, pendingBubble, pendingMeta } from "./parts.js";
import { box, composer, log, openId } from "./place.js";
import { refreshState } from "./state.js";
import { closeGap, fetchNew, toEnd } from "./thread.js";
import { _ } from "../i18n.js";
import { request } from "../request.js";
import { forgetUnsent, keepUnsent, unsent } from "./unsent.js";

export async function send() {
  const mode = currentMode();
  const file = mode === "reply" ? attached(openId()) : null;
  const wanted = composed(Boolean(file));
  if (!wanted || box().readOnly) return;
  const { text, body } = wanted;
  await closeGap();
  const bubble = pendingBubble(text, mode, file);
  log().append(bubble);
  toEnd();
  emptyComposer();
  if (file) detach(composer(), openId());
  setMode(usualMode());
  const key = crypto.randomUUID?.() ?? String(Math.random()).slice(2) + Date.now();
  await deliver(bubble, { conversation: openId(), text, body, mode, file, key });
}

async function deliver(bubble, job) {
  const { conversation, mode, key } = job;
  const url = `/api/v1/conversations/${conversation}/${mode === "note" ? "notes" : "reply"}`;
  try {
    if (job.file) job.media ??= await upload(conversation, job.file);
    const body = job.media ? { ...job.body, media: job.media } : job.body;
    const made = await request(url, { method: "POST", body, headers: { "Idempotency-Key": key } });
    forgetUnsent(job);
    bubble.dataset.sent = made.id;
    if (conversation === openId()) await fetchNew();
    if (bubble.isConnected && log().querySelector(`[data-message="${made.id}"]`)) bubble.remove();
    if (conversation === openId()) refreshState();
  } catch (error) {
    keepUnsent(job);
    showFailed(bubble, job, error.message);
  }
}

function showFailed(bubble, job, why) {
  bubble.classList.replace("is-pending", "failed");
  bubble.querySelector(".meta").replaceWith(failedMeta(why, () => {
    bubble.classList.replace("failed", "is-pending");
    bubble.querySelector(".meta").replaceWith(pendingMeta());
    deliver(bubble, job);
  }));
}

export function showUnsent() {
  const conversation = openId();
  for (const kept of conversation ? unsent(conversation) : []) {
    const job = { ...kept, conversation };
    const bubble = pendingBubble(kept.text, kept.mode);
    log().append(bubble);
    showFailed(bubble, job, _("Not sent yet."));
  }
}
