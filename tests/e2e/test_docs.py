"""The documents keep their word: every command in them is run or checked, links lead somewhere, references are whole.

A block marked `sh` is run, in order, with the rehearsal model. One marked `sh checked` needs a model or an answer that
only a person can give: its commands, options and addresses are compared with the program. `# exits with 1` says so.
"""

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.main import get_command

from adapters.llm.configuration import Models
from config.settings import Settings, load
from domain.form import FormTemplate
from infrastructure.cli.main import app
from infrastructure.cli.plan_files import PlanFile
from infrastructure.rest.app import create_app
from services.work.fitting import fitting

ROOT = Path(__file__).parents[2]
REST = ROOT / "docs" / "reference" / "rest.md"
AGENTS = ROOT / "docs" / "reference" / "agents.md"
WORKFLOWS = ROOT / "docs" / "reference" / "workflows.md"
SCHEMAS = sorted((ROOT / "docs" / "reference").glob("*.schema.json"))
EXAMPLE = ROOT / "docs" / "how-to" / "two_views.yaml"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
WRITTEN = [page for page in PAGES if page not in (REST, AGENTS, WORKFLOWS) and "samples" not in page.parts]
BLOCK = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile(r"\b(prj|run|tsk|inb|art)_…")
EXPECTED = re.compile(r"\s*# exits with (\d)$")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")
PORT = "8470"
INSIDE = "docker compose exec caseworks "
GROUPS = {
    "docs/quickstart.md docs/how-to/approve-a-plan.md docs/how-to/do-a-task-yourself.md "
    "docs/how-to/read-the-audit.md": True,
    "docs/how-to/accept-retry-discard.md docs/how-to/configure-a-model.md docs/how-to/set-a-budget.md": True,
    "README.md": False,
    "docs/how-to/move-and-back-up.md": False,
    "docs/how-to/take-it-with-you.md": False,
    "docs/how-to/ask-the-graph.md": False,
    "docs/how-to/hand-over-inputs.md": False,
    "docs/how-to/write-a-workflow.md": False,
    "docs/how-to/talk-with-the-manager.md": True,
    "docs/how-to/edit-a-plan.md": True,
    "docs/how-to/put-a-proxy-before-it.md": False,
}
"""Pages that are run on one data directory; true where a server is started beside them, which is faster."""

PRELUDE = """
set -uo pipefail
exec >"$LOG" 2>&1
server=
last() { grep -oE "$1_[0-9a-z]{20,}" "$LOG" | tail -1; }
curl() { command curl --fail-with-body -sS --max-time 40 "$@"; }
fail() { echo "FAILED: $1: exit code $2, not $3"; exit 1; }
trap '[ -z "$server" ] || { kill $server; wait $server; }' EXIT
answers() { command curl -s "$HEALTH" >/dev/null; }
up() { answers || { "$@" & server=$!; }; for i in $(seq 150); do answers && return 0; sleep 0.2; done; return 3; }
"""


@dataclass(frozen=True)
class Ran:
    code: int
    log: str


def blocks(page: Path, kind: str) -> list[str]:
    return [found["body"] for found in BLOCK.finditer(page.read_text("utf-8")) if found["kind"] == kind]


def commands(page: Path, kind: str = "sh") -> list[str]:
    """One each, continued lines joined."""
    lines = [line for body in blocks(page, kind) for line in body.replace("\\\n", " ").splitlines()]
    return [line.strip() for line in lines if line.strip()]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def is_make(command: str) -> bool:
    return command.startswith("make ")


# running


