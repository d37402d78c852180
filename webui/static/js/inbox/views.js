// Saved views: named, changed and deleted in a dialog of the server's; fetched when somebody asks for it first.
import { refreshList } from "./list.js";
import { showDialog } from "./parts.js";
import { list } from "./place.js";
import { ask } from "../dialogs.js";
import { _ } from "../i18n.js";
import { request } from "../request.js";
import { failed, toast } from "../toast.js";

const VIEWS = "/api/v1/inbox-views";
const NO_FILTERS = ["q", "at", "page", "limit"];

/** Opens the dialog at `url`: for the filters that stand in the address, or for a view that there is. */
export async function openView(url) {
  const dialog = await showDialog(url);
  const form = dialog?.querySelector("[data-view-form]");
  form?.elements.name.select();
  form?.addEventListener("submit", (event) => { event.preventDefault(); save(dialog, form); });
  form?.querySelector("[data-delete-view]")?.addEventListener("click", (event) => remove(dialog, form.dataset.id, event.currentTarget.dataset.question));
}

function filtersHere() {
  const asked = Object.fromEntries(new URLSearchParams(location.search));
  for (const name of NO_FILTERS) delete asked[name];
  return asked;
}

function said(form) {
  const { name, audience, place } = form.elements;
  const team = ["own", "all"].includes(audience.value) ? null : audience.value;
  return { name: name.value, shared: audience.value !== "own", team_id: team, ...(place && { place: Number(place.value) }) };
}

async function save(dialog, form) {
  const { id } = form.dataset;
  const wanted = said(form);
  try {
    const before = id && (await known(id));
    if (id && before.shared !== wanted.shared) delete wanted.place;  // it goes behind the last of the others
    const now = id
      ? await request(`${VIEWS}/${id}`, { method: "PATCH", body: wanted })
      : await request(VIEWS, { method: "POST", body: { ...wanted, filters: filtersHere() } });
    dialog.close();
    const undo = id ? { method: "PATCH", body: before } : { method: "DELETE" };
    tell(_("Saved."), () => request(`${VIEWS}/${now.id}`, undo));
  } catch (error) {
    const problem = form.querySelector("[data-problem]");
    problem.textContent = error.message;
    problem.hidden = false;
  }
}

/** What a colleague made is asked about first: put back, it would be ours. */
async function remove(dialog, id, question) {
  if (question && !(await ask(question, { yes: _("Delete"), danger: true }))) return;
  try {
    const { place, ...before } = await known(id);
    await request(`${VIEWS}/${id}`, { method: "DELETE" });
    dialog.close();
    tell(_("Deleted."), !question && (async () => {
      const again = await request(VIEWS, { method: "POST", body: before });
      await request(`${VIEWS}/${again.id}`, { method: "PATCH", body: { place } });
    }));
  } catch (error) {
    dialog.close();
    failed(error);
  }
}

/** What puts it back as it is. */
async function known(id) {
  const { name, filters, shared, team_id } = await request(`${VIEWS}/${id}`);
  return { name, filters, shared, team_id, place: placeOf(id) };
}

/** Where it stands among its own kind, as the list shows them. */
function placeOf(id) {
  const links = [...list.querySelectorAll("[data-saved]")];
  const isShared = (link) => link.hasAttribute("data-shared");
  const own = links.find((link) => link.dataset.saved === id);
  return Math.max(0, links.filter((link) => isShared(link) === isShared(own)).indexOf(own));
}

function tell(text, undo) {
  const action = undo ? { label: _("Undo"), run: () => undo().then(() => refreshList()).catch(failed) } : null;
  toast(text, { action });
  refreshList().catch(failed);
}

/** By key: onto the view that is shown, the first one, or what makes one. */
export function walk() {
  const nav = list.querySelector("[data-views]");
  (nav?.querySelector("[aria-current]") ?? nav?.querySelector("a") ?? nav?.querySelector("button"))?.focus();
}

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
list.addEventListener("keydown", (event) => {
  const items = [...(event.target.closest("[data-views]")?.querySelectorAll("a, button") ?? [])];
  if (!items.length || !STEPS[event.key]) return;
  items[(items.indexOf(document.activeElement) + STEPS[event.key] + items.length) % items.length].focus();
  event.preventDefault();
});
