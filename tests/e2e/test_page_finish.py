"""Small things that people stumble over: wrong addresses, long messages, slow backends, files to choose again."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from config.settings import load
from infrastructure.serving import beside
from tests.e2e.browsing import PHONE, Watched, browser, signed_in
from tests.e2e.rest_client import MARKDOWN, Rest, Running
from tests.e2e.test_page import RULES, violations
from tests.model_behaviours import default_script
from tests.model_servers import model_server

LONG = "\n".join(f"line {n}" for n in range(10_000))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def watched(chromium: Browser, running: Running) -> Iterator[Watched]:
    with signed_in(chromium, running) as found:
        yield found
        assert found.strays() == []


def test_a_wrong_address_is_a_page_with_ways_on(watched: Watched) -> None:
    page = watched.open("/page/zzz/yyy")
    expect(page.get_by_role("alert")).to_have_text("× There is nothing at /page/zzz/yyy.")
    page.locator("main").get_by_role("link", name="your projects").click()
    expect(page).to_have_url(re.compile(r"/page$"))
    with httpx.Client(base_url=watched.url, trust_env=False) as stranger:
        assert stranger.get("/page/zzz").status_code == 401


def test_a_conversation_opens_at_its_newest_message_and_folds_a_long_one(watched: Watched, rest: Rest) -> None:
    project = rest.project("Talk")
    for text in (LONG, "What is there?"):
        said = rest.post(f"/v1/projects/{project}/messages", json={"text": text}).json()["id"]
        rest.until(f"/v1/messages/{said}", lambda found: found["state"] != "thinking")
    page = watched.open(f"/page/projects/{project}/conversation")
    expect(page.get_by_role("button", name="Send")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollHeight") < 4_000
    page.get_by_text("Show all").first.click()
    expect(page.get_by_text("line 9999")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight") > 50_000
    assert watched.troubles == []


def test_an_answer_in_the_workspaces_conversation_says_what_it_cost(watched: Watched, rest: Rest) -> None:
    said = rest.post("/v1/messages", json={"text": "What is going on?"}).json()["id"]
    rest.until(f"/v1/messages/{said}", lambda found: found["state"] != "thinking")
    page = watched.open("/page/conversation")
    page.get_by_role("link", name="Calls and costs").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Answer in the conversation")
    expect(page.locator("#live")).to_contain_text("Live")
    page.locator(".crumbs").get_by_role("link", name="Conversation").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Conversation")
    assert watched.troubles == []


def test_files_of_a_refused_project_are_to_be_chosen_again(watched: Watched, rest: Rest, tmp_path: Path) -> None:
    (tmp_path / "good.md").write_bytes(MARKDOWN)
    (tmp_path / "bad.docx").write_bytes(b"no document")
    page = watched.open("/page/projects/new")
    page.get_by_label("Goal").fill("Keep what I typed")
    page.get_by_label("Documents").set_input_files([tmp_path / "good.md", tmp_path / "bad.docx"])
    page.get_by_role("button", name="Create only").click()
    expect(page.get_by_role("alert")).to_contain_text("bad.docx")
    expect(page.get_by_role("alert")).to_contain_text("Choose your documents again")
    expect(page.get_by_label("Goal")).to_have_value("Keep what I typed")


def test_a_watched_folder_and_what_was_noted_of_it_are_seen(watched: Watched, rest: Rest, tmp_path: Path) -> None:
    project = rest.project("Watch it")
    page = watched.open(f"/page/projects/{project}/case-file")
    expect(page.locator("#live")).to_contain_text("Live")
    (tmp_path / "fake.docx").write_bytes(b"no document")
    rest.patch(f"/v1/projects/{project}", json={"watched_folder": str(tmp_path)}).raise_for_status()
    expect(page.locator("#folder")).to_contain_text(str(tmp_path))
    expect(page.locator("#folder")).to_contain_text("fake.docx was not taken from the folder")
    page = watched.open(f"/page/projects/{project}/settings")
    expect(page.locator("main")).to_contain_text("fake.docx was not taken from the folder")
    assert page.locator("main").get_by_text(str(tmp_path)).count() == 1


def test_what_can_be_scrolled_fades_where_there_is_more(watched: Watched, rest: Rest) -> None:
    project = rest.project("Fade")
    drafts = [{"key": f"k{n}", "title": f"Task {n}", "brief": "Look."} for n in range(13)]
    rest.put(f"/v1/projects/{project}/plan", json={"tasks": drafts}, headers={"If-Match": "*"}).raise_for_status()
    frame = watched.open(f"/page/projects/{project}").locator(".picture-frame")
    expect(frame).to_have_class("picture-frame more-below")
    frame.evaluate("(frame) => frame.scrollTo(0, frame.scrollHeight)")
    expect(frame).to_have_class("picture-frame more-above")


def test_settings_are_shown_at_once_while_a_backend_keeps_silent(chromium: Browser, tmp_path: Path) -> None:
    with ExitStack() as stack, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        models = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (tmp_path / "models.yaml").write_text(
            f"default: slow\nbackends: {{one: {{kind: openai, base_url: '{models}'}}}}\n"
            "aliases: {slow: {backend: one, model: m, context_tokens: 8192}}\n"
        )
        with beside(load(tmp_path, {}), dispatch=True) as served, Rest(served.url, served.token) as rest:
            running = Running(rest=rest, url=served.url, token=served.token, program=served.program)
            watched = stack.enter_context(signed_in(chromium, running, viewport=PHONE))
            page = watched.open("/page/settings")
            row = page.locator("#models tbody tr")
            expect(row).to_contain_text("being asked")
            expect(page.locator("main")).to_contain_text("The least that is logged.")
            expect(row).to_contain_text("not there", timeout=15_000)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
            assert "`" not in page.locator("main").inner_text()


def test_a_model_is_tried_on_the_page(chromium: Browser, tmp_path: Path) -> None:
    with model_server(lambda body: "ready, one, two, three" if "format" not in body else default_script(body)) as model:
        (tmp_path / "models.yaml").write_text(
            "default: main\nhosts: {box: {memory_limit: 4GB}}\n"
            f"backends: {{one: {{kind: ollama, base_url: '{model.base_url}', host: box}}}}\n"
            "aliases: {main: {backend: one, model: tiny, memory: 3GB}}\n"
        )
        with beside(load(tmp_path, {}), dispatch=True) as served, Rest(served.url, served.token) as rest:
            running = Running(rest=rest, url=served.url, token=served.token, program=served.program)
            with signed_in(chromium, running) as watched:
                page = watched.open("/page/settings")
                expect(page.locator("#models tbody tr")).to_contain_text("3.0 of 4.0 GB on box", timeout=15_000)
                page.get_by_role("button", name="Try it").click()
                expect(page.get_by_role("heading", name="Trying main")).to_be_visible(timeout=60_000)
                table = page.locator("main table")
                expect(table).to_contain_text("structured")
                expect(table.locator("tr", has_text="streaming")).to_contain_text("passed")
                assert violations(page, runOnly=RULES) == [] and watched.troubles == []
                page.get_by_role("link", name="Back to the settings").click()
                expect(page).to_have_url(re.compile(r"/page/settings$"))
