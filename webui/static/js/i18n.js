// The page's language. Catalogues come from the same .po files as the server's sentences.
const language = document.documentElement.lang || "pt-BR";
const url = document.querySelector('link[rel="preload"][data-catalogue]')?.href;

async function load() {
  try {
    return url ? await (await fetch(url)).json() : {};
  } catch {
    return {};
  }
}

const messages = await load();

function fill(text, values) {
  return text.replace(/%\((\w+)\)[sd]/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** `_("Saved at %(time)s", {time})`: source strings are English, as in Python. */
export function _(text, values = {}) {
  const found = messages[text];
  return fill(typeof found === "string" ? found : text, values);
}

export function ngettext(singular, several, n, values = {}) {
  const found = messages[singular];
  const text = Array.isArray(found) ? found[n === 1 ? 0 : 1] : n === 1 ? singular : several;
  return fill(text, { num: n, ...values });
}

export const locale = language;
export const timezone = document.querySelector('meta[name="timezone"]')?.content || undefined;
const formats = new Map();

function cached(key, make) {
  if (!formats.has(key)) formats.set(key, make());
  return formats.get(key);
}

export const number = (value, options = {}) => cached(`n${JSON.stringify(options)}`, () => new Intl.NumberFormat(language, options)).format(value);
export const datetime = (value, options = { dateStyle: "short", timeStyle: "short" }) =>
  cached(`d${JSON.stringify(options)}`, () => new Intl.DateTimeFormat(language, { timeZone: timezone, ...options })).format(new Date(value));

const STEPS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [7 * 86400, "day", 86400]];

/** "2 minutes ago" up to a week, then the date. */
export function ago(value, now = Date.now()) {
  const seconds = Math.round((new Date(value).getTime() - now) / 1000);
  const step = STEPS.find(([limit]) => Math.abs(seconds) < limit);
  if (!step) return datetime(value, { dateStyle: "medium" });
  return cached("r", () => new Intl.RelativeTimeFormat(language, { numeric: "auto" })).format(Math.trunc(seconds / step[2]), step[1]);
}
