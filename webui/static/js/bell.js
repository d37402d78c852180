// The bell: what was new counts as seen once the list was opened.
import { request } from "./request.js";

document.addEventListener("toggle", (event) => {
  if (event.target.id !== "bell-menu" || event.newState !== "open") return;
  const pip = document.querySelector("[data-bell] .pip");
  if (pip) request("/api/v1/notices/seen", { method: "POST" }).then(() => pip.remove(), () => {});
}, true);
