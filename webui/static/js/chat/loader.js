// Runs on somebody else's page: a button, and on demand a frame from the box. No dependency, nothing global, styles of its own.
(config) => {
  const home = new URL(document.currentScript.src).origin;
  const TAG = "salesedge-chat";
  const BEGUN = `${TAG}:${config.key}`;
  const SVG = "http://www.w3.org/2000/svg";
  const css = `
    :host { all: initial; position: fixed; inset-block-end: 20px; ${config.side}: 20px; z-index: 2147483000;
      --a: ${config.light[0]}; --o: ${config.light[1]}; font-family: system-ui, sans-serif; }
    @media (prefers-color-scheme: dark) { :host { --a: ${config.dark[0]}; --o: ${config.dark[1]}; } }
    button { all: unset; box-sizing: border-box; position: relative; display: grid; place-items: center; inline-size: 56px; block-size: 56px;
      border-radius: 50%; background: var(--a); color: var(--o); cursor: pointer; box-shadow: 0 4px 16px rgb(0 0 0 / 25%); }
    button:focus-visible { outline: 3px solid var(--a); outline-offset: 3px; }
    svg { inline-size: 26px; block-size: 26px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
    b { position: absolute; inset-block-start: -2px; inset-inline-end: -2px; min-inline-size: 20px; box-sizing: border-box; padding: 0 5px;
      border-radius: 10px; background: #b3261e; color: #fff; font: 600 12px/20px system-ui, sans-serif; text-align: center; }
    [hidden] { display: none !important; }
    div { position: fixed; inset-block-end: 88px; ${config.side}: 20px; inline-size: min(384px, calc(100vw - 40px));
      block-size: min(620px, calc(100dvh - 108px)); border-radius: 14px; overflow: hidden; box-shadow: 0 10px 40px rgb(0 0 0 / 30%); }
    iframe { display: block; inline-size: 100%; block-size: 100%; border: 0; }
    @media (max-width: 480px) { button[aria-expanded="true"] { display: none; } div { inset: 0; inline-size: 100%; block-size: 100dvh; border-radius: 0; } }
    @media (prefers-reduced-motion: no-preference) { div { animation: in 160ms ease-out; } @keyframes in { from { opacity: 0; transform: translateY(8px); } } }`;

  const make = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  const drawing = (path) => {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(SVG, "path");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  };

  // Storage may be forbidden on the page; then a returning visitor sees what is unread once the chat is opened.
  const remembered = () => { try { return localStorage.getItem(BEGUN) === "1"; } catch { return false; } };
  const remember = () => { try { localStorage.setItem(BEGUN, "1"); } catch { /* said above */ } };

  const start = () => {
    if (document.querySelector(TAG)) return;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    const host = make(TAG, {});
    const root = host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    const badge = make("b", { hidden: "", "aria-hidden": "true" });
    const talk = drawing("M21 12a8 8 0 0 1-8 8H4l2-3a8 8 0 1 1 15-5Z");
    const cross = drawing("M6 6l12 12M18 6L6 18");
    const button = make("button", { type: "button", "aria-expanded": "false", "aria-label": config.open }, talk, badge);
    const box = make("div", { role: "dialog", "aria-label": config.title, hidden: "" });
    let frame = null;
    let ready = false;
    let unread = 0;

    const isOpen = () => !box.hidden;
    const tell = () => { if (ready) frame.contentWindow.postMessage({ salesedge: config.key, say: isOpen() ? "shown" : "hidden" }, home); };

    const load = () => {
      if (frame) return;
      frame = make("iframe", { src: home + config.page, title: config.title });
      box.append(frame);
    };

    const label = () => {
      const said = isOpen() ? config.close : config.open;
      button.setAttribute("aria-label", unread && !isOpen() ? `${said} (${config.unread}: ${unread})` : said);
      badge.textContent = unread > 9 ? "9+" : String(unread);
      badge.hidden = isOpen() || !unread;
    };

    const show = (open) => {
      load();
      box.hidden = !open;
      button.setAttribute("aria-expanded", String(open));
      button.replaceChildren(open ? cross : talk, badge);
      label();
      tell();
      if (open) frame.focus();
      else button.focus();
    };

    button.addEventListener("click", () => show(!isOpen()));
    root.addEventListener("keydown", (event) => { if (event.key === "Escape" && isOpen()) show(false); });
    window.addEventListener("message", ({ source, origin, data }) => {
      if (!frame || source !== frame.contentWindow || origin !== home || data?.salesedge !== config.key) return;
      if (data.say === "ready") { ready = true; tell(); }
      else if (data.say === "close") show(false);
      else if (data.say === "begun") remember();
      else if (data.say === "unread") { unread = Number(data.count) || 0; label(); }
    });
    root.append(box, button);
    document.body.append(host);
    if (remembered()) load();
  };

  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
}
