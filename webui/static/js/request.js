// The only way our modules speak to the box: same origin, CSRF header, problems as sentences.
import { _ } from "./i18n.js";

export const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** What the box refused and why: `title`, `detail`, `status`, `fields`, `id`. */
export class Problem extends Error {
  constructor(status, body = {}) {
    super(body.detail || body.title || _("The box could not do that. Try again."));
    this.status = status;
    this.title = body.title ?? "";
    this.fields = body.fields ?? {};
    this.id = (body.instance ?? "").replace("urn:request:", "");
  }
}

export async function problemOf(response) {
  const type = response.headers.get("content-type") ?? "";
  if (!type.includes("json")) return new Problem(response.status);
  try {
    return new Problem(response.status, await response.json());
  } catch {
    return new Problem(response.status);
  }
}

export const toSignIn = () => location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);

/** JSON in, JSON out. Throws `Problem`; a dead network throws `Problem` with status 0. */
export async function request(url, { method = "GET", body, headers = {}, signal } = {}) {
  const init = { method, signal, credentials: "same-origin", headers: { Accept: "application/json", ...headers } };
  if (method !== "GET") init.headers["X-CSRF-Token"] = csrf();
  if (body instanceof FormData || body instanceof Blob) init.body = body;
  else if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: _("No connection. What you typed is kept here.") });
  }
  if (response.status === 401) toSignIn();
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return null;
  return (response.headers.get("content-type") ?? "").includes("json") ? response.json() : response.text();
}
