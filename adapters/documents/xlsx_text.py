"""Sheets as tables in pieces, each under the sheet's name, its rows and the table's header. Runs in the child only."""

import datetime
import io
from collections.abc import Iterator
from typing import Any
from zipfile import BadZipFile

import openpyxl

from adapters.documents.archive import Archive
from adapters.documents.assembly import Assembly, Parsed, Reading, one_line
from adapters.documents.data_text import MAX_ROWS, all_numbers
from adapters.documents.trouble import Trouble

WORDS = 160  # of a piece, so that it is one passage with its header
WIDEST = 200  # columns


def text_of_xlsx(data: bytes, reading: Reading) -> Parsed:
    """Values as they were stored last, not formulas. After 20,000 rows of a sheet one line says how many were left
    out; empty rows and sheets are left out without a word."""
    archive = Archive(data, reading)
    if "xl/workbook.xml" not in archive:
        raise Trouble("malformed")
    archive.refuse_entities()
    book = Assembly(reading.characters)
    for sheet in _opened(data).worksheets:
        hidden = "" if sheet.sheet_state == "visible" else " (hidden)"
        _add(sheet, _Pieces(book, f"## Sheet {one_line(str(sheet.title))}{hidden}"))
    return book.parsed()


def _opened(data: bytes) -> Any:
    excel: Any = openpyxl  # it has no types
    try:
        return excel.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except (KeyError, BadZipFile):
        raise Trouble("malformed") from None


def _add(sheet: Any, pieces: "_Pieces") -> None:
    taken = left_out = 0
    for number, cells in _filled(sheet):
        if taken < MAX_ROWS:
            pieces.take(number, cells)
            taken += 1
        else:
            left_out += 1
    pieces.finish(f"({left_out:,} more rows of this sheet were left out.)" if left_out else "")


def _filled(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """(number, cells) of the rows with something in them."""
    sheet.reset_dimensions()  # programs write wrong ones, which would cut the sheet
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = [_shown(cell) for cell in row[:WIDEST]]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield number, cells


def _shown(cell: Any) -> str:
    value = cell.value
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime():
            return value.isoformat(" ", "minutes")
        case int() | float():
            return f"{value * 100:.10g}%" if "%" in str(cell.number_format) else f"{value:.15g}"
    return " ".join(str(value).replace("|", "\\|").split())


class _Pieces:
    """A sheet's rows: lines until one has several cells, which are the names of the columns; from there a table."""

    def __init__(self, book: Assembly, name: str) -> None:
        self._book, self._name = book, name
        self._header: list[str] | None = None
        self._lines: list[str] = []
        self._rows: list[list[str]] = []
        self._numbers = (0, 0)
        self._weight = 0

    def take(self, number: int, cells: list[str]) -> None:
        filled = [cell for cell in cells if cell]
        weight = len(cells) + sum(len(cell.split()) for cell in cells)
        if self._weight and self._weight + weight > WORDS:
            self._put()
        self._numbers = (self._numbers[0] or number, number)
        self._weight += weight
        if self._header is None and len(filled) == 1:
            self._lines.append(filled[0])
        elif self._header is None and not all_numbers(cells):
            self._header = cells
        else:
            self._header = self._header or []
            self._rows.append(cells)

    def finish(self, remark: str) -> None:
        if self._weight:
            self._put()
        self._book.add(remark, self._name)

    def _put(self) -> None:
        first, last = self._numbers
        place = f"{self._name}, rows {first} to {last}" if last > first else f"{self._name}, row {first}"
        parts = [place, "\n\n".join(self._lines), "\n".join(self._table())]
        self._book.add("\n\n".join(part for part in parts if part), place)
        self._lines, self._rows, self._numbers = [], [], (0, 0)
        self._weight = sum(1 + len(cell.split()) for cell in self._header or ()) if self._rows else 0

    def _table(self) -> Iterator[str]:
        if self._header is None or not (self._header or self._rows):
            return
        width = max(map(len, (self._header, *self._rows)))
        names = [*self._header, *[""] * (width - len(self._header))]
        yield _row([name or f"column {number}" for number, name in enumerate(names, 1)])
        yield _row(["---"] * width)
        for row in self._rows:
            yield _row([*row, *[""] * (width - len(row))])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
