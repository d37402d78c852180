// What every page has. Each module minds its own attribute.
import "./theme.js";
import "./nav.js";
import "./dialogs.js";
import "./forms.js";
import "./bell.js";
import "./htmx-bridge.js";
import "./times.js";
import "./shortcuts.js";
import "./palette.js";
import "./offline.js";
import { toast } from "./toast.js";

for (const note of document.querySelectorAll("[data-flash]")) {
  toast(note.textContent.trim(), { kind: note.dataset.flash });
  note.remove();
}
document.documentElement.dataset.ready = "";
