"""Who gets to the page: a one-time link, a cookie that only this program sees, requests of the page itself."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.rest_client import Rest, Running

HTML = {"Accept": "text/html"}
PLAIN = "/page/projects/new"


@pytest.fixture
def client(running: Running) -> Iterator[httpx.Client]:
    """Without a token; it keeps cookies as a browser does."""
    with httpx.Client(base_url=running.url, headers=HTML, trust_env=False, timeout=30) as found:
        yield found


def own(running: Running) -> dict[str, str]:
    return {"Origin": running.url, "Sec-Fetch-Site": "same-origin"}


def enter(client: httpx.Client, running: Running) -> httpx.Response:
    link = running.program.sessions.link()
    answer = client.post("/page/session/link", data={"token": link}, headers=own(running))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/page"), answer.text
    name, _, value = answer.headers["Set-Cookie"].partition(";")[0].partition("=")
    client.headers["Cookie"] = f"{name}={value}"
    return answer


def form_token(client: httpx.Client) -> str:
    found = re.search(r'name="form_token" value="(\w+)"', client.get(PLAIN).text)
    assert found is not None
    return found[1]


def test_without_a_session_every_page_leads_to_signing_in(client: httpx.Client) -> None:
    for path in ("/", "/page", PLAIN, "/page/inbox", "/page/projects/prj_x/events", "/page/nowhere"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers.get("Location")) == (303, "/page/sign-in"), path
    assert client.get("/page", headers={"Accept": "*/*"}).status_code == 401
    assert client.get("/page/sign-in").status_code == 200


def test_a_link_works_once(client: httpx.Client, running: Running) -> None:
    link = running.program.sessions.link()
    first = client.post("/page/session/link", data={"token": link}, headers=own(running))
    again = client.post("/page/session/link", data={"token": link}, headers=own(running))
    assert first.status_code == 303 and "Set-Cookie" in first.headers
    assert again.status_code == 403 and "Set-Cookie" not in again.headers
    assert "was used before" in again.text


def test_the_cookie_is_for_this_program_and_no_script(client: httpx.Client, running: Running) -> None:
    cookie = enter(client, running).headers["Set-Cookie"]
    name, _, attributes = cookie.partition("=")
    assert name == f"__Host-caseworks-{running.url.rpartition(':')[2]}"
    assert {"HttpOnly", "Path=/", "SameSite=strict", "Secure"} <= set(attributes.split("; "))
    assert "Domain" not in cookie


def test_the_owners_token_signs_in_too_and_a_wrong_one_does_not(client: httpx.Client, running: Running) -> None:
    good = client.post("/page/session/token", data={"token": f" {running.token}\n"}, headers=own(running))
    bad = client.post("/page/session/token", data={"token": "x" * 43}, headers=own(running))
    assert (good.status_code, bad.status_code) == (303, 403)
    assert "Set-Cookie" not in bad.headers and running.token not in bad.text


def test_the_cookie_opens_the_page_only_and_the_token_the_api_only(client: httpx.Client, running: Running) -> None:
    enter(client, running)
    assert client.get("/page").status_code == 200
    assert client.get("/").headers["Location"] == "/page"
    assert client.get("/v1/projects").status_code == 401
    bearer = {"Authorization": f"Bearer {running.token}", "Accept": "*/*", "Cookie": ""}
    assert client.get("/v1/projects", headers=bearer).status_code == 200
    assert client.get("/page", headers=bearer).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_what_does_not_come_from_the_page_writes_nothing(
    client: httpx.Client, running: Running, rest: Rest, headers: dict[str, str]
) -> None:
    """With the cookie and the form's token, as a thief would have to have them both."""
    enter(client, running)
    fields = {"goal": "Stolen goal", "form_token": form_token(client)}
    given = {"Origin": running.url} | headers if "Sec-Fetch-Site" in headers else headers
    answer = client.post("/page/projects", data=fields, headers=given)
    assert answer.status_code == 403
    assert "Stolen goal" not in [item["goal"] for item in rest.items("/v1/projects")]


