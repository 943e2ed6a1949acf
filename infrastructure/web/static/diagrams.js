// Draws Mermaid: each diagram in a frame of its own, which has no origin and reaches nothing. Its source stays below, and
// is all there is where it cannot be drawn.
"use strict";
{
  const LONGEST = 50_000;
  const TALLEST = 1_600;
  const MOST = 30;
  const FOUND = "code.language-mermaid";
  const { frame: address } = document.currentScript.dataset;
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Map();
  const heights = new Map();

  const hand = ({ frame, text }) => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
    frame.contentWindow?.postMessage({ text, dark }, "*");
  };

  const make = (name, values) => Object.assign(document.createElement(name), values);

  const begin = (code) => {
    const text = code.textContent;
    const pre = code.parentElement;
    const figure = make("figure", { className: "diagram" });
    const frame = make("iframe", { title: "Diagram", loading: "lazy", referrerPolicy: "no-referrer" });
    const button = make("button", { type: "button", className: "quiet", textContent: "Source of the diagram", hidden: true });
    frame.sandbox = "allow-scripts";
    frame.src = address;
    if (heights.has(text)) frame.style.height = `${heights.get(text)}px`;
    button.addEventListener("click", () => {
      pre.hidden = !pre.hidden;
      button.setAttribute("aria-expanded", String(!pre.hidden));
    });
    pre.replaceWith(figure);
    figure.append(frame, button, pre);
    drawn.set(frame, { frame, button, pre, figure, text, shown: false });
  };

  const size = (one, height) => {
    const tall = Math.min(Math.max(height, 40), TALLEST);
    heights.set(one.text, tall);
    one.frame.style.height = `${tall}px`;
    if (one.shown) return;
    one.shown = true;
    one.pre.hidden = true;
    one.button.hidden = false;
    one.button.setAttribute("aria-expanded", "false");
  };

  const give = (one) => {
    drawn.delete(one.frame);
    one.pre.hidden = false;
    one.pre.classList.add("undrawn");
    one.figure.replaceWith(make("p", { className: "soft small", textContent: "This diagram cannot be drawn; here is its source." }), one.pre);
  };

  const look = () => {
    for (const { frame } of [...drawn.values()]) if (!frame.isConnected) drawn.delete(frame);
    for (const code of document.querySelectorAll(`pre:not(.undrawn, .diagram pre) > ${FOUND}`)) {
      if (drawn.size < MOST && code.textContent.length <= LONGEST) begin(code);
    }
  };

  addEventListener("message", ({ source, data }) => {
    const one = [...drawn.values()].find(({ frame }) => frame.contentWindow === source);
    if (!one) return;
    if (data?.ready === true) hand(one);
    else if (Number.isFinite(data?.height)) size(one, data.height);
    else if (data?.failed === true) give(one);
  });
  const again = () => drawn.forEach(hand);
  new MutationObserver(again).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  system.addEventListener("change", again);
  document.addEventListener("renewed", look);
  look();
}