def script(page: Path) -> str:
    steps = [PRELUDE]
    for command in commands(page):
        if is_make(command):
            continue
        expected = EXPECTED.search(command)
        said = EXPECTED.sub("", command)
        code = expected[1] if expected else "0"
        line = PLACEHOLDER.sub(r"$(last \1)", said)
        if re.match(r"(\.venv/bin/)?caseworks up\b", line):
            line = f"up {line}"
        steps.append(f"{line}\ngot=$?; [ $got -eq {code} ] || fail {shlex.quote(said[:60])} $got {code}")
    return "\n".join(steps) + "\n"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def environment(folder: Path, port: int) -> dict[str, str]:
    """No Ollama, no settings of this machine, a data directory of its own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CASEWORKS_")}
    ours = {
        "CASEWORKS_DATA_DIR": str(folder / "data"),
        "CASEWORKS_PORT": str(port),
        "HEALTH": f"http://127.0.0.1:{port}/health",
        "HOME": str(folder),
        "OLLAMA_HOST": "127.0.0.1:9",
        "PATH": f"{folder / '.venv' / 'bin'}:{os.environ['PATH']}",
    }
    return kept | ours


def prepared(folder: Path) -> Path:
    """What a reader has before them: the environment and the documents."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "docs").symlink_to(ROOT / "docs")
    return folder


@contextmanager
def server(folder: Path, env: Mapping[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        [str(folder / ".venv" / "bin" / "caseworks"), "up"], cwd=folder, env=env, stdout=subprocess.DEVNULL
    )
    try:
        wait_for(env["HEALTH"])
        yield
    finally:
        process.terminate()
        process.wait(15)


def wait_for(address: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urlopen(address, timeout=5):
                return
        except (URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError(f"{address} did not answer within {seconds} s")


def carried_out(pages: Sequence[str], folder: Path, *, served: bool) -> dict[str, Ran]:
    prepared(folder)
    port = free_port()
    env = environment(folder, port)
    if not served:
        return {page: one(ROOT / page, folder, env, port) for page in pages}
    with server(folder, env):
        return {page: one(ROOT / page, folder, env, port) for page in pages}


def one(page: Path, folder: Path, env: Mapping[str, str], port: int) -> Ran:
    log = folder / f"{page.stem}.log"
    body = script(page).replace(f":{PORT}/", f":{port}/")
    done = subprocess.run(
        ["bash", "-c", body], cwd=folder, env={**env, "LOG": str(log)}, stdin=subprocess.DEVNULL, timeout=120
    )
    return Ran(code=done.returncode, log=log.read_text("utf-8", "replace"))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    with ThreadPoolExecutor(3) as pool:
        jobs = [
            pool.submit(carried_out, pages.split(), tmp_path_factory.mktemp("docs") / "work", served=served)
            for pages, served in GROUPS.items()
        ]
        return {page: result for job in jobs for page, result in job.result().items()}


@pytest.mark.parametrize("page", " ".join(GROUPS).split())
def test_the_commands_of_a_page_do_what_it_says(page: str, ran: dict[str, Ran]) -> None:
    assert ran[page].code == 0, ran[page].log[-3000:]
    assert "Traceback" not in ran[page].log


def test_what_the_pages_promise_can_be_seen(ran: dict[str, Ran]) -> None:
    assert "this is a rehearsal" in ran["docs/quickstart.md"].log.splitlines()[1]
    assert "is now: information product" in ran["docs/quickstart.md"].log
    assert "run.ended" in ran["README.md"].log
    assert "artifact.published" in ran["docs/how-to/read-the-audit.md"].log


def test_no_page_with_commands_is_left_out() -> None:
    with_commands = {name(page) for page in WRITTEN if any(not is_make(command) for command in commands(page))}
    assert with_commands == set(" ".join(GROUPS).split())


# checking


def checked() -> list[str]:
    """Those for a container too, as they are within it."""
    there = [command for page in WRITTEN for command in commands(page, "sh container") if INSIDE in command]
    here = [command for page in WRITTEN for command in commands(page, "sh checked")]
    return here + [command.partition(INSIDE)[2] for command in there]


def named() -> list[str]:
    """Commands in the running text, between backquotes."""
    text = "\n".join(BLOCK.sub("", page.read_text("utf-8")) for page in WRITTEN)
    return [found for found in re.findall(r"`((?:\.venv/bin/)?caseworks [^`]+)`", text) if "COMMAND" not in found]


@pytest.mark.parametrize(
    "command", [c for c in checked() if c.startswith(("caseworks ", ".venv/"))] + sorted(set(named()))
)
def test_a_command_that_is_named_exists_with_its_options(command: str) -> None:
    words = shlex.split(command.removeprefix(".venv/bin/").replace("[", "").replace("]", ""))
    found: Any = get_command(app)
    assert words.pop(0) == "caseworks"
    while words and words[0] in getattr(found, "commands", {}):
        found = found.commands[words.pop(0)]
    both = [option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)]
    options = {option for option in both if option.startswith("-")}
    given = {word for word in words if word.startswith("-")}
    assert given <= options | {"--help"}, given - options
    takes = any(parameter.param_type_name == "argument" for parameter in found.params)
    assert takes or not words or words[0].startswith("-"), f"{command}: there is no {words[:1]}"


@pytest.mark.parametrize("command", [c for c in checked() if "curl " in c])
def test_an_address_that_is_named_exists(command: str) -> None:
    words = shlex.split(command)
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if "-d" in words or "-F" in words else "GET"
    path = (
        next(word for word in words if word.startswith("$URL"))
        .replace("$URL", "/v1")
        .partition("?")[0]
        .replace(EXAMPLE.stem, "x")
    )
    known = create_app(load(Path("/nowhere"), {})).openapi()["paths"]
    shape = re.compile(re.sub(r"\\\{\w+\\\}|\\\{.*?\\\}", "x", re.escape(PLACEHOLDER.sub("x", path))))
    fitting_paths = [known_path for known_path in known if shape.fullmatch(re.sub(r"\{\w+\}", "x", known_path))]
    assert any(method.lower() in known[each] for each in fitting_paths), f"{method} {path}"


def test_make_has_the_targets_that_are_named() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "\n".join(page.read_text("utf-8") for page in WRITTEN)
    wanted = set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE))
    assert wanted
    assert wanted <= targets, wanted - targets


