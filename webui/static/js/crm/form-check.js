/* Before a form with data-check is sent, the browser does the sum that the box asks for: it begins when somebody begins to fill the form in.
   A script of any site's page, hence no module; SHA-256 by hand, since browsers keep theirs from pages without HTTPS. */
(() => {
  const FRESH_MS = 90 * 60 * 1000;
  const SLICE_MS = 12;
  const fraction = (root) => ((root % 1) * 2 ** 32) | 0;
  const primes = [];
  for (let number = 2; primes.length < 64; number++) if (primes.every((prime) => number % prime)) primes.push(number);
  const START = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
  const K = primes.map((prime) => fraction(Math.cbrt(prime)));
  const w = new Int32Array(64);
  const turn = (x, by) => (x >>> by) | (x << (32 - by));

  /* The first word of the hash of at most 55 letters (FIPS 180-4). */
  function firstWord(text) {
    w.fill(0);
    for (let i = 0; i < text.length; i++) w[i >> 2] |= text.charCodeAt(i) << (24 - (i % 4) * 8);
    w[text.length >> 2] |= 0x80 << (24 - (text.length % 4) * 8);
    w[15] = text.length * 8;
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15];
      const b = w[i - 2];
      w[i] = (w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10))) | 0;
    }
    let [a, b, c, d, e, f, g, h] = START;
    for (let i = 0; i < 64; i++) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0;
      d = c; c = b; b = a; a = (one + two) | 0;
    }
    return (START[0] + a) >>> 0;
  }

  async function solve({ puzzle, bits }) {
    for (let number = 0; ; ) {
      for (const until = performance.now() + SLICE_MS; performance.now() < until; number++)
        if (firstWord(`${puzzle}:${number}`) >>> (32 - bits) === 0) return `${puzzle}:${number}`;
      await new Promise((next) => setTimeout(next));
    }
  }

  function watch(form) {
    let begun = null;
    let since = 0;
    let sending = false;
    const ask = async () => solve(await (await fetch(form.dataset.check, { credentials: "omit" })).json());
    const begin = () => {
      if (begun && Date.now() - since < FRESH_MS) return begun;
      since = Date.now();
      return (begun = ask().catch(() => (begun = null) ?? "")); // without an answer the box says what is missing
    };
    form.addEventListener("focusin", begin);
    form.addEventListener("submit", async (event) => {
      if (form.elements.form_check) return;
      event.preventDefault();
      if (sending) return;
      sending = true;
      const field = Object.assign(document.createElement("input"), { type: "hidden", name: "form_check", value: await begin() });
      form.append(field);
      await new Promise((next) => setTimeout(next)); // within this very event a form refuses to be sent again
      form.requestSubmit(event.submitter ?? undefined);
    });
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return; // back from the thanks: the sum was used up
      form.elements.form_check?.remove();
      sending = false;
      begun = null;
    });
  }

  document.querySelectorAll("form[data-check]").forEach(watch);
})();
