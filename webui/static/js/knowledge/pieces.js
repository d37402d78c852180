// Big files go in pieces (tus 1.0.0): after a lost connection the box says how far it came, and it goes on from there.
import { csrf, problemOf, toSignIn } from "../request.js";

export const PIECES_FROM = 16 * 2 ** 20;
const PIECE = 3 * 2 ** 20;
const TRIES = 6;
const WAIT_MS = 1000;

const bytes = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function call(url, method, headers, body) {
  const answer = await fetch(url, { method, body, headers: { "Tus-Resumable": "1.0.0", "X-CSRF-Token": csrf(), Accept: "application/json", ...headers } });
  if (answer.status === 401) toSignIn();
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

const place = (answer) => Number(answer.headers.get("Upload-Offset"));

async function goOn(url, file, from) {
  const headers = { "Upload-Offset": String(from), "Content-Type": "application/offset+octet-stream" };
  return place(await call(url, "PATCH", headers, file.slice(from, from + PIECE)));
}

// `begun` is the address of an upload to go on with; `onBegin` is told a new one. Throws a Problem that trying again cannot mend.
export async function sendInPieces(url, file, { begun = "", onBegin = () => {}, onProgress = () => {} } = {}) {
  let address = begun;
  if (!address) {
    const answer = await call(url, "POST", { "Upload-Length": String(file.size), "Upload-Metadata": `filename ${bytes(file.name)}` });
    address = answer.headers.get("Location");
    onBegin(address);
  }
  let sent = begun ? place(await call(address, "HEAD", {})) : 0;
  for (let tries = 0; sent < file.size;) {
    try {
      sent = await goOn(address, file, sent);
      onProgress(sent / file.size);
      tries = 0;
    } catch (problem) {
      tries += 1;
      const mendable = problem instanceof TypeError || problem.status === 409 || problem.status >= 500;
      if (!mendable || tries === TRIES) throw problem;
      await wait(WAIT_MS * 2 ** tries);
      sent = await call(address, "HEAD", {}).then(place, () => sent);
    }
  }
}
