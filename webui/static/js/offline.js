// The banner shown when the box has not answered for three seconds. Any module may say it lost or found the box.
import { _ } from "./i18n.js";

const banner = document.getElementById("offline");
let since = 0;
let timer = 0;
let ticking = 0;

function show() {
  if (!banner) return;
  banner.hidden = false;
  const line = banner.querySelector("[data-since]");
  const tell = () => { line.textContent = _("No connection for %(seconds)s s.", { seconds: Math.round((Date.now() - since) / 1000) }); };
  tell();
  clearInterval(ticking);
  ticking = setInterval(tell, 5000);
}

export function lost() {
  if (since) return;
  since = Date.now();
  timer = setTimeout(show, 3000);
}

export function back() {
  if (since) document.dispatchEvent(new Event("box:found"));
  since = 0;
  clearTimeout(timer);
  clearInterval(ticking);
  if (banner) banner.hidden = true;
}

async function probe() {
  try {
    await fetch("/health/live", { cache: "no-store" });
    back();
    document.body.dispatchEvent(new CustomEvent("box:back", { bubbles: true }));
  } catch {
    lost();
  }
}

window.addEventListener("offline", lost);
window.addEventListener("online", probe);
banner?.querySelector("[data-retry]")?.addEventListener("click", probe);
