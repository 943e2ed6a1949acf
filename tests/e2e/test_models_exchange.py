"""`caseworks models import` and `export`, with LiteLLM's file."""

from pathlib import Path

import yaml

from tests.e2e.test_cli import caseworks
from tests.unit.test_litellm_files import TYPICAL


def test_a_file_of_litellm_is_taken_over_and_what_is_left_out_is_told_by_line(tmp_path: Path) -> None:
    file, data = tmp_path / "litellm.config.yaml", tmp_path / "data"
    file.write_text(TYPICAL)
    first, second = (caseworks(data, "models", "import", str(file)) for _ in range(2))
    assert first.code == 0 and "with gpt-4o, local-qwen, haiku" in first.out
    assert f"{file}, line 8, model_list.0.litellm_params.rpm: there is nothing like it here." in first.err
    assert "line 26, general_settings" in first.err and "sk-1234" not in first.err
    assert second.code == 0 and "stays as it is" in second.err
    written = (data / "models.yaml").read_text()
    assert written == (data / "models.yaml.suggested").read_text() and written.startswith("# Which models")
    exported = caseworks(data, "models", "export", "--litellm")
    names = [each["model_name"] for each in yaml.safe_load(exported.out)["model_list"]]
    assert exported.code == 0 and names == ["gpt-4o", "local-qwen", "local-qwen", "haiku"]


def test_what_cannot_be_taken_over_writes_nothing(tmp_path: Path) -> None:
    file, data = tmp_path / "litellm.config.yaml", tmp_path / "data"
    for text, said in (
        (
            TYPICAL.replace("os.environ/CLOUD_KEY", "sk-very-secret", 1),
            "line 7, model_list.0.litellm_params.api_key: a key",
        ),
        ("model_list: []\n", "no model of it could be taken over"),
        ("model_list: !!python/object/apply:os.system [echo]\n", "line 1"),
        ("model_list: [\n", "line 2"),
    ):
        file.write_text(text)
        done = caseworks(data, "models", "import", str(file))
        assert done.code == 3 and said in done.err and "very-secret" not in done.err, done.err
    assert caseworks(data, "models", "import", str(tmp_path / "gone.yaml")).code == 3
    assert caseworks(data, "models", "export").code == 2
    assert caseworks(data, "models", "export", "--litellm").code == 3
    assert not (data / "models.yaml").exists()
