// Files to the box: several at once, two in flight, progress for each, a failure says why and can be tried again.
import { el, icon } from "../dom.js";
import { _ } from "../i18n.js";
import { PIECES_FROM, sendInPieces } from "./pieces.js";
import { csrf } from "../request.js";

const input = document.querySelector("[data-upload]");
const shelf = document.querySelector("[data-uploads]");
const AT_ONCE = 2;
const waiting = [];
let flying = 0;

function row(file) {
  const bar = el("progress", { class: "bar", max: "100", value: "0", "aria-label": file.name });
  const said = el("span", { class: "t12 muted" }, _("waiting"));
  const node = el("li", { class: "upload row" }, icon("file", "sm muted"), el("span", { class: "medium clip grow" }, file.name), bar, said);
  shelf.append(node);
  return { file, node, bar, said };
}

function next() {
  while (flying < AT_ONCE && waiting.length) send(waiting.shift());
}

function send(job) {
  flying += 1;
  if (job.file.size > PIECES_FROM) inPieces(job);
  else whole(job);
}

function inPieces(job) {
  const file = job.file;
  const onProgress = (share) => sent(job, share);
  const onBegin = (address) => { file.begun = address; };  // "Try again" goes on where it stopped
  sendInPieces(input.dataset.pieces, file, { begun: file.begun, onBegin, onProgress })
    .then(() => done(job), (problem) => failed(job, problem.status ? problem.message : _("No connection. The file was not sent.")))
    .finally(() => { flying -= 1; next(); });
}

function sent(job, share) {
  job.bar.value = Math.round(share * 100);
  job.said.textContent = `${job.bar.value}%`;
}

function whole(job) {
  const call = new XMLHttpRequest();  // fetch cannot say how much was sent
  const form = new FormData();
  form.append("file", job.file);
  call.open("POST", input.dataset.upload);
  call.setRequestHeader("X-CSRF-Token", csrf());
  call.setRequestHeader("Accept", "application/json");
  call.responseType = "json";
  call.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) sent(job, event.loaded / event.total);
  });
  call.addEventListener("load", () => {
    if (call.status < 300) done(job, call.response?.notice);
    else failed(job, call.response?.detail ?? _("The box could not take this file."));
  });
  call.addEventListener("error", () => failed(job, _("No connection. The file was not sent.")));
  call.addEventListener("loadend", () => { flying -= 1; next(); });
  call.send(form);
}

function done(job, notice) {
  job.bar.value = 100;
  job.said.textContent = notice || _("sent");
  if (notice) job.node.append(leaving(job));
  else setTimeout(() => job.node.remove(), 10_000);
  document.body.dispatchEvent(new CustomEvent("live:document.stored", { bubbles: true }));
}

function leaving(job) {
  const leave = el("button", { type: "button", class: "btn sm icon-only quiet", "aria-label": _("Dismiss") }, icon("x"));
  leave.addEventListener("click", () => job.node.remove());
  return leave;
}

function failed(job, why) {
  const again = el("button", { type: "button", class: "btn sm" }, icon("refresh"), _("Try again"));
  const said = el("span", { class: "t12 bad" }, why);
  job.bar.replaceWith(said);
  job.said.replaceWith(again, leaving(job));
  again.addEventListener("click", () => { job.node.remove(); take([job.file]); });
}

function take(files) {
  for (const file of files) waiting.push(row(file));
  next();
}

if (input) {
  input.addEventListener("change", () => { take([...input.files]); input.value = ""; });
  const over = (on) => document.querySelector("[data-drop]")?.classList.toggle("is-hover", on);
  document.addEventListener("dragover", (event) => { event.preventDefault(); over(true); });
  document.addEventListener("dragleave", () => over(false));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    if (event.dataTransfer.files.length) take([...event.dataTransfer.files]);
  });
}
document.querySelector("[data-scroll-here]")?.scrollIntoView({ block: "center" });
