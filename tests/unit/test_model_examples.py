"""The models.yaml that ship as examples can be read, and what they say of memory is true."""

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.llm.configuration import Deployment, Models
from config.model_list import open_models
from config.reading import read
from domain.memory import Shape, need

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "config" / "examples"
FILES = sorted(FOLDER.glob("*.yaml"))
SHAPES = {model.name: model.shape for model in open_models()}
SHAPES["qwen2.5:7b-instruct-q2_K"] = replace(SHAPES["qwen2.5-coder:7b"], file_bytes=3_020_000_000)
SHAPES["qwen3-14b"] = SHAPES["qwen3:14b"]
SHAPES["llama-70b"] = SHAPES["llama3.3:70b"]


def example(name: str) -> Models:
    return read(FOLDER / f"{name}.yaml", Models)


def needed(shape: Shape, deployment: Deployment) -> int:
    return need(shape, deployment.context_tokens, deployment.parallel).total


def test_there_is_one_for_each_kind_of_house() -> None:
    assert [path.stem for path in FILES] == ["card-4gb", "four-hosts", "jetson-64gb", "laptop-4b", "team-server"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_is_read_and_serves_every_tier(path: Path) -> None:
    models = read(path, Models)
    for tier in ("small", "medium", "large", "code"):
        assert models.choose(tier, "critic", "prj_1").alias in models.aliases


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_a_model_is_said_to_take_is_what_it_needs(path: Path) -> None:
    for key, deployment in read(path, Models).deployments.items():
        if deployment.memory is not None and (shape := SHAPES.get(deployment.model)) is not None:
            least = needed(shape, deployment)
            assert least <= deployment.memory <= 1.15 * least, f"{key}: {least / 1e9:.2f} GB"


def test_on_a_card_of_4_gb_three_small_calls_run_at_once_and_the_7b_takes_turns_with_them() -> None:
    models = example("card-4gb")
    small, strong = models.deployments["small"], models.deployments["strong"]
    limit = models.hosts["card"].memory_limit
    assert small.parallel == 3 and limit == 4_000_000_000 and small.memory and strong.memory
    assert max(small.memory, strong.memory) <= limit < small.memory + strong.memory


def test_on_a_jetson_all_of_it_stays_loaded_beside_the_system() -> None:
    models = example("jetson-64gb")
    limit = models.hosts["jetson"].memory_limit
    assert limit is not None and limit <= 0.8 * 64_000_000_000
    assert sum(each.memory or 0 for each in models.deployments.values()) <= limit
    assert {backend.kind for backend in models.backends.values()} == {"ollama", "triton"}


def test_the_laptop_carries_its_model() -> None:
    models = example("laptop-4b")
    limit = models.hosts["laptop"].memory_limit
    assert needed(SHAPES["qwen3:4b-instruct-2507-q4_K_M"], models.deployments["main"]) <= (limit or 0)


def test_four_hosts_have_models_of_their_own() -> None:
    models = example("four-hosts")
    assert len(models.hosts) == 4 == len({backend.host for backend in models.backends.values()})


def test_the_page_on_the_jetson_shows_the_file_that_ships() -> None:
    page = (ROOT / "docs" / "how-to" / "use-a-jetson.md").read_text("utf-8")
    assert f"```yaml models\n{(FOLDER / 'jetson-64gb.yaml').read_text('utf-8')}```" in page
