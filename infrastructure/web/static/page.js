// On every page: the theme, forms that are sent once, questions before what cannot be taken back, a sign of what can be
// scrolled.
"use strict";
{
  const NEXT = { auto: "light", light: "dark", dark: "auto" };
  const button = document.getElementById("theme");
  const root = document.documentElement;

  const tell = () => {
    const name = root.dataset.theme || "auto";
    button.textContent = `Theme: ${name}`;
    button.hidden = false;
  };
  button.addEventListener("click", () => {
    const next = NEXT[root.dataset.theme || "auto"];
    if (next === "auto") delete root.dataset.theme;
    else root.dataset.theme = next;
    localStorage.setItem("theme", next);
    tell();
  });
  tell();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.confirm && !confirm(form.dataset.confirm)) return event.preventDefault();
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });
  document.addEventListener("change", ({ target }) => {
    if (!target.files) return;
    const size = [...target.files].reduce((sum, file) => sum + file.size, 0);
    const most = Number(target.dataset.most);
    target.setCustomValidity(size > most ? `Together they are larger than ${Math.floor(most / 1e6)} MB.` : "");
  });
  // What scrolls by itself fades where there is more of it.
  const FRAMES = ".picture-frame, pre.text, .scroll";
  const fade = (frame) => {
    const { scrollLeft, scrollTop, scrollWidth, scrollHeight, clientWidth, clientHeight } = frame;
    frame.classList.toggle("more-left", scrollLeft > 1);
    frame.classList.toggle("more-above", scrollTop > 1);
    frame.classList.toggle("more-right", scrollWidth - clientWidth - scrollLeft > 1);
    frame.classList.toggle("more-below", scrollHeight - clientHeight - scrollTop > 1);
  };
  const sizes = new ResizeObserver((changed) => changed.forEach(({ target }) => fade(target)));
  const watch = () => document.querySelectorAll(FRAMES).forEach((frame) => sizes.observe(frame));
  document.addEventListener("scroll", ({ target }) => target.matches?.(FRAMES) && fade(target), true);
  document.addEventListener("renewed", watch);
  watch();
  const start = document.querySelector("[data-start]");
  if (start && !location.hash) start.scrollIntoView({ block: "end", behavior: "instant" });

  // One more row, without asking the server for it.
  document.addEventListener("click", (event) => {
    const { target } = event;
    const table = target.name === "add" && target.parentElement.querySelector("[data-rows]");
    if (!table) return;
    event.preventDefault();
    const row = table.tBodies[0].lastElementChild.cloneNode(true);
    for (const cell of row.querySelectorAll("input, select")) {
      cell.value = "";
      const said = cell.getAttribute("aria-label");
      cell.setAttribute("aria-label", said.replace(/\d+$/, (number) => Number(number) + 1));
    }
    table.tBodies[0].append(row);
    target.dataset.touched = "yes";
    row.querySelector("input, select").focus();
  });
  document.addEventListener("keydown", (event) => {
    const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey) && "sends" in event.target.dataset;
    if (sends) event.target.form.requestSubmit();
  });
  document.addEventListener("input", (event) => {
    event.target.dataset.touched = "yes";
  });
}
