// The editor of templates: what is typed is shown as its reader gets it, and each place in the text gets a row of its own.
import { fragment } from "../dom.js";
import { request } from "../request.js";

const form = document.querySelector("form[data-template]");
const body = form.elements.body;
const part = (name) => document.querySelector(`[data-part="${name}"]`);
const picture = () => (form.elements.file?.files[0]?.type.startsWith("image/") ? URL.createObjectURL(form.elements.file.files[0]) : form.dataset.picture);
let timer = 0;
let asked = 0;

async function show() {
  const mine = (asked += 1);
  const typed = new FormData(form);
  typed.delete("file");  // only its name is shown
  const found = fragment(await request(form.dataset.template, { method: "POST", body: typed, headers: { Accept: "text/html" } }));
  if (mine !== asked) return;  // a newer answer is on its way
  for (const piece of found.querySelectorAll("template")) {
    const place = part(piece.dataset.for);
    // rows change only with the places in the text: nobody's row is taken from under their hand
    if (piece.dataset.names !== undefined && piece.dataset.names === place.dataset.names) continue;
    if (piece.dataset.names !== undefined) place.dataset.names = piece.dataset.names;
    place.replaceChildren(piece.content);
  }
  showPicture();
}

/** What the browser has of the header's file: the server's preview knows only its name. */
function showPicture() {
  const place = document.querySelector("[data-media]");
  const source = (form.elements.media?.value ?? "IMAGE") === "IMAGE" && picture();
  if (!place || !source) return;
  const image = new Image();
  image.alt = place.textContent.trim();
  image.src = source;
  place.replaceChildren(image);
}

/** A text, a file or a place: only the fields of what is chosen are shown. */
function showHeader() {
  const chosen = form.elements.media.value;
  form.querySelector('[data-header="text"]').hidden = chosen !== "";
  form.querySelector('[data-header="file"]').hidden = !["IMAGE", "VIDEO", "DOCUMENT"].includes(chosen);
}

/** A code for signing in is worded by Meta. */
function showWords() {
  const isCode = form.elements.category.value === "authentication";
  form.querySelector("[data-code]").hidden = !isCode;
  form.querySelector("[data-words]").hidden = isCode;
}

if (form.querySelector("[data-code]")) form.elements.category.addEventListener("change", showWords);
form.elements.media?.addEventListener("change", showHeader);
form.elements.file?.addEventListener("change", (event) => { form.elements.file_name.value = event.target.files[0]?.name ?? ""; });
showPicture();

function soon() {
  clearTimeout(timer);
  timer = setTimeout(() => show().catch(() => {}), 250);
}

function insert(text) {
  body.setRangeText(text, body.selectionStart, body.selectionEnd, "end");
  body.focus();
  soon();
}

form.addEventListener("input", soon);
form.addEventListener("click", (event) => {
  const ready = event.target.closest("[data-insert]");
  if (ready) insert(ready.dataset.insert);
  if (event.target.closest("[data-next-number]")) {
    const numbers = [...body.value.matchAll(/\{\{(\d+)\}\}/g)].map((found) => Number(found[1]));
    insert(`{{${Math.max(0, ...numbers) + 1}}}`);
  }
});
