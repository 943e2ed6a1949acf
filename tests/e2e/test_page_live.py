"""An open page is brought up to date part by part, and shows what a page that was opened just now would show."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import Watched, browser, signed_in
from tests.e2e.rest_client import Rest, Running

ANYWAY = {"If-Match": "*"}
MANY = 30


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


@pytest.fixture
def planned(rest: Rest) -> tuple[str, list[str]]:
    """A project, and the ids of its tasks, each behind the one before it; what is recommended is known."""
    project = rest.project("Keep the page quick")
    drafts = [
        {"key": f"k{n}", "title": f"Task {n}", "brief": "Look.", "depends_on": [f"k{n - 1}"] if n else []}
        for n in range(MANY)
    ]
    rest.put(f"/v1/projects/{project}/plan", json={"tasks": drafts}, headers=ANYWAY).raise_for_status()
    rest.items(f"/v1/projects/{project}/recommendations")
    return project, [task["id"] for task in plan_of(rest, project)]


def plan_of(rest: Rest, project: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rest.get(f"/v1/projects/{project}/plan").json()["tasks"]
    return found


def opened(watched: Watched, project: str) -> Page:
    """Live, and past the look that it takes at the whole page once it is connected."""
    address = f"/page/projects/{project}"
    with watched.page.expect_response(lambda one: one.url.endswith(address) and one.request.resource_type == "xhr"):
        page = watched.open(address)
    expect(page.locator("#live")).to_contain_text("Live")
    watched.requests.clear()
    return page


def asked_for(watched: Watched) -> set[str]:
    """The parts that were fetched since; `whole` for a whole page."""
    fetches = [urlsplit(one.url).query for one in watched.requests if one.resource_type == "xhr"]
    return {part for query in fetches for part in parse_qs(query).get("part", ["whole"])}


def is_as_if_opened_now(page: Page) -> None:
    fresh = page.context.new_page()
    fresh.goto(page.url)
    expect(page.locator("#content")).to_have_text(fresh.locator("#content").inner_text(), use_inner_text=True)
    assert page.locator("#plan svg").first.inner_html() == fresh.locator("#plan svg").first.inner_html()
    fresh.close()


def test_a_change_to_a_task_fetches_the_parts_about_it_and_leaves_the_rest_alone(
    watched: Watched, rest: Rest, planned: tuple[str, list[str]]
) -> None:
    project, tasks = planned
    page = opened(watched, project)
    page.evaluate("for (const each of document.querySelectorAll('#tasks tr, .node')) each.seen = true")
    page.locator(".picture-frame").evaluate("(frame) => frame.scrollTo(700, 0)")
    page.locator(f"#row-{tasks[1]} a").focus()
    rest.patch(f"/v1/tasks/{tasks[1]}", json={"title": "A new name"}).raise_for_status()
    expect(page.locator(f"#row-{tasks[1]}")).to_contain_text("A new name")
    expect(page.locator(f"#node-{tasks[1]}")).to_contain_text("A new name")
    assert page.locator("#tasks tr, .node").evaluate_all("(all) => all.every((each) => each.seen)")
    assert page.locator(".picture-frame").evaluate("(frame) => frame.scrollLeft") == 700
    assert page.evaluate("document.activeElement.textContent") == "A new name"
    assert asked_for(watched) == {f"row-{tasks[1]}", f"node-{tasks[1]}", "standing", "origin", "writing", "results"}
    is_as_if_opened_now(page)


def test_a_task_more_or_less_draws_the_plan_anew(watched: Watched, rest: Rest, planned: tuple[str, list[str]]) -> None:
    project, tasks = planned
    page = opened(watched, project)
    rest.post(f"/v1/projects/{project}/tasks", json={"title": "One more", "brief": "Look."}).raise_for_status()
    expect(page.locator("#plan .node")).to_have_count(MANY + 1)
    expect(page.locator("#tasks")).to_contain_text("One more")
    assert {"picture", "tasks"} <= asked_for(watched)
    left = [{"key": task["id"]} for task in plan_of(rest, project) if task["id"] != tasks[-1]]
    rest.put(f"/v1/projects/{project}/plan", json={"tasks": left}, headers=ANYWAY).raise_for_status()
    expect(page.locator("#plan .node")).to_have_count(MANY)
    expect(page.locator(f"#row-{tasks[-1]}")).to_have_count(0)
    is_as_if_opened_now(page)


def test_after_many_changes_at_once_the_page_shows_what_came_of_them(
    watched: Watched, rest: Rest, planned: tuple[str, list[str]]
) -> None:
    project, tasks = planned
    page = opened(watched, project)
    for number in range(12):
        rest.patch(f"/v1/tasks/{tasks[number % 4]}", json={"title": f"Name {number}"}).raise_for_status()
    rest.patch(f"/v1/tasks/{tasks[7]}", json={"depends_on": [tasks[0]]}).raise_for_status()
    for id, title in zip(tasks[:4], ("Name 8", "Name 9", "Name 10", "Name 11"), strict=True):
        expect(page.locator(f"#row-{id}")).to_contain_text(title)
    is_as_if_opened_now(page)
    assert "advice" not in asked_for(watched)


def test_a_page_that_saw_a_whole_run_is_as_if_opened_now(watched: Watched, rest: Rest) -> None:
    project = rest.project("Brief me on the lift")
    rest.source(project)
    page = opened(watched, project)
    rest.ended(rest.run_of(project))
    expect(page.locator("#standing")).to_contain_text("The work is finished", timeout=20_000)
    expect(page.locator("#advice")).to_have_count(1)
    is_as_if_opened_now(page)


def test_parts_come_from_the_page_as_it_is_and_only_to_who_has_a_session(
    running: Running, planned: tuple[str, list[str]]
) -> None:
    project, tasks = planned
    own = {"Origin": running.url, "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    with httpx.Client(base_url=running.url, headers=own, trust_env=False) as client:
        address, part = f"/page/projects/{project}", {"part": [f"row-{tasks[3]}", f"node-{tasks[3]}", "<b>", "nothing"]}
        assert client.get(address, params=part).status_code in (303, 401)
        entered = client.post("/page/session/link", data={"token": running.program.sessions.link()})
        client.headers["Cookie"] = entered.headers["Set-Cookie"].partition(";")[0]
        some, whole = client.get(address, params=part), client.get(address)
    row = re.search(rf'<tr id="row-{tasks[3]}".*?</tr>', some.text, re.DOTALL)
    node = re.search(rf'<svg class="node[^>]* id="node-{tasks[3]}".*?</svg>', some.text, re.DOTALL)
    assert row is not None and node is not None and row[0] in whole.text and node[0] in whole.text
    assert some.text.count("<tr id=") == 1 and "<b>" not in some.text and "<header" not in some.text
    assert len(some.content) < len(whole.content) / 5
    assert "script-src 'nonce-" in some.headers["Content-Security-Policy"]
