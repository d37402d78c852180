// The test bench of an agent: ask as a customer would, see the answer and every step that led to it.
import { el, icon } from "../dom.js";
import { _, number } from "../i18n.js";
import { Problem, csrf, problemOf, toSignIn } from "../request.js";
import { failed } from "../toast.js";

const bench = document.querySelector("[data-bench]");
const log = bench.querySelector(".log");
const box = bench.querySelector("textarea");
const steps = document.querySelector("[data-steps]");
const took = document.querySelector("[data-took]");
const words = JSON.parse(bench.dataset.words);
let context = [];

// "[1]" in an answer points to its first source.
const cited = (text) => text.split(/\[(\d{1,2})\]/).map((piece, place) => (place % 2 ? el("span", { class: "cite" }, piece) : piece));

function say(text, side, extra = []) {
  const bubble = el("div", { class: "bubble" }, ...text.split("\n\n").map((part) => el("p", {}, ...(side.includes("ai") ? cited(part) : [part]))));
  for (const node of extra) bubble.append(node);
  const line = el("article", { class: `msg ${side} turn` }, bubble);
  log.append(line);
  log.scrollTop = log.scrollHeight;
  return line;
}

const named = ({ document_name: name = "", page_number: page }) => [name, page && _("p. %(page)s", { page })].filter(Boolean).join(", ");

function sources(found) {
  if (!found.length) return [];
  return [el("div", { class: "sources" }, ...found.map((source, place) =>
    el("span", { title: source.excerpt ?? "" }, icon("file", "xs"), el("span", { class: "clip" }, `${place + 1}. ${named(source)}`))))];
}

// What a person can use of a step: what has a word and says something; of the sources only how many there were.
const PER_CENT = new Set(["confidence", "floor"]);

function plain(key, value) {
  if (PER_CENT.has(key)) return number(value, { style: "percent" });
  if (key === "reason") return words.reasons[value] ?? value;
  if (key === "engine") return words.verdicts[value] ?? value;
  if (Array.isArray(value)) return number(value.length);
  return typeof value === "number" ? number(value) : String(value);
}

function details(detail) {
  const said = Object.entries(detail).filter(([key, value]) => words.details[key] && value && !(Array.isArray(value) && !value.length));
  return said.map(([key, value]) => `${words.details[key]}: ${plain(key, value)}`);
}

function show(result) {
  took.textContent = _("%(ms)s ms", { ms: number(result.took_ms) });
  const rows = result.steps.map((step) => el("li", { class: "done" },
    el("span", { class: "bullet" }, icon("check")),
    el("div", {},
      el("p", { class: "row base" }, el("span", { class: "medium" }, words.steps[step.name] ?? step.name), step.took_ms ? el("span", { class: "push t12 muted nowrap" }, _("%(ms)s ms", { ms: number(step.took_ms) })) : null),
      el("p", { class: "t12 muted" }, [step.verdict.split(", ").map((part) => words.verdicts[part] ?? part).join(", "), ...details(step.detail)].join(" · ")))));
  const verdict = [words.outcomes[result.outcome] ?? result.outcome, result.reason && (words.reasons[result.reason] ?? result.reason)].filter(Boolean).join(": ");
  steps.replaceChildren(el("p", { class: "medium" }, verdict), el("ol", { class: "steps t13" }, ...rows));
}

// Reads the answer as it is written: `delta` events go to `grow`, `done` is the result.
async function listen(url, body, grow) {
  const headers = { Accept: "text/event-stream", "Content-Type": "application/json", "X-CSRF-Token": csrf() };
  const lost = () => new Problem(0, { detail: _("No connection. What you typed is kept here.") });
  const response = await fetch(url, { method: "POST", credentials: "same-origin", headers, body: JSON.stringify(body) }).catch(() => { throw lost(); });
  if (response.status === 401) toSignIn();
  if (!response.ok) throw await problemOf(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { done, value } = await reader.read().catch(() => { throw lost(); });
    if (done) throw lost();
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const found = /^event: (\w+)\ndata: (.*)$/s.exec(block);
      if (!found) continue;
      const said = JSON.parse(found[2]);
      if (found[1] === "done") return said;
      if (found[1] === "error") throw new Problem(said.status, said);
      grow(said.text);
    }
  }
}

async function ask() {
  const question = box.value.trim();
  if (!question) return;
  bench.querySelector("[data-hint]")?.remove();
  box.value = "";
  say(question, "");
  const waiting = say("…", "out ai");
  let written = "";
  const grow = (text) => {
    written += text;
    waiting.querySelector(".bubble").replaceChildren(...written.split("\n\n").map((part) => el("p", {}, ...cited(part))));
    log.scrollTop = log.scrollHeight;
  };
  try {
    const result = await listen(bench.dataset.bench, { question, context, version: bench.dataset.version, stream: true }, grow);
    waiting.remove();
    say(result.text || _("(stays silent)"), "out ai", sources(result.sources));
    context = [...context, { role: "contact", text: question }, ...(result.text ? [{ role: "agent", text: result.text }] : [])].slice(-20);
    show(result);
  } catch (error) {
    waiting.remove();
    box.value = question;
    failed(error);
  }
  box.focus();
}

bench.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); ask(); });
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); ask(); }
});
bench.querySelector("[data-clear]").addEventListener("click", () => { context = []; log.replaceChildren(); box.focus(); });
