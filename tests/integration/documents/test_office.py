"""Office documents and books: what is read of them, and where it stands."""

import datetime
import io
from pathlib import Path
from typing import Any

from tests.integration.documents.builders import (
    docx,
    epub,
    odt,
    paragraph,
    pptx,
    shape,
    slide,
    slide_table,
    word_table,
    workbook,
    xlsx,
)
from tests.integration.documents.reading import read

LONG = "The pump was measured in the hall and its figure was written down. " * 30


async def test_word_keeps_title_headings_and_tables_with_their_header(tmp_path: Path) -> None:
    body = paragraph("Heating", "Title") + paragraph("Findings", "H1") + paragraph("The boiler is old.")
    body += paragraph("Costs", "H2") + word_table(["Item", "Price"], ["Pump | big", "12 €"])
    document = await read(tmp_path / "Report.docx", docx(body))
    assert document.media_type.endswith("wordprocessingml.document")
    assert document.text.split("\n") == [
        *["# Heating", "", "# Findings", "", "The boiler is old.", "", "## Costs", ""],
        *["| Item | Price |", "| --- | --- |", "| Pump \\| big | 12 € |"],
    ]


async def test_word_leaves_out_what_was_deleted(tmp_path: Path) -> None:
    deleted = "<w:p><w:del><w:r><w:delText>no</w:delText></w:r></w:del><w:ins><w:r><w:t>yes</w:t></w:r></w:ins></w:p>"
    assert (await read(tmp_path / "a.docx", docx(deleted))).text == "yes"


async def test_opendocument_text_keeps_headings_lists_tables_and_notes(tmp_path: Path) -> None:
    cells = "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in ("Item", "Price"))
    row = "<table:table-row><table:table-cell table:number-columns-repeated='2'><text:p>12</text:p></table:table-cell>"
    header = f"<table:table-header-rows><table:table-row>{cells}</table:table-row></table:table-header-rows>"
    note = "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>since 1996</text:p>"
    body = (
        "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes>"
        "<text:h text:outline-level='2'>Findings</text:h>"
        f"<text:p>Old<text:s/>&amp; <text:span>loud</text:span>{note}</text:note-body></text:note>.</text:p>"
        "<text:list><text:list-item><text:p>one</text:p></text:list-item>"
        "<text:list-item><text:p>two</text:p></text:list-item></text:list>"
        f"<table:table>{header}{row}</table:table-row></table:table>"
    )
    document = await read(tmp_path / "a.odt", odt(body))
    assert document.text.split("\n") == [
        *["## Findings", "", "Old & loud (since 1996).", "", "- one", "- two", ""],
        *["| Item | Price |", "| --- | --- |", "| 12 | 12 |"],
    ]


async def test_slides_come_in_their_order_with_number_title_lists_tables_and_notes(tmp_path: Path) -> None:
    first = slide("Costs", shape("First", "> Below", "Second", kind="body"), shape("7", kind="sldNum"))
    second = slide("Offer", slide_table(["A", "B"], ["1", "2"]), shape("Free words"), hidden=True)
    document = await read(tmp_path / "a.pptx", pptx(first, second, notes="Speak slowly."))
    assert document.text.split("\n") == [
        *["## Slide 1: Costs", "", "- First", "  - Below", "- Second", "", "Notes:", "", "Speak slowly.", ""],
        *["## Slide 2 (hidden): Offer", "", "| A | B |", "| --- | --- |", "| 1 | 2 |", "", "Free words"],
    ]


async def test_every_passage_of_a_long_slide_names_the_slide(tmp_path: Path) -> None:
    deck = pptx(slide("One", shape(LONG)), slide("Two", shape(LONG)))
    passages = (await read(tmp_path / "a.pptx", deck)).passages
    names = [passage.splitlines()[0] for passage in passages]
    assert set(names) == {"## Slide 1: One", "## Slide 2: Two"} and len(names) == 4


async def test_sheets_are_named_and_their_values_readable(tmp_path: Path) -> None:
    when = datetime.datetime(2026, 11, 2)
    rows: list[list[Any]] = [
        ["Costs of the hall"],
        [],
        ["Item", None, "When", "Paid"],
        ["Pump", 12.5, when, True],
        ["a|b", 3],
    ]
    document = await read(tmp_path / "a.xlsx", xlsx(Costs=rows, Empty=[], Notes=[["One line"], ["and another"]]))
    assert document.text.split("\n") == [
        *["## Sheet Costs, rows 1 to 5", "", "Costs of the hall", ""],
        *["| Item | column 2 | When | Paid |", "| --- | --- | --- | --- |"],
        *["| Pump | 12.5 | 2026-11-02 | TRUE |", "| a\\|b | 3 |  |  |", ""],
        *["## Sheet Notes, rows 1 to 2", "", "One line", "", "and another"],
    ]


async def test_every_passage_of_a_long_sheet_has_its_rows_and_the_header(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Item", "Price"], *([f"Item number {n}", n] for n in range(300))]
    passages = (await read(tmp_path / "a.xlsx", xlsx(Costs=rows))).passages
    heads = [passage.splitlines()[:4] for passage in passages]
    assert len(heads) > 5
    assert all(head[0].startswith("## Sheet Costs, rows ") and head[2] == "| Item | Price |" for head in heads)
    for passage in passages[1:]:
        first = int(passage.split("rows ")[1].split()[0])
        assert passage.splitlines()[4] == f"| Item number {first - 2} | {first - 2} |"


async def test_a_sheet_says_how_many_rows_were_left_out(tmp_path: Path) -> None:
    document = await read(tmp_path / "a.xlsx", xlsx(S=[["n", "m"], *([n, n] for n in range(20_100))]))
    assert document.text.endswith("(101 more rows of this sheet were left out.)")


async def test_a_cell_far_away_costs_nothing(tmp_path: Path) -> None:
    book, file = workbook(), io.BytesIO()
    book.worksheets[0]["A1"] = "near"
    book.worksheets[0]["XFD1048576"] = "far"
    book.save(file)
    assert (await read(tmp_path / "a.xlsx", file.getvalue())).text.startswith("## Sheet Sheet, row")


async def test_the_chapters_of_a_book_come_in_reading_order_and_every_passage_names_its_own(tmp_path: Path) -> None:
    page = "<?xml version='1.0'?><!DOCTYPE html><html xmlns='http://www.w3.org/1999/xhtml'><body>{}</body></html>"
    chapters = (page.format(f"<h2>{name}</h2><p>{LONG}</p>") for name in ("The first", "The second"))
    document = await read(tmp_path / "a.epub", epub(*chapters, page.format("<p>No heading.</p>")))
    assert document.text.startswith("## The first\n\nThe pump") and document.text.endswith("# Part 3\n\nNo heading.")
    assert {passage.splitlines()[0] for passage in document.passages} == {"## The first", "## The second", "# Part 3"}
