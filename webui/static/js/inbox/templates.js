// A template in the composer: chosen, its places filled in, read as the customer will. The server fills it; this only asks.
import { composer, openId } from "./place.js";
import { fragment } from "../dom.js";
import { request } from "../request.js";
import { failed } from "../toast.js";

const place = () => composer()?.querySelector("[data-templates]");
let asked = 0;
let timer = 0;

async function ask(picked = place().querySelector('[name="template"]')?.value) {
  const id = openId();
  const mine = (asked += 1);
  const form = new FormData();
  form.append("template", picked ?? "");
  for (const input of place().querySelectorAll("[data-value]")) {
    form.append("place", input.dataset.value);
    form.append("value", input.value);
  }
  const found = fragment(await request(`/inbox/${id}/templates`, { method: "POST", body: form, headers: { Accept: "text/html" } }));
  return id === openId() && mine === asked ? found : null;  // else a newer answer is on its way
}

/** All of it anew: what there is to choose, or the one that was picked. */
async function draw(picked) {
  clearTimeout(timer);
  const found = await ask(picked);
  if (!found) return;
  place().replaceChildren(found);
  if (picked === undefined) return;
  const first = [...place().querySelectorAll("[data-value]")].find((input) => !input.value);
  (first ?? place().querySelector("[data-find-template], [data-pick]:enabled"))?.focus();
}

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function find(words) {
  const rows = [...place().querySelectorAll(".picks li")];
  for (const row of rows) row.hidden = !plain(row.textContent).includes(plain(words.trim()));
  place().querySelector("[data-none-found]").hidden = rows.some((row) => !row.hidden);
}

/** Up and down walk through the list; Enter in the search takes the first that is left. */
function steer(event) {
  const picks = [...place().querySelectorAll(".picks li:not([hidden]) button:enabled")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const isSearch = event.target.matches("[data-find-template]");
  if (event.key === "Enter" && isSearch) picks[0]?.click();
  else if (step && (isSearch || picks.includes(event.target))) (picks[picks.indexOf(event.target) + step] ?? place().querySelector("[data-find-template]"))?.focus();
  else return;
  event.preventDefault();
}

/** Only how it reads: nobody's field is taken from under their hand. */
async function show() {
  const found = await ask();
  if (found) place().querySelector("[data-said-part]")?.replaceChildren(...found.querySelector("[data-said-part]").childNodes);
  if (place().querySelector("[data-header-file]")) showFile();
}

/** The file in the preview: a picture itself, else its name. One of file and address is enough. */
function showFile() {
  const file = place().querySelector("[data-header-file]");
  const link = place().querySelector("[data-header-link]")?.value.trim() ?? "";
  if ("needed" in file.dataset) file.required = !link;
  const chip = place().querySelector("[data-said-file]");
  const picture = place().querySelector("[data-said-picture]");
  const shown = chip.querySelector("span");
  const chosen = file.files[0];
  shown.dataset.usual ??= shown.textContent;
  picture.dataset.usual ??= picture.getAttribute("src") ?? "";
  shown.textContent = chosen?.name ?? (link || shown.dataset.usual);
  URL.revokeObjectURL(picture.src);
  picture.src = chosen?.type.startsWith("image/") ? URL.createObjectURL(chosen) : chosen || link ? "" : picture.dataset.usual;
  picture.hidden = !picture.getAttribute("src");
  chip.hidden = !picture.hidden;
}

export function offerTemplates() {
  if (place().dataset.wired) { if (!place().firstElementChild) draw().catch(failed); return; }
  place().dataset.wired = "yes";
  place().addEventListener("change", (event) => {
    if (event.target.matches("[data-header-file]")) showFile();
  });
  place().addEventListener("click", (event) => {
    const pick = event.target.closest("[data-pick]");
    if (!pick) return;
    for (const old of place().querySelectorAll("[data-value], [data-header-file]")) old.remove();
    draw(pick.dataset.pick).catch(failed);
  });
  place().addEventListener("keydown", steer);
  place().addEventListener("input", (event) => {
    if (event.target.matches("[data-find-template]")) find(event.target.value);
    if (!event.target.matches("[data-value]")) return;
    if (event.target.matches("[data-header-link]")) { showFile(); return; }
    clearTimeout(timer);
    timer = setTimeout(() => show().catch(() => {}), 200);
  });
  draw().catch(failed);
}
