// The bell: what was new counts as seen once the list was opened.
import { request } from "./request.js";

function tell() {
  const count = document.querySelector("[data-bell]")?.dataset.bell;
  document.title = document.title.replace(/^(\(\d+\) )?/, count ? `(${count}) ` : "");
}

document.addEventListener("htmx:after:swap", tell);
document.addEventListener("toggle", (event) => {
  if (event.target.id !== "bell-menu" || event.newState !== "open") return;
  const bell = document.querySelector("[data-bell]");
  if (bell.dataset.bell) request("/api/v1/notices/seen", { method: "POST" }).then(() => { bell.dataset.bell = ""; tell(); }, () => {});
}, true);
