"""The page in a real browser: from a goal to an accepted information product, live, for everybody, safe."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from config.settings import load
from infrastructure.serving import Served, beside
from tests.e2e import programs
from tests.e2e.browsing import PHONE, Watched, browser, signed_in
from tests.e2e.rest_client import CSV, MARKDOWN, Rest, Running
from tests.model_behaviours import Json, Says
from tests.model_servers import model_server

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CONTRAST = ["color-contrast"]
FAST = {"requests_per_minute": 100_000, "anonymous_per_minute": 100_000}
TRAP = "window.trapped = true"
HOSTILE = f"""# <script>{TRAP}</script>

<script>{TRAP}</script> <img src=x onerror="{TRAP}"> <svg onload="{TRAP}"></svg> <iframe srcdoc="<script>1</script>">
<form action="http://evil.example"><button formaction="javascript:{TRAP}">x</button></form>

[a](javascript:{TRAP}) [b](data:text/html,<script>{TRAP}</script>) <javascript:{TRAP}> ![c](http://evil.example/c.png)
[d](vbscript:x "onmouseover={TRAP}") [e](/page/sign-out) [f]( http://evil.example"onclick="{TRAP})

| <b onclick="{TRAP}">h</b> | b |
|---|---|
| <style>*{{display:none}}</style> | `</code><script>{TRAP}</script>` |

```mermaid
graph TD; a["<img src=x onerror={TRAP}>"] --> b; click b href "javascript:{TRAP}"
%%{{init: {{"securityLevel": "loose"}}}}%%
```

</article></main><script src="http://evil.example/x.js"></script>{{{{ 7 * 7 }}}}
"""
SUMMARY = """# Summary of the sources

## In short

The brake must not be released by hand, says the manual.

## Key points

- The lift carries at most 400 kg, says the manual.

## Details worth knowing

It must be inspected every twelve months, says the manual.
"""
SVG = f"""<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" onload="{TRAP}">
<script>{TRAP}; fetch("http://evil.example/svg")</script><image href="http://evil.example/y.png"/>
<rect width="40" height="40" fill="teal"/><foreignObject><body xmlns="http://www.w3.org/1999/xhtml"
onload="{TRAP}"/></foreignObject></svg>"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def watched(chromium: Browser, running: Running) -> Iterator[Watched]:
    with signed_in(chromium, running) as found:
        yield found
        assert found.strays() == []
        assert found.troubles == []


@pytest.fixture(scope="module")
def finished(rest: Rest) -> dict[str, str]:
    """The addresses of a project that was worked on, and of what is in it; beside it a plan that waits."""
    project, run = rest.done("Brief me on the lift")
    rest.upload(project, "parts.csv", CSV)
    waiting = rest.project("Choose a lift", approve_plan=True)
    rest.source(waiting)
    rest.run_of(waiting)
    rest.until("/v1/inbox", lambda found: bool(found["items"]))
    made = rest.items(f"/v1/projects/{project}/artifacts")
    task = rest.items(f"/v1/projects/{project}/tasks")[0]
    return {
        "list": "/page",
        "new": "/page/projects/new",
        "project": f"/page/projects/{project}",
        "waiting": f"/page/projects/{waiting}",
        "case file": f"/page/projects/{project}/case-file",
        "runs": f"/page/projects/{project}/runs",
        "run": f"/page/runs/{run}",
        "task": f"/page/tasks/{task['id']}",
        "artifact": f"/page/artifacts/{next(item['id'] for item in made if item['kind'] == 'executive_brief')}",
        "table": f"/page/artifacts/{next(item['id'] for item in made if item['title'] == 'parts.csv')}",
        "inbox": "/page/inbox",
        "agents": "/page/agents",
        "settings": "/page/settings",
        "failure": "/page/projects/prj_x",
        "sign in": "/page/sign-in",
    }


def test_from_a_goal_to_an_information_product_by_the_keyboard_alone(
    watched: Watched, rest: Rest, tmp_path: Path
) -> None:
    page, press = watched.page, watched.page.keyboard.press
    (tmp_path / "manual.md").write_bytes(MARKDOWN)
    watched.reach("New project")
    press("Enter")
    page.wait_for_url("**/page/projects/new")
    watched.reach("Goal", "textarea")
    page.keyboard.type("Brief me on the obligations of the lift")
    watched.reach("Documents", "input")
    page.locator("#files").set_input_files(tmp_path / "manual.md")
    watched.reach("Show me the plan", "input")
    press("Space")
    watched.reach("Create and start")
    press("Enter")
    page.wait_for_url("**/page/projects/prj_*")
    expect(page.get_by_role("button", name="Approve the plan")).to_be_visible()
    watched.reach("Approve the plan")
    press("Enter")
    page.wait_for_url("**said=approved")
    expect(page.get_by_text("The work is finished")).to_be_visible()
    expect(page.locator("#plan .graph .node.done")).to_have_count(page.locator("#plan .graph .node").count())
    watched.reach("Executive brief", "#plan .graph a")
    press("Enter")
    page.wait_for_url("**/page/tasks/tsk_*")
    watched.reach("Executive brief", "#facts .tile a")
    press("Enter")
    page.wait_for_url("**/page/artifacts/art_*")
    expect(page.locator(".doubt")).to_contain_text("No language model judged this")
    watched.reach("Your judgement", "textarea")
    page.keyboard.type("Compared with the manual.")
    watched.reach("Accept: I vouch for it")
    press("Enter")
    expect(page.locator("#standing .badge.information_product")).to_have_text("✓ information product")
    expect(page.get_by_text("Checked by You, by a person")).to_be_visible()
    id = page.url.partition("?")[0].rpartition("/")[2]
    assert rest.get(f"/v1/artifacts/{id}").json()["stage"] == "information_product"


def test_the_inbox_answers_a_task_that_is_given_to_a_person(watched: Watched, rest: Rest) -> None:
    project = rest.project("Brief me on the brake", approve_plan=True)
    rest.source(project)
    rest.run_of(project)
    items = rest.until("/v1/inbox", lambda found: any(each["project_id"] == project for each in found["items"]))
    item = next(each["id"] for each in items["items"] if each["project_id"] == project)
    task = rest.get(f"/v1/projects/{project}/plan").json()["tasks"][0]
    me = rest.get(f"/v1/projects/{project}").json()["owner_id"]
    given = rest.patch(f"/v1/tasks/{task['id']}", json={"assignee": {"kind": "person", "id": me}})
    assert given.status_code == 200, given.text
    page = watched.open("/page/inbox")
    page.locator(f"#{item}").get_by_role("button", name="Approve the plan").click()
    expect(page.get_by_text("Your answer was taken")).to_be_visible()
    page.goto(watched.url + f"/page/tasks/{task['id']}")
    page.get_by_label("What you hand in").fill("The brake.")
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_text("Your work was handed in")).to_be_visible()
    expect(page.get_by_text("What the review found")).to_be_visible()
    page.get_by_label("What you hand in").fill(SUMMARY)
    page.get_by_role("button", name="Hand in").click()
    expect(page.locator("#facts .state")).to_have_text("✓ done")
    expect(page.locator("#attempts tbody tr")).to_have_count(3)


def test_a_citation_leads_to_the_passage_and_a_node_to_its_artifact(watched: Watched, finished: dict[str, str]) -> None:
    page = watched.open(finished["artifact"])
    page.locator(".prose a.cite").first.click()
    expect(page.locator(".passage:target")).to_be_visible()
    page.locator(".graph a").filter(has_text="Manual").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Manual")


def slowly(body: Json) -> str | Says:
    """Drafts take a second or two, so that somebody can watch them."""
    said = programs.good(body)
    return Says(text=said, piece=20, pause=0.03) if programs.asked_for(body) == "text" else said


@contextmanager
def as_running(served: Served) -> Iterator[Running]:
    with Rest(served.url, served.token) as rest:
        yield Running(rest=rest, url=served.url, token=served.token, program=served.program)


def test_text_is_seen_while_it_is_written_and_a_page_survives_a_restart(chromium: Browser, tmp_path: Path) -> None:
    settings = load(tmp_path, {}, limits=FAST)
    with model_server(slowly) as models, ExitStack() as stack:
        (tmp_path / "models.yaml").write_text(programs.models_yaml(models))
        with beside(settings, dispatch=True) as first, as_running(first) as running:
            project = running.rest.project()
            running.rest.source(project)
            watched = stack.enter_context(signed_in(chromium, running))
            page = watched.open(f"/page/projects/{project}")
            page.get_by_role("button", name="Start the work").click()
            page.wait_for_url("**said=started")
            page.evaluate("window.opened = 'once'")
            expect(page.locator(".stream").first).to_contain_text("The lift carries", timeout=60_000)
        expect(page.locator("#live")).to_contain_text("Connecting again")
        with beside(settings, dispatch=True, port=int(first.url.rpartition(":")[2])):
            expect(page.locator("#live")).to_contain_text("Live", timeout=15_000)
            finished = "The work is finished: all 3 tasks are done"
            expect(page.locator("#standing")).to_contain_text(finished, timeout=30_000)
            assert page.evaluate("window.opened") == "once", "the page was loaded anew"
            expect(page.locator("#plan .graph .node.done")).to_have_count(3)
            expect(page.locator("#results .badge.information_product")).to_have_count(3)
            assert watched.strays() == []


def test_what_somebody_types_and_looks_at_stays_while_the_page_is_renewed(watched: Watched, rest: Rest) -> None:
    project = rest.project("Keep what I type")
    rest.source(project)
    page = watched.open(f"/page/projects/{project}")
    expect(page.locator("#live")).to_contain_text("Live")
    page.get_by_role("button", name="Archive").focus()
    rest.patch(f"/v1/projects/{project}", json={"instructions": "Briefly."})
    rest.run_of(project)
    expect(page.locator("#standing")).to_contain_text("The work is finished")
    assert page.evaluate("document.activeElement.textContent") == "Archive"


@pytest.mark.parametrize("kind", ["markdown", "html", "svg"])
def test_a_hostile_artifact_runs_nothing_and_reaches_nobody(watched: Watched, rest: Rest, kind: str) -> None:
    project = rest.project(f"<script>{TRAP}</script> <img src=x onerror={TRAP}>")
    files = {"markdown": ("m.md", HOSTILE), "html": ("h.html", f"<p>Hello</p>{HOSTILE}"), "svg": ("s.svg", SVG)}
    name, text = files[kind]
    made = rest.upload(project, name, text.encode(), title=f'"><script>{TRAP}</script>')
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    dialogs: list[str] = []
    watched.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    addresses = [f"/page/artifacts/{id}", f"/page/projects/{project}", f"/page/projects/{project}/case-file", "/page"]
    for address in addresses:
        page = watched.open(address)
        page.wait_for_load_state("load")
        for link in page.locator("#content .prose a").all():
            assert re.match(r"https?://", link.get_attribute("href") or ""), link
        assert page.locator("#content :is(script, iframe:not(.diagram > *), style, object, embed)").count() == 0
        assert page.evaluate("window.trapped") is None, address
    watched.open(f"/page/artifacts/{id}")
    if kind == "svg":
        assert watched.page.evaluate("document.querySelector('.artifact-picture').naturalWidth") == 40
        watched.page.goto(watched.url + f"/page/artifacts/{id}/picture")
        assert watched.page.evaluate("window.trapped") is None
        watched.troubles.clear()  # of the picture opened by itself: its sandbox says what it refused
    assert dialogs == [] and watched.strays() == []


def test_a_script_that_got_into_a_page_would_not_run(watched: Watched) -> None:
    """The policy is tried as if escaping had failed."""
    page = watched.open("/page")
    page.evaluate(
        """() => {
          const add = (name, values) => document.body.append(Object.assign(document.createElement(name), values));
          try { document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.trapped=1'>"); } catch {}
          try { add("script", { textContent: "window.trapped = 1" }); } catch {}
          add("img", { src: "http://evil.example/x.png" });
          add("iframe", { src: "/page" });
          fetch("http://evil.example/").catch(() => {});
        }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.trapped") is None
    assert any("Content Security Policy" in trouble for trouble in watched.troubles)
    watched.troubles.clear()


def test_the_look_is_chosen_and_remembered(chromium: Browser, running: Running) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    with signed_in(chromium, running, color_scheme="dark") as watched:
        page = watched.page
        dark = page.evaluate(background)
        page.get_by_role("button", name="Theme: auto").click()
        light = page.evaluate(background)
        page.goto(watched.url + "/page/inbox")
        assert dark != light == page.evaluate(background)
        page.get_by_role("button", name="Theme: light").click()
        assert page.evaluate(background) == dark


def violations(page: Page, **options: Any) -> list[tuple[str, list[str]]]:
    """What axe finds: (rule, elements)."""
    found = Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]


def test_every_page_is_accessible_and_fits_a_phone(
    chromium: Browser, running: Running, finished: dict[str, str]
) -> None:
    """WCAG 2.2 AA as far as axe can tell, one heading above all others, and nothing to scroll sideways."""
    with signed_in(chromium, running, color_scheme="light", viewport=PHONE) as watched:
        for name, address in finished.items():
            page = watched.open(address)
            page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            assert violations(page, runOnly=RULES) == [], name
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
            assert page.get_by_role("heading", level=1).count() == 1, name


def test_the_dark_look_has_enough_contrast_too(chromium: Browser, running: Running, finished: dict[str, str]) -> None:
    with signed_in(chromium, running, color_scheme="dark") as watched:
        for name in ("waiting", "artifact", "inbox", "failure"):
            assert violations(watched.open(finished[name]), runOnly={"type": "rule", "values": CONTRAST}) == [], name


def test_a_used_link_and_a_stolen_cookie_name_are_worth_nothing(chromium: Browser, running: Running) -> None:
    link = running.program.sessions.link()
    for wanted in ("/page", "/page/session/link"):
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"{running.url}/page/sign-in#{link}")
        page.wait_for_url(f"**{wanted}")
        assert link not in page.url
        cookies = context.cookies()
        assert [(each["httpOnly"], each["secure"], each["sameSite"]) for each in cookies] == (
            [(True, True, "Strict")] if wanted == "/page" else []
        )
        assert page.evaluate("document.cookie") == ""
        context.close()
