// The visitor's way to the box. The token is who they are: it is made by the box and kept in this browser.
import { _ } from "../i18n.js";
import { Problem, problemOf } from "../request.js";

const at = `/chat/${document.body.dataset.chat}`;
const TOKEN = `visitor:${at}`;
const kept = new Map();  // where the browser forbids storage, for as long as the page lives

export function recall(name) {
  try {
    return localStorage.getItem(name) ?? kept.get(name) ?? "";
  } catch {
    return kept.get(name) ?? "";
  }
}

export function remember(name, value) {
  kept.set(name, value);
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
  } catch { /* kept above */ }
}

export const isKnown = () => Boolean(recall(TOKEN));
export const forgetMe = () => remember(TOKEN, "");

let asking = null;

async function token() {
  if (isKnown()) return recall(TOKEN);
  asking ??= send("/visitors", { method: "POST" }).then(({ token: given }) => { remember(TOKEN, given); return given; }).finally(() => { asking = null; });
  return asking;
}

async function answerTo(path, { method = "GET", body, headers = {}, signal } = {}) {
  const init = { method, headers: { Accept: "application/json", ...headers }, credentials: "omit", cache: "no-store", signal };
  if (body instanceof FormData) init.body = body;
  else if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(at + path, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: _("No connection.") });
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function send(path, options) {
  const response = await answerTo(path, options);
  return response.status === 204 ? null : response.json();
}

/** As the visitor; throws `Problem`, with status 0 where nobody answers. A token that is no longer good makes way for a new one. */
export async function ask(path, options = {}, isAgain = false) {
  try {
    return await send(path, { ...options, headers: { "X-Visitor": await token() } });
  } catch (error) {
    if (error.status !== 401 || isAgain) throw error;
    forgetMe();
    return ask(path, options, true);
  }
}

export const raw = async (path, options = {}) => answerTo(path, { ...options, headers: { ...options.headers, "X-Visitor": recall(TOKEN) } });