def test_every_block_of_commands_says_what_it_is() -> None:
    kinds = {found["kind"] for page in WRITTEN for found in BLOCK.finditer(page.read_text("utf-8"))}
    assert kinds <= {
        "sh",
        "sh checked",
        "sh container",
        "yaml models",
        "yaml settings",
        "yaml workflow",
        "python workflow",
        "yaml form",
        "yaml plan",
        "yaml prometheus",
    }, kinds


def test_the_examples_of_files_can_be_read(tmp_path: Path) -> None:
    models = [body for page in WRITTEN for body in blocks(page, "yaml models")]
    settings = [body for page in WRITTEN for body in blocks(page, "yaml settings")]
    assert models
    assert settings
    for body in models:
        Models.model_validate(yaml.safe_load(body))
    for body in (body for page in WRITTEN for body in blocks(page, "yaml form")):
        FormTemplate.model_validate(yaml.safe_load(body))
    for body in (body for page in WRITTEN for body in blocks(page, "yaml plan")):
        PlanFile.model_validate({"project": "prj_x", "number": 1, "tasks": yaml.safe_load(body)})
    for body in settings:
        (tmp_path / "caseworks.yaml").write_text(body)
        load(tmp_path, {})


# links


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text("utf-8")):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{name(page)} links to {target}"
        assert file.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(file), f"{name(page)} links to {target}{anchor}"


def test_every_page_can_be_reached_from_the_first() -> None:
    reached, open_ = set[Path](), [ROOT / "README.md"]
    while open_:
        page = open_.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        open_ += [(page.parent / target).resolve() for target, _ in LINK.findall(page.read_text("utf-8")) if target]
    assert {name(page) for page in PAGES} == {name(page) for page in reached}


def test_no_page_names_a_package_registry_or_a_path_of_a_machine() -> None:
    for page in PAGES:
        assert not re.search(r"pypi\.|pythonhosted|/work/|/home/|/Users/|/root/", page.read_text("utf-8")), name(page)


# references


