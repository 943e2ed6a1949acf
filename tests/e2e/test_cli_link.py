"""`caseworks link`: a way into the page of a server that runs already."""

from pathlib import Path

import httpx

from tests.e2e.processes import Process
from tests.e2e.test_cli import Done, caseworks
from tests.e2e.test_cli_bad_input import only


def entered(url: str, link: str) -> httpx.Response:
    """What a browser does with a link: the token stands in the fragment, and a script posts it."""
    own = {"Origin": url, "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    token = link.partition("#")[2]
    return httpx.post(f"{url}/page/session/link", data={"token": token}, headers=own, trust_env=False)


def test_a_link_signs_in_once_and_the_next_one_again(tmp_path: Path) -> None:
    process = Process(tmp_path)
    try:
        url = process.ready()
        told = caseworks(tmp_path, "link")
        assert told.code == 0 and told.out.startswith(f"{url}/page/sign-in#") and len(told.out.splitlines()) == 1
        assert "works once" in told.err
        assert [entered(url, told.out.strip()).status_code for _ in range(2)] == [303, 403]
        another = caseworks(tmp_path, "link", "--json").json
        assert set(another) == {"url", "expires_at"} and another["url"] != told.out.strip()
        assert entered(url, another["url"]).status_code == 303
        kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "token"]
        assert not [path for path in kept if told.out.strip().partition("#")[2].encode() in path.read_bytes()]
    finally:
        process.stop()


def test_a_link_needs_the_owners_token(tmp_path: Path) -> None:
    process = Process(tmp_path)
    try:
        url = process.ready()
        assert httpx.post(f"{url}/v1/sign-in-links", trust_env=False).status_code == 401
        wrong: Done = caseworks(tmp_path, "link", CASEWORKS_TOKEN="w" * 43)
        only(wrong, 3, "token")
    finally:
        process.stop()


def test_without_a_server_there_is_nothing_to_sign_in_to(tmp_path: Path) -> None:
    only(caseworks(tmp_path / "data", "link"), 3, "No server runs on", "caseworks up")
    assert not (tmp_path / "data").exists()
