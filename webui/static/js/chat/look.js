// The chat as it will look, while its form is filled in.
const form = document.querySelector("[data-webchat-form]")?.closest("form");
const look = document.querySelector("[data-look]");

const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const luminance = (hex) => [1, 3, 5].map((at) => linear(Number.parseInt(hex.slice(at, at + 2), 16) / 255)).reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);

function draw() {
  const said = Object.fromEntries(new FormData(form));
  look.dataset.side = said.position;
  look.querySelector("[data-look-title]").textContent = said.title;
  const greeting = look.querySelector("[data-look-greeting]");
  greeting.textContent = said.greeting;
  greeting.hidden = !said.greeting;
  look.style.setProperty("--accent", said.colour);
  look.style.setProperty("--on-accent", luminance(said.colour) > 0.18 ? "#000" : "#fff");
}

if (form && look) {
  form.addEventListener("input", draw);
  draw();
}
