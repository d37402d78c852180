// Sending: a clock at once, then what the server says. What fails is kept, and what only lacked a connection goes by itself.
import { composed, currentMode, emptyComposer, setMode, usualMode } from "./composer.js";
import { attached, detach, upload } from "./files.js";
import { pendingBubble, waitingMeta } from "./parts.js";
import { box, composer, log, openId } from "./place.js";
import { refreshState } from "./state.js";
import { closeGap, fetchNew, isAmongOld, toEnd } from "./thread.js";
import { forgetUnsent, keepUnsent } from "./unsent.js";
import { request } from "../request.js";
import { failed } from "../toast.js";

let kept;  // fetched long before a connection is lost
const keeping = async () => (kept ??= await import("./resending.js"));
export const showUnsent = () => keeping().then((it) => it.showUnsent());
export const bubbleOf = ({ conversation, key }) => (conversation === openId() ? log()?.querySelector(`[data-key="${key}"]`) : null);

const turns = new Map();  // conversation -> what is being sent there: one after the other, as it was written

export function inTurn(conversation, run) {
  const turn = (turns.get(conversation) ?? Promise.resolve()).then(run);
  turns.set(conversation, turn.catch(() => {}));
  return turn;
}

/** What stands in the field at this moment, whatever is typed or fetched meanwhile. */
export async function send() {
  const mode = currentMode();
  const held = mode === "reply" ? attached(openId()) : null;
  const wanted = composed(Boolean(held));
  if (!wanted || box().readOnly) return;
  const { text, body, path, quoted } = wanted;
  const key = crypto.randomUUID?.() ?? String(Math.random()).slice(2) + Date.now();
  const job = { conversation: openId(), text, body, path, quoted, mode, file: held ?? wanted.file, key, at: Date.now() };
  if (!kept || isAmongOld()) keepUnsent(Object.assign(job, { status: 0, why: "" }));  // a page that is left meanwhile loses nothing
  log().append(pendingBubble(job));
  toEnd();
  emptyComposer();
  if (held) detach(composer(), openId());
  setMode(usualMode());
  await inTurn(job.conversation, () => begin(job));
}

async function begin(job) {
  try {
    await keeping();
  } catch (error) {
    const drop = () => { forgetUnsent(job); bubbleOf(job)?.remove(); };
    bubbleOf(job)?.querySelector(".meta").replaceWith(waitingMeta(() => showUnsent().catch(failed), drop));
    throw error;
  }
  if (job.conversation === openId()) await closeGap().catch(() => {});
  return kept.waitsBehind(job) || attempt(job);
}

/** Whether what was written after it may go now. */
export async function attempt(job) {
  const { conversation, mode, key } = job;
  const url = `/api/v1/conversations/${conversation}/${job.path ?? (mode === "note" ? "notes" : "reply")}`;
  try {
    if (job.file) job.media ??= await upload(conversation, job.file);
    const body = job.media ? { ...job.body, media: job.media } : job.body;
    const made = await request(url, { method: "POST", body, headers: { "Idempotency-Key": key } });
    (await keeping()).forget(job);
    await settle(job, made.id);
    return true;
  } catch (error) {
    return (await keeping()).keep(job, error);
  }
}

async function settle(job, messageId) {
  const bubble = bubbleOf(job);
  if (bubble) bubble.dataset.sent = messageId;
  if (job.conversation !== openId()) return;
  await fetchNew();
  if (bubble?.isConnected && (isAmongOld() || log().querySelector(`[data-message="${messageId}"]`))) bubble.remove();
  refreshState().catch(() => {});
}

document.addEventListener("box:found", () => { if (!kept) showUnsent().catch(() => {}); });
