// Between the chat and the page that shows it: only whether it is seen, what is unread, and the wish to close.
const key = document.body.dataset.chat;
const framed = window.parent !== window;
const close = document.querySelector("[data-close-chat]");
let seen = !framed;
let changed = () => {};

/** Which site shows the chat is decided by the policy this page came with; nothing said here is worth hiding from it. */
export const tell = (say, more = {}) => { if (framed) window.parent.postMessage({ salesedge: key, say, ...more }, "*"); };
export const isSeen = () => seen && !document.hidden;
export const onSeen = (react) => { changed = react; react(); };

window.addEventListener("message", ({ source, data }) => {
  if (source !== window.parent || data?.salesedge !== key) return;
  seen = data.say === "shown";
  changed();
});
document.addEventListener("visibilitychange", () => changed());
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && framed) tell("close"); });
if (framed) {
  close.hidden = false;
  close.addEventListener("click", () => tell("close"));
}
tell("ready");
