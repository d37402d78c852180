// Small building blocks for our own modules: text goes in as text, never as markup.
const SVG = "http://www.w3.org/2000/svg";

/** `el("button", {class: "btn", type: "button"}, "Undo")` */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

/** Markup of the server as nodes. */
export const fragment = (text) => document.createRange().createContextualFragment(text);

const sprite = document.querySelector('meta[name="sprite"]')?.content ?? "";

export function icon(name, extra = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

/** Fetched when wanted first; then done in the order in which it was wanted, which `import` alone does not promise. */
export function lazy(fetchIt, failed) {
  let fetched = null;
  return (run) => {
    fetched ??= fetchIt().catch((error) => { fetched = null; throw error; });
    return fetched.then(run).catch(failed);
  };
}

export const isTyping = (target) => target instanceof Element && Boolean(target.closest("input, textarea, select, [contenteditable]"));

/** A menu is open there or a button is held down: what is replaced between press and release hears no click. */
export const isInHand = (place) => place.querySelector(":popover-open, :active") !== null;

/** Once every script of the page has run, and htmx, which begins a turn later. Words to wait for may have made the caller itself late. */
export function onceAllListen(run) {
  const parsed = performance.getEntriesByType("navigation")[0]?.domContentLoadedEventStart > 0;
  if (parsed || document.readyState === "complete") {
    setTimeout(run);
    return;
  }
  const waits = new AbortController();
  const go = () => {
    waits.abort();
    setTimeout(run);
  };
  document.addEventListener("DOMContentLoaded", go, { signal: waits.signal });
  addEventListener("load", go, { signal: waits.signal }); // where nobody is told when the other was
}
