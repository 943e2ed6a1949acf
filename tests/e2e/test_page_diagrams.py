"""Mermaid in an artifact is drawn in a frame that reaches nothing, and whatever it holds stays in there."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from tests.e2e.browsing import Watched, browser, signed_in
from tests.e2e.rest_client import Rest, Running

TRAP = "top.trapped = parent.trapped = window.trapped = true"
STEPS = "flowchart LR\n  read[Read the manual] --> draft --> check{Is it right?}\n  check -- no --> draft"
HOSTILE = {
    "a click handler": f'graph TD\n a["A"] --> b\n click a call alert("{TRAP}")\n click b "javascript:{TRAP}"',
    "a link": 'graph TD\n a --> b\n click a href "http://evil.example/a" _top\n click b href "/page/sign-out" _parent',
    "HTML in a label": f"graph TD\n a[\"<img src=http://evil.example/i onerror='{TRAP}'><b onclick='{TRAP}'>x</b>\"]",
    "a script in a label": f"graph TD\n a[\"<script>{TRAP}</script><iframe src='http://evil.example/f'></iframe>\"]",
    "directives": (
        '%%{init: {"securityLevel": "loose", "htmlLabels": true, "themeCSS": "@import url(http://evil.example/c.css);'
        ' * { background: url(http://evil.example/d.png) }", "fontFamily": "x; } * { display: none"}}%%\n'
        f"graph TD\n a[\"<img src=x onerror='{TRAP}'>\"]"
    ),
    "front matter": f"---\nconfig:\n  securityLevel: loose\n---\ngraph TD\n a[\"<img src=x onerror='{TRAP}'>\"]",
    "a picture from elsewhere": 'flowchart TD\n a@{ img: "http://evil.example/p.png", label: "p", w: 60, h: 60 }',
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def watched(chromium: Browser, running: Running) -> Iterator[Watched]:
    with signed_in(chromium, running) as found:
        yield found


def filed(rest: Rest, *diagrams: str) -> str:
    """The address of a document with the diagrams."""
    text = "# Diagrams\n\n" + "\n\n".join(f"```mermaid\n{each}\n```" for each in diagrams)
    made = rest.upload(rest.project("Draw it"), "d.md", f"{text}\n\nThe end.\n".encode())
    assert made.status_code == 201, made.text
    return f"/page/artifacts/{made.json()['id']}"


def frames(page: Page) -> list[Frame]:
    return page.frames[1:]


def test_a_diagram_is_drawn_and_its_source_is_at_hand(watched: Watched, rest: Rest) -> None:
    page = watched.open(filed(rest, STEPS))
    drawn = page.frame_locator(".diagram iframe")
    expect(drawn.locator("#place svg")).to_contain_text("Is it right?", timeout=30_000)
    source = page.get_by_role("button", name="Source of the diagram")
    expect(page.locator(".prose pre")).to_be_hidden()
    source.click()
    expect(page.locator(".prose pre")).to_contain_text("flowchart LR")
    frame, picture = page.locator(".diagram iframe").bounding_box(), drawn.locator("#place svg").bounding_box()
    assert frame is not None and picture is not None and 40 < picture["height"] <= frame["height"] < 800
    page.get_by_role("button", name="Theme: auto").click()
    page.get_by_role("button", name="Theme: light").click()
    expect(drawn.locator(":root")).to_have_css("color-scheme", "dark")
    expect(drawn.locator("#place svg")).to_contain_text("Read the manual", timeout=30_000)
    assert watched.strays() == [] and watched.troubles == []


def test_what_cannot_be_drawn_is_shown_as_its_source(watched: Watched, rest: Rest) -> None:
    page = watched.open(filed(rest, "this is no diagram", STEPS))
    expect(page.locator(".prose")).to_contain_text("This diagram cannot be drawn; here is its source.", timeout=30_000)
    expect(page.locator(".prose pre").first).to_be_visible()
    expect(page.frame_locator(".diagram iframe").locator("#place svg")).to_contain_text(
        "Read the manual", timeout=30_000
    )
    huge = "graph TD\n" + "\n".join(f" a{n} --> b{n}" for n in range(60_000))
    assert len(huge) > 1_000_000
    page = watched.open(filed(rest, huge))
    expect(page.locator(".prose pre")).to_be_visible()
    assert page.locator("iframe").count() == 0
    assert watched.troubles == []


def test_without_scripts_there_is_the_source(chromium: Browser, running: Running, rest: Rest) -> None:
    address = filed(rest, STEPS)
    with signed_in(chromium, running) as watched:
        cookies = watched.page.context.cookies()
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies([{**each, "url": None, "domain": "127.0.0.1"} for each in cookies])
    page = context.new_page()
    page.goto(running.url + address)
    expect(page.locator(".prose pre")).to_contain_text("flowchart LR")
    context.close()


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_diagram_does_nothing_outside_its_frame(watched: Watched, rest: Rest, what: str) -> None:
    page = watched.page
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    watched.open(filed(rest, HOSTILE[what], STEPS))
    address = page.url
    expect(page.frame_locator(".diagram iframe").last.locator("#place svg")).to_contain_text(
        "Read the manual", timeout=30_000
    )
    settled = page.get_by_text("cannot be drawn").or_(page.get_by_role("button", name="Source of the diagram"))
    expect(settled).to_have_count(2)  # until then a frame may go away
    for frame in frames(page):
        for each in frame.locator("svg a, svg .node, svg image").all():
            each.dispatch_event("click")
        assert frame.evaluate("[window.trapped, document.scripts.length, frames.length]") == [None, 2, 0], what
        assert (
            frame.evaluate("() => { try { return parent.document.title } catch { return 'kept out' } }") == "kept out"
        )
        assert frame.locator("a[href], a[*|href]").count() == 0
    page.wait_for_timeout(150)
    assert page.evaluate("window.trapped") is None and page.url == address and dialogs == []
    assert len(page.context.pages) == 1
    assert page.locator("iframe").evaluate_all("(all) => all.every((one) => one.sandbox.value === 'allow-scripts')")
    assert watched.strays() == [], what


def test_the_frame_of_a_diagram_reaches_nobody(watched: Watched, rest: Rest) -> None:
    """As if Mermaid itself were turned against the page."""
    page = watched.open(filed(rest, STEPS))
    expect(page.frame_locator(".diagram iframe").locator("#place svg")).to_contain_text(
        "Read the manual", timeout=30_000
    )
    (frame,) = frames(page)
    reached = """async () => {
      const tried = async (what) => { try { await what(); return "did"; } catch { return "refused"; } };
      parent.postMessage({ height: 1e9 }, "*");
      parent.postMessage({ failed: "no", ready: "no", height: "<b>" }, "*");
      return [
        await tried(() => fetch("http://evil.example/")),
        await tried(() => fetch("/page")),
        await tried(() => document.cookie),
        await tried(() => localStorage.length),
        await tried(() => parent.document.body),
        await tried(() => { top.location = "http://evil.example/"; }),
        open("http://evil.example/") === null ? "refused" : "did",
      ];
    }"""
    assert frame.evaluate(reached) == ["refused"] * 7
    size = page.locator(".diagram iframe").bounding_box()
    assert size is not None and size["height"] <= 1_600
    frame.evaluate("location = '/page/sign-in'")
    page.wait_for_timeout(150)
    assert "/page/artifacts/" in page.url and watched.strays() == []


def test_a_diagram_can_be_framed_by_the_page_only_and_runs_nothing_else(running: Running, rest: Rest) -> None:
    with httpx.Client(base_url=running.url, trust_env=False) as client:
        script = client.get("/page/sign-in").text
        assert "diagram" not in script
        answer = client.get("/page/static/x/diagram.html")
    policy = answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200 and answer.text.count("<script>") == 2
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; script-src 'sha256-")
    assert "connect-src 'none'" in policy and "frame-ancestors 'self'" in policy and "unsafe-eval" not in policy
