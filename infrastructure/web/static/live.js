// Keeps an open page as the server would draw it now: parts marked `data-live` are fetched anew when something
// changed. What somebody reads, opened, focused or typed in stays as it is.
"use strict";
{
  const GAP_MS = 400;
  const AGAIN_MS = 2000;
  const LONGEST = 60_000;
  const { at: address = location.href, events, after, poll } = document.body.dataset;
  const line = document.getElementById("live");
  const drawn = new Map();
  const early = new Map();
  let loading = false;
  let wanted = false;
  let source = null;
  let seen = after;

  const regions = () => [...document.querySelectorAll("[data-live]")];
  for (const region of regions()) drawn.set(region.id, region.innerHTML);

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
    region.replaceChildren(...fresh.childNodes);
    for (const [id, text] of kept) document.getElementById(id)?.append(text);
    for (const place of open) at(region, place)?.setAttribute("open", "");
    for (const [place, left, top] of moved) at(region, place)?.scrollTo(left, top);
    if (focused) at(region, focused)?.focus({ preventScroll: true });
  };

  const update = (fresh) => {
    for (const region of regions()) {
      const next = fresh.getElementById(region.id);
      if (!next || region.querySelector("[data-touched], form[data-sent]")) continue;
      const text = next.innerHTML;
      if (drawn.get(region.id) === text) continue;
      drawn.set(region.id, text);
      swap(region, next);
    }
    if (fresh.title) document.title = fresh.title;
    for (const [id, text] of early) if (write(id, text)) early.delete(id);
  };

  const refresh = () => {
    if (loading) {
      wanted = true;
      return;
    }
    loading = true;
    wanted = false;
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.onloadend = () => {
      if (request.status === 401) return ended();
      if (request.status === 200 && request.response) update(request.response);
      setTimeout(() => {
        loading = false;
        if (wanted) refresh();
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
      refresh();
    };
    own.addEventListener("changed", (event) => {
      seen = event.lastEventId;
      refresh();
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
  } else if (poll) {
    setInterval(() => document.hidden || refresh(), poll * 1000);
  }
}
