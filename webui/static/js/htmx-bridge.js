// htmx under our rules: CSRF header on every request, problems as toasts, a lost session goes to sign-in.
import { _ } from "./i18n.js";
import { failed, toast } from "./toast.js";
import { csrf, problemOf, toSignIn } from "./request.js";

document.addEventListener("htmx:config:request", (event) => {
  const { request, sourceElement } = event.detail.ctx;
  request.headers["X-CSRF-Token"] = csrf();
  if (sourceElement.matches("form[method=get]")) dropEmpty(request.body);
});

// An empty filter has no place in the address.
function dropEmpty(body) {
  for (const [name, value] of [...body]) if (value === "") body.delete(name);
}

document.addEventListener("htmx:before:response", (event) => {
  const { raw, status } = event.detail.ctx.response;
  if (status === 401 || (raw.redirected && new URL(raw.url).pathname === "/login")) {
    event.preventDefault();
    toSignIn();
  } else if (status >= 500 || (status >= 400 && (raw.headers.get("content-type") ?? "").includes("json"))) {
    event.preventDefault();
    problemOf(raw).then(failed);
  }
});

document.addEventListener("htmx:error", (event) => {
  if (event.detail.error?.name === "TypeError" || event.detail.error === "timeout") {
    toast(_("No connection. What you typed is kept here."), { kind: "bad" });
  }
});

// `HX-Trigger: {"toast": {"text": …}}` from a view.
document.addEventListener("toast", (event) => toast(event.detail.text ?? event.detail.value, event.detail));
