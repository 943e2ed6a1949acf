"""Nothing around the program redirects a call: neither variables nor files that other programs leave behind.

Each call is made in a process whose sockets reach the configured server only and tell when something tried more."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from adapters.llm.configuration import OFFERED, PROVIDERS
from tests.cloud_servers import cloud_server
from tests.model_servers import ModelServer, model_server
from tests.triton_servers import TritonServer, triton_server

ROOT = Path(__file__).parents[2]
TRAP = "http://127.0.0.1:9"
KEYS = (
    "OPENAI",
    "OLLAMA",
    "ANTHROPIC",
    "GEMINI",
    "GOOGLE",
    "DEEPSEEK",
    "OPENROUTER",
    "XAI",
    "HOSTED_VLLM",
    "LM_STUDIO",
)
STRAY = {
    **{f"{name}_API_KEY": "leaked" for name in KEYS},
    **{f"{name}_{end}": TRAP for name in KEYS for end in ("API_BASE", "BASE_URL")},
    **{name: TRAP for each in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (each, each.lower())},
    "OLLAMA_HOST": "127.0.0.1:9",
    "OPENAI_ORGANIZATION": "leaked",
    "OPENAI_ORG_ID": "leaked",
    "OPENAI_PROJECT_ID": "leaked",
    "OPENAI_ADMIN_KEY": "leaked",
    "ANTHROPIC_AUTH_TOKEN": "leaked",
    "LITELLM_MODEL_COST_MAP_URL": TRAP,
    "LITELLM_PROXY_API_BASE": TRAP,
    "SSL_CERT_FILE": "/nonexistent/ca.pem",
    "SSL_CERT_DIR": "/nonexistent",
    "SSL_VERIFY": "False",
}
"""What other programs leave in the environment that could redirect a call."""

AT_START = {
    "LITELLM_OFFLINE_MODE": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "False",
    "LITELLM_MODE": "DEV",
    "LITELLM_LOG": "DEBUG",
    "PYTHON_DOTENV_DISABLED": "",
    "USE_LITELLM_PROXY": "true",
    "OPENAI_CUSTOM_HEADERS": "authorization: Bearer leaked",
}
"""What is overruled when the library is loaded."""


@pytest.fixture
def around(tmp_path: Path) -> Path:
    """A folder to work in and a home with the files that other programs read, and above LiteLLM one that it would."""
    written = "\n".join(f"{name}={value}" for name, value in (STRAY | AT_START).items()) + "\n"
    site = tmp_path / "above" / "site"
    site.mkdir(parents=True)
    package = importlib.util.find_spec("litellm")
    assert package is not None and package.origin is not None
    (site / "litellm").symlink_to(Path(package.origin).parent)
    for folder in (tmp_path, tmp_path / "above", tmp_path / "work", tmp_path / "home"):
        folder.mkdir(exist_ok=True)
        (folder / ".env").write_text(written + "FROM_A_FILE=yes\n")
    (tmp_path / "home" / ".netrc").write_text("machine 127.0.0.1 login me password leaked\n")
    (tmp_path / "home" / ".netrc").chmod(0o600)
    return tmp_path


def environment(around: Path, stray: dict[str, str]) -> dict[str, str]:
    own = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(around / "home"),
        "NETRC": str(around / "home" / ".netrc"),
        "PYTHONPATH": os.pathsep.join((str(around / "above" / "site"), str(ROOT))),
        "BOX_KEY": "k-123",
    }
    return own | stray


def run(around: Path, stray: dict[str, str], *command: str, given: str = "") -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=around / "work",
        env=environment(around, stray),
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout


@pytest.fixture
def backends() -> Iterator[tuple[dict[str, Any], list[ModelServer], TritonServer]]:
    """One of every kind and provider, with a key and without one; and the servers behind them."""
    found: dict[str, Any] = {}
    with (
        model_server(lambda body: "Hello.") as plain,
        cloud_server("anthropic") as anthropic,
        cloud_server("gemini") as gemini,
        triton_server(lambda body: "Hello.") as triton,
    ):
        own: dict[str, Any] = {"ollama": plain, "anthropic": anthropic, "gemini": gemini, "triton": triton}
        for name in (*PROVIDERS, *OFFERED, "triton"):
            address = own[name].base_url if name in own else plain.openai_url
            kind = {"kind": "litellm", "provider": name} if name in OFFERED else {"kind": name}
            found[name] = kind | {"base_url": address}
            found[f"{name}-keyed"] = found[name] | {"api_key_env": "BOX_KEY"}
        yield found, [plain, anthropic, gemini], triton


def guarded(around: Path, stray: dict[str, str], backends: dict[str, Any], alone: dict[str, str]) -> dict[str, Any]:
    aliases = {
        name: {"backend": name, "model": "tiny"} | ({"template": "plain"} if each["kind"] == "triton" else {})
        for name, each in backends.items()
    }
    models = {"backends": backends, "aliases": aliases, "default": "ollama"}
    ports = sorted({urlsplit(each["base_url"]).port for each in backends.values()})
    told = json.dumps({"models": models, "ports": ports, "alone": alone})
    found: dict[str, Any] = json.loads(run(around, stray, "-m", "tests.guarded_calls", given=told))
    return found


@pytest.mark.parametrize("together", [True, False], ids=["all together", "each alone"])
def test_calls_go_to_the_configured_addresses_with_the_configured_keys(
    together: bool, around: Path, backends: tuple[dict[str, Any], list[ModelServer], TritonServer]
) -> None:
    configured, servers, triton = backends
    stray = STRAY | AT_START if together else AT_START
    found = guarded(around, stray, configured, {} if together else STRAY)
    times = 2 if together else 2 + len(STRAY)
    assert found == {"elsewhere": [], "calls": times * len(configured)}
    heard = [each.headers for server in servers for each in server.requests if each.method == "POST"] + triton.headers
    calls = [each for each in heard if "idempotency-key" in each]
    keys = [each.get("authorization") or each.get("x-api-key") or each.get("x-goog-api-key") for each in calls]
    assert set(keys) == {"Bearer none", "Bearer k-123", "none", "k-123", None}
    assert [keys.count(None)] == [2 * times]  # Triton's two requests without a key
    assert "leaked" not in str(heard) and "cookie" not in str(heard)


def test_the_guard_tells_and_the_files_would_have_been_read(around: Path) -> None:
    """What the tests above rest on."""
    told = "import json, tests.guarded_calls as g, socket\ng.guard([1])\n"
    reaching = (
        "try: socket.create_connection(('127.0.0.1', 9), 1)\nexcept OSError: pass\nprint(json.dumps(g.elsewhere))"
    )
    assert json.loads(run(around, {}, "-c", told + reaching)) == ["connect ('127.0.0.1', 9)"]
    loading = "import os, litellm; print(litellm.__file__, os.environ.get('FROM_A_FILE'))"
    bare = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "DEV"}
    assert run(around, bare, "-c", loading).split() == [str(around / "above/site/litellm/__init__.py"), "yes"]
