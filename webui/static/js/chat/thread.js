// Draws messages. Whatever anybody wrote goes in as text.
import { el, icon } from "../dom.js";
import { _, datetime } from "../i18n.js";
import { raw } from "./door.js";

const LINK = /(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/;
const WHO = { assistant: _("Virtual assistant"), team: _("Team") };
const nodes = new Map();
const pictures = new Map();

export function textOf(text) {
  return text.split(LINK).map((part, place) => (place % 2 ? el("a", { href: part, target: "_blank", rel: "noopener noreferrer nofollow" }, part) : part));
}

async function blobOf(item) {
  if (!pictures.has(item.id)) {
    const response = await raw(`/messages/${item.id}/file`);
    pictures.set(item.id, URL.createObjectURL(await response.blob()));
  }
  return pictures.get(item.id);
}

function fileOf(item) {
  const name = item.file.name || _("File");
  if (item.kind === "image") {
    const picture = el("img", { class: "media", alt: name });
    if (item.local) picture.src = item.local;
    else blobOf(item).then((url) => { picture.src = url; }, () => picture.replaceWith(name));
    return picture;
  }
  const chip = el("button", { type: "button", class: "file-chip", "aria-label": _("Download %(name)s", { name }) }, icon("file"), el("span", { class: "medium clip" }, name));
  chip.disabled = Boolean(item.pending);
  chip.addEventListener("click", async () => {
    const link = el("a", { href: await blobOf(item), download: name });
    link.click();
  });
  return chip;
}

function choicesOf(item, onChoice) {
  return el("div", { class: "wc-choices" }, ...item.choices.map((choice) => {
    const button = el("button", { type: "button", class: "btn sm" }, choice.title);
    if (choice.description) button.append(el("span", { class: "t12 muted" }, choice.description));
    button.addEventListener("click", () => onChoice(choice));
    return button;
  }));
}

function draw(item, { onChoice, ...onFailed }) {
  const mine = item.sender === "visitor";
  const bubble = el("div", { class: "bubble wc-text" });
  if (item.file) bubble.append(fileOf(item));
  if (item.text) bubble.append(...textOf(item.text));
  const node = el("article", { class: `msg turn${mine ? " out" : ""}${item.failed ? " failed" : ""}`, "data-number": item.number });
  if (!mine) node.append(el("p", { class: "who" }, item.sender === "assistant" ? icon("spark", "xs") : null, WHO[item.sender]));
  node.append(bubble);
  if (item.sources?.length) node.append(el("p", { class: "wc-sources" }, icon("book", "xs"), el("span", {}, _("Source: %(names)s", { names: item.sources.join(", ") }))));
  if (item.choices?.length && item.isLast) node.append(choicesOf(item, onChoice));
  node.append(metaOf(item, onFailed));
  return node;
}

function metaOf(item, { onRetry, onDrop }) {
  if (item.failed) {
    const again = el("button", { type: "button", class: "btn sm quiet" }, icon("refresh"), _("Try again"));
    again.addEventListener("click", () => onRetry(item.client_id));
    const drop = el("button", { type: "button", class: "btn sm quiet" }, icon("x"), _("Discard"));
    drop.addEventListener("click", () => onDrop(item.client_id));
    return el("p", { class: "meta bad" }, icon("alert"), item.failed, again, drop);
  }
  if (item.pending) return el("p", { class: "meta" }, icon("clock"), el("span", { class: "sr" }, _("Being sent")));
  return el("p", { class: "meta" }, el("time", { datetime: item.at }, datetime(item.at, whenOf(item.at))));
}

const whenOf = (at) => (new Date(at).toDateString() === new Date().toDateString() ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" });
const stateOf = (item) => `${item.id ?? ""}${item.pending ?? ""}${item.failed ?? ""}${item.isLast}`;

/** The whole conversation in order; a message that is drawn already and has not changed is left alone, so that it is read out once. */
export function show(thread, items, reactions) {
  const keys = new Set(items.map((item) => item.client_id || item.id));
  for (const [key, { node }] of nodes) {
    if (!keys.has(key)) { node.remove(); nodes.delete(key); }
  }
  let place = thread.firstElementChild;
  for (const item of items) {
    const key = item.client_id || item.id;
    const drawn = nodes.get(key);
    let node = drawn?.node;
    if (!drawn || drawn.state !== stateOf(item)) {
      node = draw(item, reactions);
      if (drawn) {
        if (place === drawn.node) place = place.nextElementSibling;
        drawn.node.replaceWith(node);
      }
      nodes.set(key, { node, state: stateOf(item) });
    }
    if (node !== place) thread.insertBefore(node, place);
    else place = place.nextElementSibling;
  }
}
