// A customer's phone on the screen. Messages go in through the channel's own door and come back over the live stream.
import { _ } from "../i18n.js";
import { request } from "../request.js";
import { failed } from "../toast.js";

const phone = document.querySelector("[data-phone]");
const log = phone?.querySelector("[data-phone-log]");
const box = phone?.querySelector("textarea");
const nameField = document.querySelector("[data-visitor-name]");
const typing = phone?.querySelector("[data-typing]");
const KEY = `simulator:${phone?.dataset.channel}`;
let state = JSON.parse(localStorage.getItem(KEY) ?? "null") ?? fresh();
let fetching = false;
let again = false;

function fresh() {
  return { visitor: `visitor-${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`, name: nameField?.value ?? "", conversation: "" };
}

function keep() {
  localStorage.setItem(KEY, JSON.stringify(state));
}

const last = () => Math.max(0, ...[...log.querySelectorAll("[data-number]")].map((node) => Number(node.dataset.number)));

async function fetchNew() {
  if (!state.conversation) return;
  if (fetching) { again = true; return; }
  fetching = true;
  try {
    const text = await request(`/simulator/${state.conversation}/messages?after=${last()}`, { headers: { Accept: "text/html" } });
    const found = document.createRange().createContextualFragment(text);
    if (found.querySelector('[data-from="them"]')) typing.hidden = true;
    log.append(found);
    log.scrollTop = log.scrollHeight;
  } catch (error) {
    if (error.status === 404) { state = fresh(); keep(); }
    else failed(error);
  } finally {
    fetching = false;
    if (again) { again = false; fetchNew(); }
  }
}

async function send(text) {
  const words = text.trim();
  if (!words) return;
  box.value = "";
  typing.hidden = false;
  setTimeout(() => { typing.hidden = true; }, 15_000);
  try {
    const body = { visitor: state.visitor, name: state.name || nameField.value, text: words, client_id: crypto.randomUUID?.() ?? String(Date.now()) };
    const { conversation_id } = await request(phone.dataset.simulate, { method: "POST", body });
    state.conversation = conversation_id;
    keep();
    await fetchNew();
  } catch (error) {
    typing.hidden = true;
    box.value = words;
    failed(error);
  }
}

if (phone) {
  if (state.name && nameField) nameField.value = state.name;
  phone.querySelector("[data-phone-say]").addEventListener("submit", (event) => { event.preventDefault(); send(box.value); box.focus(); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(box.value); }
  });
  document.addEventListener("click", ({ target }) => {
    const line = target.closest("[data-say]");
    if (line) send(line.textContent);
  });
  nameField.addEventListener("change", () => { state.name = nameField.value; keep(); });
  document.querySelector("[data-new-customer]").addEventListener("click", () => {
    state = fresh();
    state.name = "";
    nameField.value = _("Test customer");
    keep();
    log.replaceChildren();
    box.focus();
  });
  for (const name of ["message.received", "message.queued", "message_status.changed", "resync"]) {
    document.addEventListener(`live:${name}`, ({ detail }) => {
      if (name === "resync" || detail.conversation_id === state.conversation) fetchNew();
    });
  }
  fetchNew();
}
