"""Working on the page: plans edited, workflows started, the manager talked with, forms filled in."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from config.settings import load
from infrastructure.serving import beside
from tests.e2e import programs
from tests.e2e.browsing import PHONE, Watched, browser, signed_in
from tests.e2e.own_workflows import EVERYTHING, SMALL
from tests.e2e.rest_client import Rest, Running
from tests.e2e.test_conversation_by_model import talking
from tests.e2e.test_page import as_running
from tests.model_servers import Says, model_server

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
TRAP = "window.trapped = true"
HOSTILE = f'</textarea></pre>"><script>{TRAP}</script><img src=x onerror="{TRAP}">'
CHOICE = "Decide whether to buy a new lift for 90,000 EUR or to repair the old one, and order it"


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
def planned(rest: Rest) -> str:
    """A project whose plan waits for a word, so that nothing of it is under way."""
    project = rest.project("Brief me on the lift", approve_plan=True)
    rest.source(project)
    rest.run_of(project)
    waiting = rest.until("/v1/inbox", lambda found: any(item["project_id"] == project for item in found["items"]))
    assert waiting
    return project


def tasks_of(rest: Rest, project: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rest.get(f"/v1/projects/{project}/plan").json()["tasks"]
    return found


def test_a_plan_is_edited_by_the_keyboard_alone(watched: Watched, rest: Rest, planned: str) -> None:
    page, press = watched.open(f"/page/projects/{planned}"), watched.page.keyboard.press
    watched.reach("Add a task", "a")
    press("Enter")
    page.wait_for_url("**/tasks/new")
    watched.reach("Title", "input")
    page.keyboard.type("Compare the suppliers")
    watched.reach("Who", "select")
    page.keyboard.type("You")
    watched.reach("Summary of the sources", "input")
    press("Space")
    watched.reach("Add the task", "button")
    press("Enter")
    page.wait_for_url("**said=added")
    added = tasks_of(rest, planned)[-1]
    first = tasks_of(rest, planned)[0]["id"]
    assert (added["title"], added["assignee"]["kind"], added["depends_on"]) == (
        "Compare the suppliers", "person", [first],
    )  # fmt: skip
    watched.reach("Compare the suppliers", "#tasks a")
    press("Enter")
    page.wait_for_url("**/page/tasks/tsk_*")
    watched.reach("Change this task", "a")
    press("Enter")
    page.wait_for_url("**/edit")
    watched.reach("Title", "input")
    press("ControlOrMeta+a")
    page.keyboard.type("Compare three suppliers")
    press("Enter")
    page.wait_for_url("**said=changed")
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare three suppliers")
    assert tasks_of(rest, planned)[-1]["title"] == "Compare three suppliers"


def test_of_two_people_who_edit_one_plan_the_second_is_told_and_loses_nothing(
    chromium: Browser, running: Running, watched: Watched, rest: Rest, planned: str
) -> None:
    task = tasks_of(rest, planned)[0]
    with signed_in(chromium, running) as other:
        pages = [watched.open(f"/page/tasks/{task['id']}/edit"), other.open(f"/page/tasks/{task['id']}/edit")]
        for page, title in zip(pages, ("Ann's title", "Bob's title"), strict=True):
            page.get_by_label("Title").fill(title)
        pages[0].get_by_role("button", name="Save").click()
        pages[0].wait_for_url("**said=changed")
        pages[1].get_by_role("button", name="Save").click()
        expect(pages[1].get_by_role("alert")).to_contain_text("Somebody else changed the plan")
        expect(pages[1].get_by_label("Title")).to_have_value("Bob's title")
        expect(pages[1].locator("#now-title")).to_have_text("The plan says now: Ann's title")
        assert tasks_of(rest, planned)[0]["title"] == "Ann's title"
        pages[1].get_by_role("button", name="Save").click()
        pages[1].wait_for_url("**said=changed")
    assert tasks_of(rest, planned)[0]["title"] == "Bob's title"


def test_a_task_that_others_need_is_not_removed_and_one_that_nobody_needs_is(
    watched: Watched, rest: Rest, planned: str
) -> None:
    watched.page.on("dialog", lambda dialog: dialog.accept())
    first, last = tasks_of(rest, planned)[0], tasks_of(rest, planned)[-1]
    page = watched.open(f"/page/tasks/{first['id']}/edit")
    page.get_by_role("button", name="Remove it from the plan").click()
    expect(page.get_by_role("alert")).to_contain_text(f"“{last['title']}” depends on this task")
    watched.troubles.clear()  # the browser counts a refusal as one
    page = watched.open(f"/page/tasks/{last['id']}/edit")
    page.get_by_role("button", name="Remove it from the plan").click()
    page.wait_for_url("**said=removed")
    assert last["id"] not in [task["id"] for task in tasks_of(rest, planned)]


def quiet(rest: Rest, project: str) -> None:
    """Until no run of the project is live."""
    rest.until(f"/v1/projects/{project}/runs", lambda found: all(run["state"] == "ended" for run in found["items"]))


def test_another_goal_marks_what_is_done_and_it_is_done_again_when_asked(watched: Watched, rest: Rest) -> None:
    project, _ = rest.done()
    page = watched.open(f"/page/projects/{project}")
    page.get_by_role("link", name="Change the goal").click()
    expect(page.get_by_text("marked out of date")).to_be_visible()
    page.get_by_label("Goal").fill("Brief the board on the lift")
    page.get_by_role("button", name="Change the goal").click()
    page.wait_for_url("**said=goal")
    expect(page.locator("#tasks .badge.unfinished")).to_have_count(5)
    page.locator("#tasks tr", has_text="Summary of the sources").get_by_role("button", name="Do it again").first.click()
    page.wait_for_url("**said=retried")
    expect(page.locator("#facts .state")).to_have_text("✓ done")
    expect(page.locator("#facts .badge.unfinished")).to_have_count(0)
    quiet(rest, project)
    page = watched.open(f"/page/projects/{project}")
    expect(page.locator("#standing .warn")).to_contain_text("4 of them are out of date")
    page.get_by_role("button", name="Do again what is out of date").click()
    page.wait_for_url("**said=redone")
    quiet(rest, project)
    assert [task["attempts"] for task in tasks_of(rest, project)] == [2] * 5


def test_what_waits_for_a_person_is_chosen_for_a_project(
    chromium: Browser, running: Running, watched: Watched, rest: Rest
) -> None:
    project = rest.project("Mend the thermostat")
    page = watched.open(f"/page/projects/{project}")
    page.get_by_role("link", name="Project settings").click()
    expect(page.get_by_label("Changes to code")).to_be_checked()
    expect(page.get_by_label("Show me each new plan")).not_to_be_checked()
    with signed_in(chromium, running) as other:
        late = other.open(f"/page/projects/{project}/settings")
        page.get_by_label("Changes to code").uncheck()
        page.get_by_role("button", name="Save").click()
        page.wait_for_url("**said=settings")
        assert rest.get(f"/v1/projects/{project}").json()["sign_off_code"] is False
        late.get_by_label("Show me each new plan").check()
        late.get_by_role("button", name="Save").click()
        expect(late.get_by_role("alert")).to_contain_text("Somebody else changed the project")
        expect(late.get_by_label("Show me each new plan")).to_be_checked()
        late.get_by_role("button", name="Save").click()
        late.wait_for_url("**said=settings")
        other.troubles.clear()  # the browser counts a refusal as one
    kept = rest.get(f"/v1/projects/{project}").json()
    assert (kept["approve_plan"], kept["sign_off_code"]) == (True, True)


def test_a_new_project_can_do_without_a_sign_off_of_code(watched: Watched, rest: Rest) -> None:
    page = watched.open("/page/projects/new")
    page.get_by_label("Goal").fill("Mend the thermostat")
    page.get_by_label("Changes to code").check()
    page.get_by_role("button", name="Create only").click()
    page.wait_for_url("**/page/projects/prj_*")
    assert rest.get(f"/v1/projects/{page.url.rpartition('/')[2]}").json()["sign_off_code"] is False


def test_a_workflow_is_started_and_its_run_shows_what_it_gave(watched: Watched, rest: Rest) -> None:
    project = rest.project("Look into the lift")
    rest.source(project)
    page = watched.open("/page/workflows")
    page.get_by_role("link", name="One attempt", exact=True).click()
    expect(page.locator(".graph .node")).to_have_count(2)
    expect(page.locator("pre.text")).to_contain_text("name: one_attempt@1")
    page.get_by_label("Project").select_option(project)
    page.get_by_label("Agent").select_option("critic")
    page.get_by_label("Title").fill("Risks")
    page.get_by_label("Brief").fill("Which risks does the manual name?")
    page.get_by_role("button", name="Start the workflow").click()
    page.wait_for_url("**/page/runs/run_*")
    expect(page.get_by_role("heading", name="What it gave")).to_be_visible()
    page.locator(".prose a.cite").first.click()
    expect(page.locator(".passage:target")).to_be_visible()


def test_a_workflow_that_asks_another_agent_shows_who_asked_whom(watched: Watched, rest: Rest) -> None:
    project = rest.project("Ask around about the lift")
    rest.source(project)
    for name, text in (("small", SMALL), ("everything", EVERYTHING)):
        rest.post("/v1/workflows", json={"name": name, "yaml": text}).raise_for_status()
    body = {"project_id": project, "inputs": {"topic": "the lift"}}
    run = rest.post("/v1/workflows/everything/runs", json=body).json()["id"]
    page = watched.open(f"/page/runs/{run}")
    said = page.locator("section", has=page.get_by_role("heading", name="What agents said to each other"))
    expect(said.locator("tbody tr").first).to_contain_text("Critic", timeout=20_000)
    expect(said.locator("tbody tr .state").first).to_have_text("✓ answered", timeout=20_000)
    expect(page.get_by_text("waiting for a person")).to_be_visible(timeout=20_000)
    page.goto(watched.url + "/page/inbox")
    item = page.locator(".waiting-item", has_text="Is it as you want it?")
    expect(item.get_by_role("button", name="Approve it")).to_be_visible(timeout=20_000)


def test_a_conversation_ends_in_an_accepted_proposal(watched: Watched, rest: Rest) -> None:
    project, _ = rest.done()
    page = watched.open(f"/page/projects/{project}")
    page.get_by_role("link", name="Conversation").last.click()
    expect(page.locator("#live")).to_contain_text("Live")
    page.get_by_label("Say something").fill("How much can the lift carry?")
    page.keyboard.press("Control+Enter")
    answer = page.locator(".turn").nth(1)
    expect(answer).to_contain_text("400 kg")
    answer.locator("a.cite").first.click()
    expect(page.locator(".passage:target")).to_contain_text("400 kg")
    answer.get_by_role("button", name="Keep as a note").click()
    expect(answer.get_by_role("link", name="a note")).to_be_visible()
    page.get_by_label("Say something").fill("Add a task to compare the suppliers")
    page.get_by_role("button", name="Send").click()
    offer = page.locator(".offer")
    expect(offer).to_contain_text("Compare the suppliers")
    assert "Compare the suppliers" not in [task["title"] for task in tasks_of(rest, project)]
    offer.get_by_role("button", name="Accept").click()
    expect(offer).to_contain_text("✓ accepted")
    offer.get_by_role("link", name="the task").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare the suppliers")


def test_an_answer_is_read_while_it_is_written(chromium: Browser, tmp_path: Path) -> None:
    slow = Says(text="It carries at most 400 kg. [S1] " + "It is inspected every year. " * 12, piece=20, pause=0.1)
    settings = load(tmp_path, {}, limits={"requests_per_minute": 100_000, "anonymous_per_minute": 100_000})
    with model_server(talking(slow), models=("tiny",)) as models:
        (tmp_path / "models.yaml").write_text(programs.models_yaml(models))
        with beside(settings, dispatch=True) as served, as_running(served) as running:
            project = running.rest.project()
            running.rest.source(project)
            with signed_in(chromium, running) as watched:
                page = watched.open(f"/page/projects/{project}/conversation")
                page.get_by_label("Say something").fill("How much can the lift carry?")
                page.get_by_role("button", name="Send").click()
                expect(page.locator(".turn .stream")).to_contain_text("It carries at most 400 kg", timeout=60_000)
                expect(page.get_by_role("button", name="Stop answering")).to_be_visible()
                expect(page.locator(".turn .prose a.cite")).to_have_text("[S1]", timeout=20_000)
                expect(page.locator(".turn .stream")).to_have_count(0)
                assert watched.troubles == []


def test_the_workspace_is_talked_about_too(watched: Watched, rest: Rest) -> None:
    page = watched.open("/page/conversation")
    page.get_by_label("Say something").fill("Start a project to plan the fair")
    page.get_by_role("button", name="Send").click()
    page.locator(".offer").get_by_role("button", name="Accept").click()
    page.locator(".offer").get_by_role("link", name="the project").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Plan the fair")


def test_from_a_recommendation_to_a_filled_in_form_to_a_task_that_is_done(watched: Watched, rest: Rest) -> None:
    project, _ = rest.done(CHOICE)
    page = watched.open(f"/page/projects/{project}")
    advice = page.locator("#advice .tile", has_text="Pre-mortem")
    expect(advice).to_contain_text("costly or hard to undo")
    advice.get_by_role("button", name="Accept").click()
    page.wait_for_url("**/page/tasks/tsk_*")
    page.get_by_role("link", name="fill it in").click()
    item = page.locator(".waiting-item", has=page.locator("[data-rows]"))
    rows = item.locator("[data-rows]").first.locator("tbody tr")
    before = rows.count()
    item.get_by_role("button", name="Hand in").last.click()
    expect(item.get_by_role("alert")).to_contain_text("Some answers are missing")
    watched.troubles.clear()  # the browser counts a refusal as one
    item.get_by_role("button", name="Add a row").first.click()
    expect(rows).to_have_count(before + 1)
    for field in item.locator("textarea").all():
        field.fill("It is more expensive than it seems.")
    rows.last.locator("input").first.fill("The supplier is late")
    item.get_by_label("Go ahead").select_option("Yes")
    item.get_by_role("button", name="Hand in").last.click()
    page.wait_for_url("**said=answered")
    task = next(task for task in tasks_of(rest, project) if task["form"])
    rest.until(f"/v1/tasks/{task['id']}", lambda found: found["state"] == "done")
    page.goto(watched.url + f"/page/tasks/{task['id']}")
    page.locator("#facts .tile a").click()
    expect(page.locator("input[value='The supplier is late']")).to_have_count(1)


def test_a_form_takes_rows_and_keeps_what_was_typed_without_any_script(running: Running, rest: Rest) -> None:
    project = rest.project("Fill in without scripts")
    made = rest.post(f"/v1/projects/{project}/forms", json={"template": "risk_matrix"}).json()["id"]
    own = {"Origin": running.url, "Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=running.url, headers=own | {"Accept": "text/html"}, trust_env=False) as client:
        entered = client.post("/page/session/link", data={"token": running.program.sessions.link()})
        client.headers["Cookie"] = entered.headers["Set-Cookie"].partition(";")[0]
        shown = client.get(f"/page/artifacts/{made}").text
        token, version = (re.findall(rf'name="{name}" value="(\w+)"', shown)[-1] for name in ("form_token", "version"))
        fields = {
            "form_token": token, "version": version, "f.risks.risk": [HOSTILE, "It rusts"],
            "f.risks.likely": ["", "9"], "f.risks.bad": ["", ""], "f.risks.owner": ["", "Ann"],
        }  # fmt: skip
        more = client.post(f"/page/artifacts/{made}/fill", data={**fields, "add": "risks"})
        assert more.status_code == 200 and more.text.count('name="f.risks.risk"') == 4
        assert "It rusts" in more.text and "<script>window" not in more.text
        bad = client.post(f"/page/artifacts/{made}/fill", data={**fields, "as": "version"})
        assert bad.status_code == 422 and "must be a whole number from 1 to 5" in bad.text and "It rusts" in bad.text
        good = {**fields, "f.risks.likely": ["", "4"]}
        assert client.post(f"/page/artifacts/{made}/fill", data={**good, "as": "version"}).status_code == 303
        late = client.post(f"/page/artifacts/{made}/fill", data={**good, "f.remarks": "Late", "as": "version"})
        assert late.status_code == 412 and "Somebody else filled this form in" in late.text and "Late" in late.text
    answers = rest.get(f"/v1/artifacts/{made}/form").json()["answers"]
    assert answers == {"risks": [{"risk": HOSTILE}, {"risk": "It rusts", "likely": 4, "owner": "Ann"}]}


def violations(page: Page) -> list[tuple[str, list[str]]]:
    found = Axe().run(page, options={"resultTypes": ["violations"], "runOnly": RULES}).response["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]


def test_these_pages_are_accessible_fit_a_phone_and_run_nothing_that_others_wrote(
    chromium: Browser, running: Running, rest: Rest, planned: str
) -> None:
    task = rest.post(f"/v1/projects/{planned}/tasks", json={"title": HOSTILE[:200], "brief": HOSTILE}).json()["id"]
    said = rest.post(f"/v1/projects/{planned}/messages", json={"text": f"Add a task to {HOSTILE}"}).json()["id"]
    rest.until(f"/v1/messages/{said}", lambda found: found["state"] != "thinking")
    forms = [
        rest.post(f"/v1/projects/{planned}/forms", json={"template": name}).json()["id"]
        for name in ("checklist", "decision_matrix")
    ]
    addresses = [
        f"/page/projects/{planned}", f"/page/projects/{planned}/tasks/new", f"/page/tasks/{task}/edit",
        f"/page/projects/{planned}/goal", f"/page/projects/{planned}/settings",
        f"/page/projects/{planned}/conversation", "/page/conversation",
        "/page/workflows", "/page/workflows/draft_critique_revise", *(f"/page/artifacts/{form}" for form in forms),
    ]  # fmt: skip
    with signed_in(chromium, running, color_scheme="dark", viewport=PHONE) as watched:
        for address in addresses:
            page = watched.open(address)
            page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            assert violations(page) == [], address
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address
            assert page.get_by_role("heading", level=1).count() == 1, address
            assert page.evaluate("window.trapped") is None, address
        assert watched.strays() == [] and watched.troubles == []
