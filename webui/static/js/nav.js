// Mobile navigation, panes and pressed toggles: no state worth keeping.
const app = document.querySelector(".app");

function openNav(open) {
  app?.toggleAttribute("data-nav-open", open);
  for (const button of document.querySelectorAll("[data-nav-toggle]")) button.setAttribute("aria-expanded", String(open));
  if (open) document.querySelector(".nav a")?.focus();
}

document.addEventListener("click", (event) => {
  const hit = (selector) => event.target.closest(selector);
  if (hit("[data-nav-toggle]")) openNav(!app.hasAttribute("data-nav-open"));
  else if (app?.hasAttribute("data-nav-open") && !hit(".nav")) openNav(false);

  const pane = hit("[data-show-pane]");
  if (pane) pane.closest("[data-pane]").dataset.pane = pane.dataset.showPane;

  const pressed = hit("[data-toggle] [aria-pressed], [aria-pressed][data-toggle]");
  if (!pressed) return;
  const group = pressed.closest(".seg");
  if (group) for (const button of group.querySelectorAll("[aria-pressed]")) button.setAttribute("aria-pressed", String(button === pressed));
  else pressed.setAttribute("aria-pressed", String(pressed.getAttribute("aria-pressed") !== "true"));
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && app?.hasAttribute("data-nav-open")) {
    openNav(false);
    document.querySelector("[data-nav-toggle]")?.focus();
  }
});
for (const log of document.querySelectorAll("[data-stick]")) log.scrollTop = log.scrollHeight;
for (const box of document.querySelectorAll("[data-indeterminate]")) box.indeterminate = true;
