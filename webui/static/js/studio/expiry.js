// The time a QR code has left, told once a second. A new code (data-code) begins its own time; the page brings it by itself.
const begun = new Map();

function tell() {
  for (const place of document.querySelectorAll("[data-expiry]")) {
    const { code, left, seconds } = place.dataset;
    if (!begun.has(code)) {
      begun.clear();
      begun.set(code, performance.now() + Number(left) * 1000);
    }
    const rest = Math.max(Math.ceil((begun.get(code) - performance.now()) / 1000), 0);
    place.querySelector(".ring circle:last-child").setAttribute("stroke-dasharray", `${(rest / (Number(seconds) || 1)) * 100} 100`);
    place.querySelector("[data-seconds-left]").textContent = `${rest} s`;
  }
}

setInterval(tell, 1000);
