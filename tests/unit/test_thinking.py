import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.llm.thinking import Thoughts, unveil, veil


def split(*pieces: str) -> tuple[str, str]:
    thoughts = Thoughts()
    parts = [thoughts.feed(piece) for piece in pieces] + [thoughts.flush()]
    return "".join(part[0] for part in parts), "".join(part[1] for part in parts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", ("plain", "")),
        ("<think>a</think>b", ("b", "a")),
        ("\n <think>a</think>\n<think>b</think>\nc", ("c", "ab")),
        ("<think>never closed", ("", "never closed")),
        ("<thin", ("<thin", "")),
        ("<thing>b", ("<thing>b", "")),
        ('{"a": "<think>x</think>"}', ('{"a": "<think>x</think>"}', "")),
        ("", ("", "")),
    ],
)
def test_thoughts_stand_ahead_of_the_answer(text: str, expected: tuple[str, str]) -> None:
    assert split(text) == expected


@given(st.text(alphabet="<>/think ab\n", max_size=40), st.lists(st.integers(1, 5), max_size=40))
def test_how_a_reply_is_cut_into_pieces_changes_nothing(text: str, sizes: list[int]) -> None:
    text = "<think>" + text if len(sizes) % 2 else text
    pieces, rest = [], text
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    assert split(*pieces, rest) == split(text)


@given(st.text(alphabet='<>/think \\u003ce"', max_size=40), st.booleans())
def test_a_veiled_line_reads_as_before(text: str, escaped: bool) -> None:
    line = json.dumps({"content": f"<think>{text}</think>"})
    if escaped:
        line = line.replace("<", "\\u003c").replace(">", "\\u003e")
    hidden = json.loads(veil(line.encode()))["content"]
    assert "<think>" not in hidden
    assert unveil(hidden).startswith("<think>")
