// <dialog> by attribute: [data-open="id"] opens, [data-close] closes, a click beside it closes.
// [data-confirm] on a form or its button asks first, and so does hx-confirm; both in our dialog, not the browser's.
import { el } from "./dom.js";
import { _ } from "./i18n.js";

/** Resolves true when the person goes on. */
export function ask(question, { yes = _("Go on"), danger = false } = {}) {
  return new Promise((resolve) => {
    const go = el("button", { class: `btn ${danger ? "danger" : "primary"}`, value: "yes" }, yes);
    const dialog = el("dialog", { class: "dialog", "aria-label": question },
      el("form", { method: "dialog" },
        el("header", {}, el("h2", { class: "t16" }, question)),
        el("footer", {}, el("button", { class: "btn", value: "" }, _("Cancel")), go)));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
    document.body.append(dialog);
    dialog.showModal();
    go.focus();
  });
}

function openDialog(dialog) {
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) openDialog(document.getElementById(opener.dataset.open));
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement && event.target.matches(".dialog, .sheet")) event.target.close();
});

const agreed = new WeakSet();
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const source = event.submitter?.dataset.confirm ? event.submitter : form;
  if (!source.dataset.confirm || agreed.delete(form)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const submitter = event.submitter;
  if (!(await ask(source.dataset.confirm, { yes: source.dataset.yes, danger: "danger" in source.dataset }))) return;
  agreed.add(form);
  form.requestSubmit(submitter);
}, true);

document.addEventListener("htmx:confirm", async (event) => {
  const { ctx, issueRequest, dropRequest } = event.detail;
  if (!ctx.confirm) return;
  event.preventDefault();
  const { yes, danger } = ctx.sourceElement.dataset;
  if (await ask(ctx.confirm, { yes, danger: danger !== undefined })) issueRequest();
  else dropRequest();
});

// A form in a dialog came back with errors: it is open again.
for (const dialog of document.querySelectorAll("dialog[data-show]")) openDialog(dialog);
