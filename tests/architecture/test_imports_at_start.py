"""Heavy libraries load when first used: showing help imports none of them."""

import json
import subprocess
import sys

import pytest

HEAVY = {"litellm", "smolagents", "sqlalchemy", "networkx", "fastapi", "uvicorn", "httpx", "openai", "redis"}
COMMANDS = (
    "run", "up", "show", "export", "projects", "tasks", "inbox", "artifacts", "graph", "workflow", "doctor", "config",
)  # fmt: skip
HELP = """
import contextlib, io, json, sys
from infrastructure.cli.main import main
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        try:
            main([*words, "--help"])
        except SystemExit as ended:
            assert ended.code == 0, words
    assert "Usage: caseworks" in shown.getvalue(), words
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded(script: str, *arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-W", "error", "-c", script, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_no_help_page_imports_a_heavy_library() -> None:
    assert not loaded(HELP, json.dumps([[], *([name] for name in COMMANDS)])) & HEAVY


@pytest.mark.parametrize("module", ["infrastructure.cli.main", "infrastructure.cli.demo"])
def test_importing_the_command_line_does_nothing(module: str) -> None:
    script = f"import json, sys, {module}; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    assert not loaded(script) & HEAVY


def test_every_error_in_the_table_is_a_class_that_exists() -> None:
    from importlib import import_module

    from infrastructure.cli.endings import KNOWN, REFUSED, UNREACHABLE

    for address in (*KNOWN, REFUSED, UNREACHABLE):
        module, _, name = address.rpartition(".")
        found = getattr(import_module(module), name)
        assert issubclass(found, Exception)
        assert f"{found.__module__}.{found.__qualname__}" == address
