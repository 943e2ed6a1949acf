// Keeps an open page as the server would draw it now: parts marked `data-live` are fetched anew when something happened
// that concerns them. What somebody reads, opened, focused or typed in stays as it is.
"use strict";
{
  const GAP_MS = 400;
  const AGAIN_MS = 2000;
  const LONGEST = 60_000;
  const ALL = "all";
  const SHAPE = "shape-";
  const { at: address = location.href, events, after, poll } = document.body.dataset;
  const line = document.getElementById("live");
  const drawn = new Map();
  const early = new Map();
  const MOST = 60;
  const news = new Set();
  const owed = new Set();
  let loading = false;
  let wanted = false;
  let source = null;
  let seen = after;

  const regions = () => [...document.querySelectorAll("[data-live]")];
  for (const region of regions()) drawn.set(region.id, region.outerHTML);

  const say = (text) => {
    line.hidden = false;
    if (line.textContent !== text) line.textContent = text;
  };

  // Names an element in a way that its successor answers to.
  const nameOf = (element) => {
    if (element.id) return `#${CSS.escape(element.id)}`;
    for (const name of ["href", "data-key", "name"]) {
      const value = element.getAttribute(name);
      if (value) return `${element.tagName.toLowerCase()}[${name}="${CSS.escape(value)}"]`;
    }
    return element.tagName.toLowerCase();
  };
  const placeOf = (region, element) => {
    const name = nameOf(element);
    return [name, [...region.querySelectorAll(name)].indexOf(element)];
  };
  const at = (region, [name, index]) => region.querySelectorAll(name)[index];

  const swap = (region, fresh) => {
    const focused = region.contains(document.activeElement) ? placeOf(region, document.activeElement) : null;
    const open = [...region.querySelectorAll("details[open]")].map((each) => placeOf(region, each));
    const moved = [...region.querySelectorAll(".picture-frame, .scroll, pre")]
      .filter((each) => each.scrollLeft || each.scrollTop)
      .map((each) => [placeOf(region, each), each.scrollLeft, each.scrollTop]);
    const kept = [...region.querySelectorAll("[data-keep]")].map((each) => [each.id, each.textContent]);
    for (const { name, value } of fresh.attributes) region.setAttribute(name, value);
    for (const inner of fresh.querySelectorAll("[data-live]")) drawn.set(inner.id, inner.outerHTML);
    region.replaceChildren(...fresh.childNodes);
    for (const [id, text] of kept) document.getElementById(id)?.append(text);
    for (const place of open) at(region, place)?.setAttribute("open", "");
    for (const [place, left, top] of moved) at(region, place)?.scrollTo(left, top);
    if (focused) at(region, focused)?.focus({ preventScroll: true });
  };

  const update = (fresh, parts) => {
    for (const region of parts ? parts.map((id) => document.getElementById(id)) : regions()) {
      const next = region?.isConnected && fresh.getElementById(region.id);
      if (!next) continue;
      if (region.querySelector("[data-touched], form[data-sent]")) {
        owed.add(region.id);
        continue;
      }
      const text = next.outerHTML;
      if (drawn.get(region.id) === text) continue;
      drawn.set(region.id, text);
      swap(region, next);
    }
    if (fresh.title) document.title = fresh.title;
    document.dispatchEvent(new Event("renewed"));
    for (const [id, text] of early) if (write(id, text)) early.delete(id);
  };

  // The ids of the parts that the news concern, those within others left out; null for the whole page.
  const concerned = () => {
    if (news.has(ALL)) return null;
    const drawing = document.querySelector("[data-shape]")?.dataset.shape;
    if ([...news].some((name) => name.startsWith(SHAPE) && name !== SHAPE + drawing)) news.add("shape");
    const hears = ({ id, dataset }) =>
      owed.has(id) || !dataset.live || dataset.live.split(" ").some((name) => news.has(name));
    const found = regions().filter(hears);
    const ids = found.filter((one) => !found.some((other) => other !== one && other.contains(one))).map(({ id }) => id);
    return ids.length > MOST ? null : ids;
  };

  const refresh = (names) => {
    for (const name of names) news.add(name);
    if (loading) {
      wanted = true;
      return;
    }
    wanted = false;
    const parts = concerned();
    news.clear();
    if (parts && !parts.length) return;
    owed.clear();
    loading = true;
    const asked = new URL(address, location.href);
    for (const part of parts ?? []) asked.searchParams.append("part", part);
    const request = new XMLHttpRequest();
    request.open("GET", asked);
    request.responseType = "document";
    request.onloadend = () => {
      if (request.status === 401) return ended();
      if (request.status === 200 && request.response) update(request.response, parts);
      else news.add(ALL);
      setTimeout(() => {
        loading = false;
        if (wanted) refresh([]);
      }, GAP_MS);
    };
    request.send();
  };

  const ended = () => {
    source?.close();
    source = null;
    say("Your session has ended; sign in again.");
  };

  // Text while it is written; the newest part of it where there is much.
  const write = (id, text) => {
    const place = document.getElementById(id);
    if (!place) return false;
    const stays = place.scrollHeight - place.scrollTop - place.clientHeight < 40;
    place.append(text);
    if (place.textContent.length > LONGEST) place.textContent = place.textContent.slice(-LONGEST / 2);
    if (stays) place.scrollTop = place.scrollHeight;
    return true;
  };
  const heard = ({ run, task, text }) => {
    const id = `writing-${task || run}`;
    if (!write(id, text)) early.set(id, ((early.get(id) || "") + text).slice(-LONGEST));
  };

  const connect = () => {
    const own = new EventSource(`${events}?after=${seen}`);
    source = own;
    own.onopen = () => {
      say("● Live");
      refresh([ALL]);
    };
    own.addEventListener("changed", (event) => {
      seen = event.lastEventId;
      refresh(JSON.parse(event.data).names);
    });
    own.addEventListener("text", (event) => heard(JSON.parse(event.data)));
    own.onerror = () => {
      if (own !== source) return;
      say("○ Connecting again …");
      if (own.readyState === EventSource.CLOSED) setTimeout(() => own === source && connect(), AGAIN_MS);
    };
  };
  // A browser opens few connections to one server: pages in the background give theirs back.
  const follow = () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (!source) connect();
  };

  if (events) {
    document.addEventListener("visibilitychange", follow);
    window.addEventListener("pagehide", () => source?.close());
    window.addEventListener("pageshow", (event) => event.persisted && connect());
    follow();
  } else if (document.querySelector("[data-later]")) {
    for (const part of document.querySelectorAll("[data-later]")) owed.add(part.id);
    refresh([]);
  } else if (poll) {
    setInterval(() => document.hidden || refresh([ALL]), poll * 1000);
  }
}
