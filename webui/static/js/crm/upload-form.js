// <form data-upload="/next/ID">: hands its file to the API with a progress bar, then goes to the page of what was made.
import { _ } from "../i18n.js";
import { csrf, problemOf, toSignIn, Problem } from "../request.js";

// fetch cannot tell how much of a body was sent.
function send(url, body, onProgress) {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open("POST", url);
    call.setRequestHeader("X-CSRF-Token", csrf());
    call.setRequestHeader("Accept", "application/json");
    call.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    call.addEventListener("error", () => reject(new Problem(0, { detail: _("No connection. What you typed is kept here.") })));
    call.addEventListener("load", async () => {
      if (call.status === 401) toSignIn();
      const headers = { "content-type": call.getResponseHeader("content-type") ?? "" };
      if (call.status < 300) resolve(JSON.parse(call.responseText));
      else reject(await problemOf(new Response(call.responseText, { status: call.status, headers })));
    });
    call.send(body);
  });
}

for (const form of document.querySelectorAll("form[data-upload]")) {
  const bar = form.querySelector("progress");
  const said = form.querySelector("[data-problem]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    said.hidden = true;
    bar.hidden = false;
    try {
      const made = await send(form.action, new FormData(form), (share) => { bar.value = share; });
      location.assign(form.dataset.upload.replace("ID", made.id));
    } catch (problem) {
      bar.hidden = true;
      button.disabled = false;
      said.hidden = false;
      said.querySelector("span").textContent = Object.values(problem.fields)[0] ?? problem.message;
    }
  });

  const input = form.querySelector("input[type=file]");
  const drop = form.querySelector(".drop");
  const name = drop.querySelector("[data-file-name]");
  input.addEventListener("change", () => { if (input.files.length) name.textContent = input.files[0].name; });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("is-hover", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) {
        input.files = event.dataTransfer.files;
        input.dispatchEvent(new Event("change"));
      }
    });
  }
}
