// <time data-ago> says "2 minutes ago" and keeps saying it right.
import { ago, datetime } from "./i18n.js";

function tell(scope) {
  for (const time of scope.querySelectorAll("time[data-ago]")) {
    time.textContent = ago(time.dateTime);
    time.title ||= datetime(time.dateTime, { dateStyle: "full", timeStyle: "short" });
  }
}

tell(document);
setInterval(() => { if (!document.hidden) tell(document); }, 30_000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) tell(document); });
document.addEventListener("htmx:after:swap", () => tell(document));
