import pytest

from config.entries import with_entry

ENTRY = {"backend": "files", "model": "/models/a b: #1.gguf", "parallel": 2}
LINE = "new: {backend: files, model: '/models/a b: #1.gguf', parallel: 2}"


@pytest.mark.parametrize(
    "after",
    [
        "# mine\naliases:  # all of them\n  NEW\n  # the good one\n  main: {backend: x}  # fast\n\n# the end\n",
        "aliases: {NEW, main: {backend: x}}  # one line\n",
        "aliases:\n    NEW\n    main:\n        backend: x\ndefault: main",
        "aliases:\r\n  NEW\r\n  main: {backend: x}\r\n",
        "default: main\n'aliases': {\n  NEW, main: {backend: x},\n}\n",
        "{aliases: {NEW, main: {backend: x}}}",
        "aliases:\n  NEW\n  größer: {backend: x} # 大\n",
    ],
)
def test_an_entry_is_put_in_and_all_else_stays(after: str) -> None:
    before = after.replace("NEW, ", "").replace("    NEW\n", "").replace("  NEW\r\n", "").replace("  NEW\n", "")
    assert "NEW" not in before
    assert with_entry(before, "aliases", "new", ENTRY) == after.replace("NEW", LINE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a list\n",
        "aliases: {main: [\n",
        "aliases:\n",
        "aliases: {}\n",
        "aliases: []\n",
        "backends: {a: {kind: x}}\n",
        "aliases: {new: {backend: x}}\n",
        "aliases: &all\n  main: {backend: x}\nolder: *all\n",
        "aliases:\n  <<: {other: {backend: x}}\n  main: {backend: x}\n",
        "aliases:\n  ? main\n  : {backend: x}\n",
    ],
)
def test_what_cannot_be_put_in_without_touching_the_rest_is_left_alone(text: str) -> None:
    assert with_entry(text, "aliases", "new", ENTRY) is None
