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

export const isTyping = (target) => target instanceof Element && Boolean(target.closest("input, textarea, select, [contenteditable]"));
