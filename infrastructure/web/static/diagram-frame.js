// In the frame of one diagram: draws the text that the page hands over, and says how tall the picture is.
"use strict";
{
  const LONGEST = 50_000;
  const SMALLEST = 0.6;
  const place = document.getElementById("place");
  const tell = (what) => parent.postMessage(what, "*");
  let height = 0;
  let drawn = 0;

  const measured = new ResizeObserver(() => {
    const now = Math.ceil(place.getBoundingClientRect().height);
    if (now && now !== height) tell({ height: (height = now) });
  });
  measured.observe(place);

  const draw = async ({ text, dark }) => {
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
    mermaid.initialize({
      startOnLoad: false,
      securityLevel: "strict",
      suppressErrorRendering: true,
      maxTextSize: LONGEST,
      maxEdges: 500,
      theme: dark ? "dark" : "default",
      fontFamily: "system-ui, sans-serif",
    });
    try {
      const { svg } = await mermaid.render(`diagram-${++drawn}`, text);
      place.innerHTML = svg;
      for (const link of place.querySelectorAll("a")) {
        for (const name of link.getAttributeNames()) if (/href|target/.test(name)) link.removeAttribute(name);
      }
      const picture = place.querySelector("svg");
      picture.style.minWidth = `${Math.round(picture.viewBox.baseVal.width * SMALLEST)}px`;
    } catch {
      tell({ failed: true });
    }
  };

  addEventListener("message", ({ source, data }) => {
    if (source === parent && typeof data?.text === "string") draw(data);
  });
  tell({ ready: true });
}
