// Forms: focus lands on the first error, a double click sends once, passwords can be seen, text is not lost by leaving.
import { _ } from "./i18n.js";
import { toast } from "./toast.js";

export function focusFirstError(scope = document) {
  const wrong = scope.querySelector('[aria-invalid="true"]');
  wrong?.focus();
  wrong?.scrollIntoView({ block: "center" });
}

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method === "dialog" || event.target.matches("[hx-post], [hx-get], [hx-put], [hx-patch], [hx-delete]")) return;
  const form = event.target;
  if (!navigator.onLine) {
    event.preventDefault();
    toast(_("No connection. What you typed is kept here."), { kind: "bad" });
    return;
  }
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  event.submitter?.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll('button[aria-busy="true"]')) button.removeAttribute("aria-busy");
});

document.addEventListener("click", async (event) => {
  const peek = event.target.closest("[data-peek]");
  if (peek) {
    const input = peek.closest(".pw").querySelector("input");
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    peek.setAttribute("aria-pressed", String(!shown));
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const source = copy.dataset.copy ? document.getElementById(copy.dataset.copy) : null;
    const text = source ? (source.value ?? source.textContent).trim() : copy.dataset.copyText;
    try {
      await navigator.clipboard.writeText(text);
      toast(_("Copied"));
    } catch {
      if (source) getSelection().selectAllChildren(source);
      toast(_("Press Ctrl C to copy the selected text."), { kind: "info" });
    }
  }
});

document.addEventListener("change", (event) => {
  if (event.target.closest("form[data-autosubmit]")) event.target.form.requestSubmit();
  const all = event.target.closest("[data-check-all]");
  if (all) for (const box of all.closest("form, table").querySelectorAll("tbody input[type=checkbox]")) box.checked = all.checked;
});

for (const field of document.querySelectorAll('input[name="timezone"], select[name="timezone"]')) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!("guess" in field.dataset) || here === "UTC") continue;
  const zone = CSS.escape(here);
  if (field.tagName === "INPUT") field.value = here;
  else field.value = (field.querySelector(`option[value="${zone}"], option[data-also~="${zone}"]`) ?? field).value;
}
for (const field of document.querySelectorAll("[data-narrowed]")) narrow(field);

/** A long list of choices, cut down to what is typed above it; the first that fits is chosen. */
function narrow(field) {
  const list = field.querySelector("select");
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  field.querySelector("[data-narrow]").hidden = false;
  field.querySelector("[data-narrow] input").addEventListener("input", ({ target }) => {
    const wanted = plain(target.value.trim());
    for (const option of list.options) option.hidden = !plain(`${option.text} ${option.value}`).includes(wanted);
    for (const group of list.querySelectorAll("optgroup")) group.hidden = !group.querySelector("option:not([hidden])");
    const first = list.querySelector("option:not([hidden])");
    if (wanted && first) list.value = first.value;
  });
}

document.addEventListener("htmx:after:swap", (event) => focusFirstError(event.detail?.ctx?.target ?? document));
if (document.querySelector('[aria-invalid="true"]')) focusFirstError();
