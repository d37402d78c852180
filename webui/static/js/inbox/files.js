// A file waiting in the composer, kept for each conversation until it is sent or the page is left.
import { request } from "../request.js";

const waiting = new Map();

export const attached = (conversation) => waiting.get(conversation) ?? null;

export function showAttached(composer, conversation) {
  if (!composer) return;
  const file = attached(conversation);
  const isReply = composer.querySelector('[data-mode="reply"]').getAttribute("aria-selected") === "true";
  composer.querySelector(".attach").hidden = !isReply;
  composer.querySelector("[data-attached]").hidden = !file || !isReply;
  composer.querySelector("[data-attached-name]").textContent = file?.name ?? "";
}

export function attach(composer, conversation, input) {
  if (input.files[0]) waiting.set(conversation, input.files[0]);
  input.value = "";
  showAttached(composer, conversation);
}

export function detach(composer, conversation) {
  waiting.delete(conversation);
  showAttached(composer, conversation);
}

/** The stored file as a reply names it. */
export async function upload(conversation, file) {
  const form = new FormData();
  form.append("file", file);
  const { blob_id, mime_type, filename } = await request(`/api/v1/conversations/${conversation}/attachments`, { method: "POST", body: form });
  return { blob_id, mime_type, filename };
}
