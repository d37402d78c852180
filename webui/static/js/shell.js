// What every page has. Each module minds its own attribute.
import "./theme.js";
import "./nav.js";
import "./dialogs.js";
import "./forms.js";
import "./bell.js";
import "./htmx-bridge.js";
import "./times.js";
import "./shortcuts.js";
import "./offline.js";
import "./faults.js";
import { onceAllListen } from "./dom.js";
import { failed, toast } from "./toast.js";

for (const note of document.querySelectorAll("[data-flash]")) {
  toast(note.textContent.trim(), { kind: note.dataset.flash });
  note.remove();
}
// Ctrl/⌘K: open at once for what is typed; what it finds is loaded when it is wanted first.
const palette = document.getElementById("palette");
function openPalette() {
  if (!palette || palette.open) return;
  palette.showModal();
  const input = palette.querySelector("input");
  input.value = "";
  input.focus();
  let enters = false;
  const early = (event) => { enters ||= event.key === "Enter" && !event.isComposing; };
  input.addEventListener("keydown", early);
  import("./palette/palette.js").then((it) => { it.search(); if (enters && palette.open) it.enter(); }).catch(failed)
    .finally(() => input.removeEventListener("keydown", early));
}
document.addEventListener("click", ({ target }) => {
  if (target === palette) palette.close();
  else if (target.closest("[data-palette]")) openPalette();
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
  event.preventDefault();
  openPalette();
});
onceAllListen(() => { document.documentElement.dataset.ready = ""; });
