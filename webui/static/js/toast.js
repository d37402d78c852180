// Short messages at the foot of the page. A live region reads them; Undo replaces "are you sure?", so there is time to reach it
// (WCAG 2.2.1): it stays as long as a hand or the focus is on it.
import { el, icon } from "./dom.js";
import { _ } from "./i18n.js";

class ToastStack extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "status");
    this.setAttribute("aria-live", "polite");
  }

  show(text, { kind = "ok", action = null, seconds = 10 } = {}) {
    const toast = el("div", { class: "toast" }, icon({ ok: "check", bad: "alert", warn: "alert", info: "info" }[kind] ?? "info", "sm"), el("span", {}, text));
    let timer = 0;
    const leave = () => {
      clearTimeout(timer);
      toast.remove();
      if (!this.childElementCount && this.matches(":popover-open")) this.hidePopover();
    };
    if (action) {
      const button = el("button", { class: "btn sm", type: "button" }, action.label);
      button.addEventListener("click", () => { leave(); action.run(); });
      toast.append(button);
    }
    const close = el("button", { class: "btn sm icon-only", type: "button", "aria-label": _("Dismiss") }, icon("x"));
    close.addEventListener("click", leave);
    toast.append(close);
    const wait = () => { clearTimeout(timer); timer = setTimeout(() => (toast.matches(":hover, :focus-within") ? wait() : leave()), seconds * 1000); };
    for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, wait);
    this.append(toast);
    while (this.childElementCount > 3) this.firstElementChild.remove();
    this.#raise();
    wait();
    return leave;
  }

  // A modal dialog would cover us: the top layer is reached again by re-opening.
  #raise() {
    if (!this.showPopover) return;
    if (this.matches(":popover-open")) this.hidePopover();
    this.showPopover();
  }
}

customElements.define("toast-stack", ToastStack);
const stack = () => document.querySelector("toast-stack");

export const toast = (text, options) => stack()?.show(text, options);
const isScriptLost = ({ message }) => /import/i.test(message);  // as browsers say it, each in its own words
export const failed = (problem) => toast(isScriptLost(problem) ? _("No connection. What you typed is kept here.") : problem.message, { kind: "bad" });

/** Does it at once; `undo` takes it back. */
export async function undoable(text, { run, undo }) {
  try {
    await run();
    toast(text, { action: { label: _("Undo"), run: () => Promise.resolve(undo()).catch(failed) } });
  } catch (problem) {
    failed(problem);
  }
}
