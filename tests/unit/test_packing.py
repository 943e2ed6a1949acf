"""Names in an archive, and entries that are written piece by piece."""

import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import PurePosixPath, PureWindowsPath
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from services.packing import Pack, safe_name

AT = datetime(2026, 11, 21, 9, 30, 12, tzinfo=UTC)
IDS = st.sampled_from(["art_01m7y", "art_01m7z"])


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("The lift: a manual", "the-lift-a-manual-art_1.md"),
        ("../../etc/passwd", "etc-passwd-art_1.md"),
        ("C:\\AUX", "c-aux-art_1.md"),
        ("...", "untitled-art_1.md"),
        ("Prüfbericht 電梯", "prüfbericht-電梯-art_1.md"),
        ("invoice\u202egpj.exe", "invoice-gpj-exe-art_1.md"),
        ("x" * 300, "x" * 50 + "-art_1.md"),
    ],
)
def test_a_name_keeps_what_is_harmless_in_a_title(title: str, name: str) -> None:
    assert safe_name(title, "art_1", "text/markdown") == name


def test_a_name_says_version_and_kind() -> None:
    assert safe_name("Figures", "art_1", "text/csv", 3) == "figures-art_1.v3.csv"
    assert safe_name("Figures", "art_1", "application/x-unknown") == "figures-art_1.txt"


@given(st.text(max_size=300), IDS, st.none() | st.integers(1, 99))
def test_a_name_is_one_file_on_every_system(title: str, id: str, number: int | None) -> None:
    name = safe_name(title, id, "text/html", number)
    assert PurePosixPath(name).name == PureWindowsPath(name).name == name
    assert len(name.encode()) <= 255
    assert not set(name) & set('<>:"/\\|?*\0') and name.isprintable() and name[0] not in ".-"


@given(st.text(max_size=80), st.text(max_size=80))
def test_two_artifacts_never_share_a_name_even_where_case_does_not_count(one: str, other: str) -> None:
    names = {safe_name(one, "art_01m7y", "text/csv").casefold(), safe_name(other, "art_01m7z", "text/csv").casefold()}
    assert len(names) == 2


async def counted(most: int) -> AsyncIterator[dict[str, JsonValue]]:
    for number in range(most):
        yield {"number": number, "text": "é" * 100}


@pytest.mark.parametrize("most", [0, 1, 5000])
async def test_lists_of_any_length_are_json(most: int) -> None:
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        pack = Pack(archive, AT)
        await pack.items("list.json", counted(most))
        await pack.lines("list.jsonl", counted(most))
    written = ZipFile(file)
    assert [item["number"] for item in json.loads(written.read("list.json"))["items"]] == list(range(most))
    assert [json.loads(line)["number"] for line in written.read("list.jsonl").splitlines()] == list(range(most))


async def test_entries_are_dated_and_readable_by_their_owner_only() -> None:
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        await Pack(archive, AT).add("a.txt", b"A")
    (entry,) = ZipFile(file).infolist()
    assert (entry.date_time, entry.external_attr >> 16) == ((2026, 11, 21, 9, 30, 12), 0o100600)
