"""Every malformed models.yaml that came to mind: each is told with its line, its field and what to do."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.llm.configuration import Models
from config.reading import ConfigurationError, read

GOOD = """default: main
backends:
  box: {kind: openai, base_url: "http://box/v1"}
aliases:
  main: {backend: box, model: m}
  spare: {backend: box, model: n}
"""
LINKS = "[*{0},*{0},*{0},*{0},*{0},*{0},*{0},*{0},*{0},*{0}]"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} {LINKS.format(before)}\n" for before, name in zip("abcde", "bcdef", strict=True)
)


def backend(fields: str) -> str:
    return GOOD.replace('kind: openai, base_url: "http://box/v1"', fields)


def alias(fields: str) -> str:
    return GOOD.replace("model: m}", f"model: m, {fields}}}")


def with_(more: str) -> str:
    return GOOD + more + "\n"


def of(fields: str) -> str:
    return backend(f'kind: openai, base_url: "http://x/v1", {fields}')


def told(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(path, Models)
    said = str(caught.value)
    assert "very-secret" not in said and "Error" not in said and "[" not in said.replace("{backend", "")
    return said.replace(f"{path}", "models.yaml")


KEY = "a key is not written here: put it into an environment variable and name that in `api_key_env`"
ADDRESS = "line 3, backends.box.base_url: base_url must be an http or https address such as http://127.0.0.1:11434."
NAMES = "must hold names with their values"
CASES = [
    # no YAML, or none of that kind
    ("", "line 1, backends: is missing."),
    ("# nothing yet\n", "line 1, default: is missing."),
    ("null\n", "line 1, aliases: is missing."),
    ("- a\n- b\n", "line 1: it must hold `name: value` pairs."),
    ("42\n", "line 1: it must hold `name: value` pairs."),
    ("<!doctype html><html></html>\n", "line 1: it must hold `name: value` pairs."),
    ('{"default": "main"}', "line 1, backends: is missing."),
    ("default: main\nbackends:\n\tbox: {}\n", "line 3: it is indented with a tab; use spaces."),
    ("default: [", "line 1: it ends too early"),
    ("default: a\x00b\n", "line 1: it holds a character that no text has."),
    ("default: *nowhere\n", "line 1: found undefined alias 'nowhere'."),
    ("default: !secret x\n", "line 1: the tag !secret is not known here."),
    ("default: !!python/object/apply:os.system [echo]\n", "line 1: the tag python/object/apply:os.system is not known"),
    ("default: 2026-13-45\n", "line 1: '2026-13-45' is no number or date; write it in quotes."),
    (BOMB, "line 5: it unfolds to more than 50,000 values."),
    ("default: &a [*a]\n", "line 1: it holds itself, by an alias."),
    ("default: " + "[" * 100 + "]" * 100, "line 1: it is nested more than 60 deep."),
    (with_("default: other"), "line 7: 'default' stands there twice, first on line 1."),
    (with_("---\n" + GOOD), "line 7: it holds more than one document."),
    (with_("{a: b}: c"), "line 7: a name must be a text; a text in braces needs quotes."),
    ("default: main\nbackends: {<<: 7}\naliases: {}\n", "line 2: expected a mapping"),
    # the whole
    (GOOD.replace("default: main\n", ""), "line 1, default: is missing."),
    (GOOD.replace("default: main", "default:"), "line 1, default: must be a text."),
    (GOOD.replace("default: main", "default: nobody"), "line 1, default: names 'nobody'"),
    (GOOD.replace("  box: {", "  - box: {"), f"line 2, backends: {NAMES}."),
    (with_("colour: red"), "line 7, colour: is not known here."),
    (with_("backend: {}"), "line 7, backend: is not known here (did you mean 'backends'?)."),
    (with_("currency: euro"), "line 7, currency: must have three capital letters, such as EUR."),
    (with_("currency: 12"), "line 7, currency: must be a text."),
    (with_("api_key: very-secret"), KEY),
    # backends
    (GOOD.replace("  box: {", "  Box: {"), "line 3, backends.Box: may have small letters, digits, _, . and - only"),
    (GOOD.replace("  box: {", "  7: {"), "line 3, backends.7: must be a text."),
    (backend(""), "line 3, backends.box.kind: is missing."),
    (backend("kind: [openai]"), "line 3, backends.box.kind: must be a text."),
    (backend('kind: cloudy, base_url: "http://x"'), "line 3, backends.box: kind 'cloudy' is unknown; use one"),
    (backend("kind: openai"), "line 3, backends.box: `base_url` is missing, the server's address such as"),
    (backend("kind: openai, base_url: 80"), "line 3, backends.box.base_url: must be a text."),
    (backend('kind: openai, base_url: "ftp://x"'), ADDRESS),
    (backend('kind: openai, base_url: "http://x:99999/v1"'), ADDRESS),
    (backend('kind: openai, base_url: "http://[::1/v1"'), ADDRESS),
    (backend('kind: openai, base_url: "http://me:very-secret@x/v1"'), "must hold no credentials"),
    (backend('kind: openai, base_url: "http://x/v1?api_key=very-secret"'), "must hold no credentials"),
    (of("api_key: very-secret"), f"line 3, backends.box: {KEY}"),
    (of("apikey: very-secret"), f"line 3, backends.box: {KEY}"),
    (of("openai_api_key: very-secret"), f"line 3, backends.box: {KEY}"),
    (of("token: very-secret"), f"line 3, backends.box: {KEY}"),
    (of("api_key_env: sk-very-secret"), "line 3, backends.box.api_key_env: may have small letters"),
    (of("api_key_env: A, api_key_file: /b"), "line 3, backends.box: give `api_key_env` or `api_key_file`, not both."),
    (of("allow_cloud: maybe"), "line 3, backends.box.allow_cloud: must be true or false."),
    (of("ca_file: [1]"), "line 3, backends.box.ca_file: "),
    (of("provider: xai"), "line 3, backends.box: `provider` is for kind 'litellm' only"),
    (of("host: cellar"), "line 3, backends.box.host: names 'cellar', which is not among the hosts (none)."),
    (backend('kind: gguf, base_url: "http://x"'), "line 3, backends.box: `base_url` is not for kind 'gguf'"),
    # aliases
    (GOOD.replace("{backend: box, model: m}", "m"), f"line 5, aliases.main: {NAMES}, as in {{backend: ollama"),
    (GOOD.replace("{backend: box, model: m}", ""), f"line 5, aliases.main: {NAMES}, as in"),
    (GOOD.replace("backend: box, model: m", "model: m"), "line 5, aliases.main.backend: is missing."),
    (GOOD.replace("backend: box, model: n", "backend: bx, model: n"), "line 6, aliases.spare.backend: names 'bx'"),
    (GOOD.replace("model: m}", 'model: ""}'), "line 5, aliases.main.model: must not be empty."),
    (GOOD.replace("model: m}", f"model: {'m' * 300}}}"), "line 5, aliases.main.model: may have at most 200"),
    (GOOD.replace("model: m}", "model: ollama/m}"), "line 5, aliases.main.model: model 'ollama/m' names a provider"),
    (alias("context_tokens: many"), "line 5, aliases.main.context_tokens: must be a whole number."),
    (alias("context_tokens: 100"), "line 5, aliases.main.context_tokens: must be at least 512."),
    (alias("context_tokens: 1e30"), "line 5, aliases.main.context_tokens: must be a whole number."),
    (alias(f"context_tokens: {'9' * 5_000}"), "line 5: '99999"),
    (alias("context_token: 4096"), "line 5, aliases.main.context_token: is not known here."),
    (alias("parallel: 0"), "line 5, aliases.main.parallel: must be at least 1."),
    (alias("parallel: [1]"), "line 5, aliases.main.parallel: must be a whole number."),
    (alias("temperature: .nan"), "line 5, aliases.main.temperature: must be "),
    (alias("temperature: hot"), "line 5, aliases.main.temperature: must be a number."),
    (alias("think: perhaps"), "line 5, aliases.main.think: must be true or false."),
    (alias("template: chatml"), "line 5, aliases.main.template: is for kind 'triton', which needs it"),
    (alias("price: cheap"), f"line 5, aliases.main.price: {NAMES}."),
    (alias("price: {input: .nan}"), "line 5, aliases.main.price.input: must be a number that ends."),
    (alias("price: {input: .inf}"), "line 5, aliases.main.price.input: must be a number that ends."),
    (alias("price: {input: -1}"), "line 5, aliases.main.price.input: must be at least 0."),
    (alias("price: {watts: 3}"), "line 5, aliases.main.price: `watts` and `kilowatt_hour` belong together."),
    (alias("api_key: very-secret"), f"line 5, aliases.main: {KEY}"),
    (alias("deployments: {}"), "line 5, aliases.main.deployments: must be a list."),
    (GOOD.replace("{backend: box, model: m}", "{deployments: []}"), "line 5, aliases.main.deployments: needs at least"),
    (GOOD.replace("{backend: box, model: m}", "{deployments: [m]}"), f"line 5, aliases.main.deployments.0: {NAMES}."),
    (
        GOOD.replace("{backend: box, model: m}", "{deployments: [{backend: box, model: m},\n{backend: x, model: m}]}"),
        "line 6, aliases.main.deployments.1.backend: names 'x'",
    ),
    # a model in a file
    (backend("kind: gguf"), "line 5, aliases.main.model: 'm' must be the whole path of a GGUF file"),
    (
        backend("kind: gguf").replace("model: m}", "model: /m.gguf, keep_alive: soon}"),
        "line 5, aliases.main.keep_alive: 'soon' is no time such as 10m, 1h30m or 90s; -1 is for ever.",
    ),
    # what names others
    (with_("tiers: [main]"), f"line 7, tiers: {NAMES}."),
    (with_("tiers: {huge: main}"), "line 7, tiers.huge: is not known here."),
    (with_("tiers:\n  small: main\n  large: nobody"), "line 9, tiers.large: names 'nobody'"),
    (with_("fallbacks: {main: spare}"), "line 7, fallbacks.main: must be a list."),
    (with_("fallbacks: {main: [spare, nobody]}"), "line 7, fallbacks.main.1: names 'nobody'"),
    (with_("fallbacks: {nobody: [main]}"), "line 7, fallbacks: names 'nobody'"),
    (with_("fallbacks: {main: [main]}"), "line 7, fallbacks.main: must name other aliases, each of them once."),
    (with_("fallbacks: {main: [spare, spare]}"), "line 7, fallbacks.main: must name other aliases, each of them once."),
    (with_("agents: {critic: main}"), f"line 7, agents.critic: {NAMES}."),
    (with_("agents: {critic: {any: nobody}}"), "line 7, agents.critic.any: names 'nobody'"),
    (with_("projects: {prj_1: {huge: main}}"), "line 7, projects.prj_1.huge: is not known here."),
    # hosts
    (with_("hosts: {cellar: 4GB}"), f"line 7, hosts.cellar: {NAMES}."),
    (with_("hosts: {cellar: {memory_limit: lots}}"), "line 7, hosts.cellar.memory_limit: “lots” is no size of memory"),
    (with_("hosts: {cellar: {memory_limit: .nan}}"), "line 7, hosts.cellar.memory_limit: must be a number that ends."),
    (with_("hosts: {cellar: {memory_limit: 0}}"), "line 7, hosts.cellar.memory_limit: must be at least 1000000."),
]  # fmt: skip


def test_what_the_cases_begin_with_is_good(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(with_("fallbacks: {main: [spare], spare: [main]}"))
    assert read(path, Models).chain("spare") == (("spare",), ("main",)), "each stands in for the other, once"


@pytest.mark.parametrize(("text", "said"), CASES, ids=[f"{n}" for n in range(len(CASES))])
def test_a_malformed_file_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "models.yaml"
    path.write_bytes(text.encode())
    assert said in told(path)


PLACES: list[tuple[Callable[[Path], object], str]] = [
    (lambda path: path.write_bytes(b"default: main\n" + b"#" * 10_000_000), "models.yaml is larger than 1 MB"),
    (lambda path: path.write_bytes(bytes(range(256)) * 100), "models.yaml is not UTF-8 text."),
    (lambda path: path.write_bytes("default: main".encode("utf-16")), "models.yaml is not UTF-8 text."),
    (lambda path: path.mkdir(), "models.yaml is no file."),
    (lambda path: os.mkfifo(path), "models.yaml is no file."),
    (lambda path: path.symlink_to(path), "models.yaml cannot be read: "),
    (lambda path: path.symlink_to(path.parent / "gone"), "models.yaml cannot be read: No such file"),
]


@pytest.mark.parametrize(("made", "said"), PLACES, ids=[f"{n}" for n in range(len(PLACES))])
def test_what_is_no_readable_file_is_told(tmp_path: Path, made: Callable[[Path], object], said: str) -> None:
    path = tmp_path / "models.yaml"
    made(path)
    assert said in told(path)


def test_many_faults_are_told_at_once_up_to_a_few(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(GOOD + "".join(f"wrong{n}: 1\n" for n in range(9)))
    lines = told(path).splitlines()
    assert len(lines) == 6 and lines[-1] == "And 4 more."