@pytest.mark.parametrize("page", [REST, AGENTS, WORKFLOWS, *SCHEMAS], ids=name)
def test_a_generated_reference_is_what_make_docs_writes(page: Path) -> None:
    found = re.search(rf"-m (.+) > {re.escape(name(page))}", (ROOT / "Makefile").read_text("utf-8"))
    assert found is not None
    command = [sys.executable, "-m", *found[1].split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert page.read_text("utf-8") == done.stdout, "run `make docs`"


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", field


def default(field: Any) -> str:
    if field.default is PydanticUndefined:
        return "this user's data folder"
    if field.default is None:
        return "none"
    if isinstance(field.default, tuple):
        return f"`{','.join(field.default)}`"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def rows(page: Path) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in page.read_text("utf-8").splitlines()
        if line.startswith("| `")
    ]


def test_the_settings_reference_is_complete() -> None:
    found = {row[0].strip("`"): row for row in rows(ROOT / "docs" / "reference" / "settings.md")}
    known = dict(fields(Settings))
    assert list(found) == list(known)
    for key, field in known.items():
        assert found[key][1] == default(field), key
        assert found[key][3].startswith(field.description or ""), key
        for bound in field.metadata:
            assert all(str(value) in found[key][2] for value in vars_of(bound)), key


def vars_of(bound: Any) -> list[int]:
    """The numbers of an annotation such as `Ge(ge=1)`."""
    return [int(number) for number in re.findall(r"-?\d+", repr(bound))]


def visited(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", {})
    if path != "caseworks" and (not inner or command.params):
        yield path, command
    for key, sub in inner.items():
        yield from visited(sub, f"{path} {key}")


def test_the_command_line_reference_is_complete() -> None:
    text = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")
    sections = dict(re.findall(r"^## `([^`]+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    known = dict(visited(get_command(app), "caseworks"))
    assert [re.sub(r" [\[A-Z].*", "", title) for title in sections] == list(known)
    for title, section in sections.items():
        command = known[re.sub(r" [\[A-Z].*", "", title)]
        params = [each for each in command.params if each.name != "help"]
        lines = [line for line in section.splitlines() if line.startswith("| `")]
        assert len(lines) == len(params), title
        for line, each in zip(lines, params, strict=True):
            assert line.endswith(f"| {each.help} |"), f"{title}: {each.name}"
            assert all(f"`{option}`" in line for option in each.opts if option.startswith("-")), title


def test_the_decisions_are_numbered_without_a_gap_and_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = sorted(page.name for page in folder.glob("0*.md"))
    assert [page[:4] for page in pages] == [f"{n:04}" for n in range(1, len(pages) + 1)]
    listed = re.findall(r"\((0[^)]+)\)", (folder / "README.md").read_text("utf-8"))
    assert listed == pages
    for page in pages:
        parts = re.findall(r"^\*\*(\w+)\.\*\*", (folder / page).read_text("utf-8"), re.MULTILINE)
        assert parts == ["Context", "Choice", "Price"], page


def test_the_workflow_that_is_shown_is_the_one_that_is_run() -> None:
    guide = EXAMPLE.with_name("write-a-workflow.md")
    assert blocks(guide, "yaml workflow")[0] == EXAMPLE.read_text("utf-8")
    assert blocks(guide, "python workflow") == [EXAMPLE.with_name("three_questions.py").read_text("utf-8")]


def test_every_kind_of_node_is_told_of() -> None:
    guide = EXAMPLE.with_name("write-a-workflow.md").read_text("utf-8")
    kinds = re.findall(r"^### (\w+)$", WORKFLOWS.read_text("utf-8"), re.MULTILINE)
    assert len(kinds) == 16 and [kind for kind in kinds if f"`{kind}`" not in guide] == []


def test_the_goal_of_the_demo_is_about_the_samples() -> None:
    from config.catalogue import templates
    from infrastructure.cli.demo import GOAL

    text = "\n".join(page.read_text("utf-8").lower() for page in (ROOT / "docs" / "samples").iterdir())
    assert all(word in text and word in GOAL.lower() for word in ("boiler", "heat pump", "board"))
    assert fitting(list(templates().values()), GOAL).name == "research_brief"
