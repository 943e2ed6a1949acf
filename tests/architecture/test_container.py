"""What a container is made of: the files are sound, nothing is more open than it must be, no name dangles."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import load
from tests.architecture.test_house import LAYERS, ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BIN = Path(sys.executable).parent


def checked(*command: str) -> None:
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_compose_file_follows_the_compose_specification() -> None:
    checked("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")


def test_hadolint_has_no_objection_to_the_dockerfile() -> None:
    checked("hadolint", "Dockerfile")


def test_services_name_only_what_the_file_defines() -> None:
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES), name
        assert set(service["networks"]) <= set(COMPOSE["networks"]), name
        assert {volume.partition(":")[0] for volume in service.get("volumes", [])} <= set(COMPOSE["volumes"]), name
    variables = SERVICES["caseworks"]["environment"].values()
    hosts = {found[1] for value in variables if (found := re.search(r"://(\w+):", str(value)))}
    assert hosts == {"redis", "ollama"} <= set(SERVICES)


def test_only_loopback_is_published_and_only_of_the_program() -> None:
    published = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert published == {"caseworks": ["127.0.0.1:8470:8470"], "redis": [], "ollama": []}
    assert COMPOSE["networks"]["carrier"]["internal"] is True and SERVICES["redis"]["networks"] == ["carrier"]


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_can_gain_rights(name: str) -> None:
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in SERVICES[name]


def test_the_program_and_redis_cannot_write_to_their_images_and_are_not_root() -> None:
    for name in ("caseworks", "redis"):
        assert SERVICES[name]["read_only"] is True and SERVICES[name]["tmpfs"]
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", SERVICES["redis"]["user"])


def test_a_model_server_starts_only_when_it_is_asked_for() -> None:
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["ollama"]


def test_the_variables_of_the_program_are_settings_that_it_accepts(tmp_path: Path) -> None:
    settings = load(tmp_path, {name: str(value) for name, value in SERVICES["caseworks"]["environment"].items()})
    assert settings.behind_proxy and settings.reached_at in settings.allowed_hosts
    assert settings.redis_url is not None
    assert SERVICES["caseworks"]["volumes"] == ["data:/data"] and "CASEWORKS_DATA_DIR=/data" in DOCKERFILE


def test_all_code_and_only_locked_packages_come_into_the_image() -> None:
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE))
    names = {name for line in copied for name in line.split()}
    assert set(LAYERS) <= names
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert names == {line[1:] for line in ignored if line.startswith("!")}
    installs = re.findall(r"pip install ([^\\&\n]+)", DOCKERFILE)
    assert installs and all("--require-hashes" in line or "--no-index" in line for line in installs)


def test_the_last_stage_holds_no_compiler_and_no_installer() -> None:
    *_, last = DOCKERFILE.split("\nFROM ")
    assert DOCKERFILE.count("\nFROM ") == 2
    assert not re.search(r"\b(pip|apt-get|gcc|make|build-essential)\b", last)


def test_no_file_for_containers_names_a_registry() -> None:
    images = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) + [s["image"] for s in SERVICES.values()]
    assert all("." not in image.partition(":")[0] for image in images), images
