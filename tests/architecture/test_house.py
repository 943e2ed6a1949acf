"""The house stands as it was designed."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ("domain", "services", "adapters", "infrastructure", "config")
FOUND = {
    "pyproject.toml", "README.md", "domain", "services", "adapters", "infrastructure", "config", "tests", "docs",
    ".ci", "Makefile", "LICENSE", "CHANGELOG.md", ".gitignore",
    "requirements.lock", "requirements-dev.lock", "requirements-bootstrap.lock", "requirements-bench.lock",
    "requirements-build.lock", "Dockerfile", ".dockerignore", "docker-compose.yml",
}  # fmt: skip


def modules(*layers: str) -> list[Path]:
    return [path for layer in layers for path in sorted((ROOT / layer).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    return listed.stdout.splitlines()


def test_the_top_level_is_as_the_owner_prescribed() -> None:
    assert {name.split("/")[0] for name in tracked()} <= FOUND


@pytest.mark.parametrize("path", modules("domain"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_domain_imports_the_standard_library_and_pydantic_only(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}
    assert roots <= set(sys.stdlib_module_names) | {"pydantic", "domain"}


def test_the_domain_has_exactly_two_ports() -> None:
    assert {path.stem for path in (ROOT / "domain/ports").glob("*.py")} == {"__init__", "llm", "a2a"}


def test_no_module_is_called_utils_or_the_like() -> None:
    banned = {"utils", "helpers", "common", "misc", "manager2"}
    assert [path for path in modules(*LAYERS) if path.stem in banned or path.stem.endswith("_v2")] == []


def test_smolagents_never_shadows_the_package() -> None:
    assert not (ROOT / "smolagents" / "__init__.py").exists()


def test_importing_any_module_does_nothing(tmp_path: Path) -> None:
    """No engine, no settings, no app, no file, no thread."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in modules(*LAYERS)
        if path.name != "__main__.py" and "migrations" not in path.parts and path.stem != "child"
    ]
    program = (
        f"import importlib, threading\nfor name in {names!r}: importlib.import_module(name)\n"
        "assert threading.active_count() == 1, threading.enumerate()"
    )
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.rglob("*")) == []


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for layer in LAYERS:
        shutil.copytree(ROOT / layer, tmp_path / layer, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    return subprocess.run(
        program, cwd=folder, env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("module", "line", "rule"),
    [
        ("domain/plan.py", "import sqlalchemy", "The domain knows the standard library and pydantic only"),
        ("domain/task.py", "import services.desk", "Imports run one way"),
        ("services/desk.py", "import adapters.clock.system", "Imports run one way"),
        ("adapters/clock/system.py", "import adapters.content.files", "Adapters never import each other"),
        ("services/desk.py", "import litellm", "Only its adapter imports LiteLLM"),
        ("services/filing.py", "import sqlalchemy", "Only the store imports SQLAlchemy"),
        ("adapters/clock/system.py", "import services.desk", "Adapters know the domain and the ports"),
    ],
)
def test_a_planted_violation_is_found(copied: Path, module: str, line: str, rule: str) -> None:
    path = copied / module
    path.write_text(path.read_text() + f"\n{line}\n")
    done = lint_imports(copied)
    assert done.returncode != 0
    assert any(rule in row and "BROKEN" in row for row in done.stdout.splitlines()), done.stdout


def test_the_rules_hold_as_the_tree_stands(copied: Path) -> None:
    done = lint_imports(copied)
    assert done.returncode == 0, done.stdout


def test_no_file_names_a_package_registry() -> None:
    locks = [name for name in tracked() if name.endswith(".lock")]
    assert locks
    for name in locks:
        assert "://" not in (ROOT / name).read_text(), name


def test_every_directory_of_code_is_a_package_that_the_wheel_holds() -> None:
    for path in modules(*LAYERS):
        assert (path.parent / "__init__.py").exists() or "versions" in path.parts, path