def test_a_form_needs_the_token_of_its_session(client: httpx.Client, running: Running, rest: Rest) -> None:
    enter(client, running)
    stolen = form_token(client)
    enter(client, running)
    for token in ("", "x", stolen):
        fields = {"goal": "Forged goal", "form_token": token}
        answer = client.post("/page/projects", data=fields, headers=own(running))
        assert answer.status_code == 403 and "another session" in answer.text
    assert "Forged goal" not in [item["goal"] for item in rest.items("/v1/projects")]


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_another_site_can_link_to_the_page_but_read_nothing_of_it(
    client: httpx.Client, running: Running, site: str
) -> None:
    """Other ports of this machine are the same site to a browser, so it sends them the cookie's requests."""
    enter(client, running)
    fetched = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    framed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    followed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert [client.get("/page", headers=each).status_code for each in (fetched, framed, followed)] == [403, 403, 200]


def test_signing_out_ends_the_session_at_once(client: httpx.Client, running: Running) -> None:
    enter(client, running)
    answer = client.post("/page/sign-out", data={"form_token": form_token(client)}, headers=own(running))
    assert answer.status_code == 303 and "Max-Age=0" in answer.headers["Set-Cookie"]
    assert client.get("/page").status_code == 303


def test_an_open_stream_ends_with_its_session(client: httpx.Client, running: Running, rest: Rest) -> None:
    enter(client, running)
    project = rest.project("Watched until signed out")
    token = form_token(client)
    with client.stream("GET", f"/page/projects/{project}/events") as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("event:")) == "event: changed"
        client.post("/page/sign-out", data={"form_token": token}, headers=own(running))
        rest.source(project, "Secret news")
        assert not [line for line in lines if line.startswith("event:")]


def test_every_page_has_a_policy_that_no_inline_script_passes(client: httpx.Client, running: Running) -> None:
    enter(client, running)
    seen = set()
    for path in ("/page", "/page/sign-in", PLAIN, "/page/inbox", "/page/agents", "/page/settings"):
        answer = client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        nonce = re.search(r"script-src 'nonce-([\w-]+)';", policy)
        assert nonce is not None and "unsafe" not in policy and policy.startswith("default-src 'none'")
        assert f'nonce="{nonce[1]}"' in answer.text and nonce[1] not in seen
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", answer.text), path
        assert answer.headers["Referrer-Policy"] == "same-origin" and answer.headers["Cache-Control"] == "no-store"
        seen.add(nonce[1])


def test_what_is_not_there_is_a_page_that_says_so(client: httpx.Client, running: Running) -> None:
    enter(client, running)
    for path in ("/page/projects/prj_x", "/page/tasks/tsk_x", "/page/artifacts/art_x", "/page/runs/run_x"):
        answer = client.get(path)
        assert answer.status_code == 404 and "There is no" in answer.text, path
        assert answer.headers["content-type"].startswith("text/html")
    assert client.get("/page/artifacts/art_x?version=0").status_code == 422
    assert client.get("/page/static/x/nothing.js").status_code == 404
    assert client.get("/page/static/x/../../page.css").status_code in (404, 303)


def test_a_secret_of_the_settings_is_never_shown(client: httpx.Client, running: Running) -> None:
    enter(client, running)
    answer = client.get("/page/settings")
    assert "limits.upload_bytes" in answer.text and running.token not in answer.text


def test_the_page_is_not_part_of_the_api(rest: Rest) -> None:
    assert not [path for path in rest.get("/openapi.json").json()["paths"] if path.startswith("/page")]


def test_up_prints_a_link_that_works_and_keeps_it_nowhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infrastructure.cli.main", "up", "--port", "0", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None and up.stderr is not None
        assert up.stdout.readline().startswith("Caseworks is ready at http://127.0.0.1:")
        line = next(line for line in up.stderr if line.startswith("Open the page: "))
        found = re.search(r"(http://[\d.]+:\d+)/page/sign-in#([\w-]{43})  \(works once, for 15 minutes\)", line)
        assert found is not None, line
        url, token = found.groups()
        headers = {"Origin": url, "Sec-Fetch-Site": "same-origin"}
        answer = httpx.post(f"{url}/page/session/link", data={"token": token}, headers=headers, trust_env=False)
        assert answer.status_code == 303
        up.terminate()
        out, err = up.communicate(timeout=15)
    assert token not in out + err
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept and not [content for content in kept if token.encode() in content]
