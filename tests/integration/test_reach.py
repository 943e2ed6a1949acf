"""Who can reach the server: this machine, unless a proxy was declared; and whose word about addresses is believed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.reading import ConfigurationError
from config.settings import load
from infrastructure.data_directory import DataDirectory
from infrastructure.rest.app import create_app
from infrastructure.serving import CannotListen, Served, serving

EVERYWHERE = "0.0.0.0"
LIMITS = {"anonymous_per_minute": 3}


@asynccontextmanager
async def served(folder: Path, **flags: Any) -> AsyncIterator[Served]:
    async with serving(load(folder, {}, rehearse=True, port=0, **flags)) as (found, _):
        yield found


async def asked(found: Served, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=found.url, trust_env=False) as client:
        return await client.get(path, headers=headers)


async def test_without_a_declared_proxy_it_refuses_to_listen_beyond_loopback(tmp_path: Path) -> None:
    with pytest.raises(CannotListen, match=r"loopback only, not on 0\.0\.0\.0.*behind_proxy: true"):
        async with served(tmp_path, host=EVERYWHERE):
            pass


async def test_behind_a_declared_proxy_it_listens_and_still_wants_host_and_token(tmp_path: Path) -> None:
    names = ["127.0.0.1", "work.example"]
    async with served(tmp_path, host=EVERYWHERE, behind_proxy=True, allowed_hosts=names) as found:
        for host, status in (("work.example", 200), ("127.0.0.1:1", 200), ("0.0.0.0", 421), ("evil.example", 421)):
            assert (await asked(found, "/health", Host=host)).status_code == status, host
        assert (await asked(found, "/v1/projects", Host="work.example")).status_code == 401


async def test_commands_on_the_machine_reach_a_server_that_listens_everywhere(tmp_path: Path) -> None:
    async with served(tmp_path, host=EVERYWHERE, behind_proxy=True) as found:
        address = DataDirectory(tmp_path).server()
        assert address is not None and address.url == found.url and "127.0.0.1" in found.url
        assert (await asked(found, "/v1/projects", Authorization=f"Bearer {found.token}")).status_code == 200


async def test_the_doctor_says_who_reaches_it(tmp_path: Path) -> None:
    for flags, words in (
        ({}, "loopback only"),
        ({"host": EVERYWHERE, "behind_proxy": True}, f"listens on {EVERYWHERE} behind a proxy that you declared"),
    ):
        async with served(tmp_path, **flags) as found:
            findings = (await asked(found, "/v1/doctor", Authorization=f"Bearer {found.token}")).json()["items"]
            assert [item["level"] for item in findings if words in item["detail"]] == ["ok"]


async def test_a_proxy_without_names_for_its_hosts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotListen, match=r"allowed_hosts must hold 127\.0\.0\.1"):
        async with served(tmp_path, host=EVERYWHERE, behind_proxy=True, allowed_hosts=["work.example"]):
            pass


@pytest.mark.parametrize("host", ["*", "https://work.example", "work.example:443", "", " work.example", "a/b"])
def test_what_is_no_host_name_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigurationError, match="is no host name"):
        load(tmp_path, {}, allowed_hosts=[host])


@pytest.mark.parametrize("proxy", ["*", "proxy.example", "10.0.0.0/99", ""])
def test_what_is_no_address_of_a_proxy_is_refused(tmp_path: Path, proxy: str) -> None:
    with pytest.raises(ConfigurationError, match="is no address"):
        load(tmp_path, {}, proxies=[proxy])


async def strangers(found: Served, addresses: Sequence[str]) -> list[int]:
    """How each is answered who says to come from these addresses."""
    answers = [await asked(found, "/health", **{"X-Forwarded-For": address}) for address in addresses]
    return [answer.status_code for answer in answers]


async def test_nobody_is_believed_about_where_a_request_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    async with served(tmp_path, limits=LIMITS) as found:
        assert await strangers(found, [f"198.51.100.{n}" for n in range(5)]) == [200] * 3 + [429] * 2


async def test_a_declared_proxy_is_believed_and_what_its_client_added_is_not(tmp_path: Path) -> None:
    async with served(tmp_path, limits=LIMITS, proxies=["127.0.0.0/8"]) as found:
        assert await strangers(found, [f"198.51.100.{n}" for n in range(5)]) == [200] * 5
        forged = [f"192.0.2.{n}, 203.0.113.9" for n in range(5)]
        assert await strangers(found, forged) == [200] * 3 + [429] * 2


async def test_a_folder_of_the_machine_is_not_named_from_another_one(tmp_path: Path) -> None:
    """Not even where a proxy says nothing of what it passes on."""
    async with served(tmp_path / "data", host=EVERYWHERE, behind_proxy=True) as found:
        app = create_app(found.program.settings, found.program)
        for address, status in (("127.0.0.1", 200), ("192.0.2.9", 403)):
            sent = httpx.ASGITransport(app, client=(address, 1))
            mine = {"Authorization": f"Bearer {found.token}"}
            async with httpx.AsyncClient(transport=sent, base_url="http://127.0.0.1", headers=mine) as client:
                project = (await client.post("/v1/projects", json={"goal": "Brief me"})).json()["id"]
                (tmp_path / "watched").mkdir(exist_ok=True)
                folder = {"watched_folder": str(tmp_path / "watched")}
                assert (await client.patch(f"/v1/projects/{project}", json=folder)).status_code == status


def test_settings_for_a_container_come_from_variables(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        {
            "CASEWORKS_HOST": EVERYWHERE,
            "CASEWORKS_BEHIND_PROXY": "true",
            "CASEWORKS_PROXIES": "10.0.0.5,10.1.0.0/16",
        },
    )
    assert (found.behind_proxy, found.proxies, found.reached_at) == (True, ("10.0.0.5", "10.1.0.0/16"), "127.0.0.1")
