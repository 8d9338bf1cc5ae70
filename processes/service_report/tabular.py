"""Reads CSV and XLSX files from strangers into rows of text, within caps; writes CSV that no spreadsheet will run as a formula."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

import openpyxl

MAX_BYTES = 50 * 1024 * 1024
MAX_ROWS = 500_000
MAX_COLUMNS = 200
MAX_CELL = 10_000
MAX_UNPACKED = 300 * 1024 * 1024
MAX_MEMBERS = 2_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class UnreadableFile(ValueError):
    """The file cannot be taken as a table; the message says why and `key` is its translation key."""

    def __init__(self, key: str, message: str) -> None:
        self.key = key
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows` yields (line number as a person would count, cells by column)."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[int, Mapping[str, str]]]


def read(data: bytes) -> Sheet:
    """A table with one heading line. XLSX by its signature, everything else as CSV (UTF-8 or GB 18030; comma, semicolon or tab).

    Raises UnreadableFile, also while the rows are read.
    """
    if len(data) > MAX_BYTES:
        raise UnreadableFile("import_too_large", f"the file has {len(data)} bytes, the limit is {MAX_BYTES}")
    if not data.strip():
        raise UnreadableFile("import_empty", "the file is empty")
    lines = _xlsx(data) if data[:4] == b"PK\x03\x04" else _csv(data)
    try:
        first = next(lines, None)
    except csv.Error as exc:
        raise UnreadableFile("import_unreadable", f"not a readable CSV file: {exc}") from exc
    if first is None:
        raise UnreadableFile("import_empty", "the file has no heading line")
    heading = [cell.strip() for cell in first[1]]
    while heading and not heading[-1]:
        heading.pop()
    columns = tuple(heading)
    if len(columns) > MAX_COLUMNS:
        raise UnreadableFile("import_too_large", f"the file has {len(columns)} columns, the limit is {MAX_COLUMNS}")
    if len({c for c in columns if c}) != sum(1 for c in columns if c):
        raise UnreadableFile("import_heading", "two columns have the same heading")
    return Sheet(columns, _mapped(columns, lines))


def _mapped(columns: Sequence[str], lines: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, Mapping[str, str]]]:
    count = 0
    try:
        for line, cells in lines:
            if not any(cells):
                continue
            count += 1
            if count > MAX_ROWS:
                raise UnreadableFile("import_too_large", f"the file has more than {MAX_ROWS} rows")
            yield line, {name: cells[i][:MAX_CELL] if i < len(cells) else "" for i, name in enumerate(columns) if name}
    except csv.Error as exc:
        raise UnreadableFile("import_unreadable", f"not a readable CSV file: {exc}") from exc


def _csv(data: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(data)
    if "\x00" in text:
        raise UnreadableFile("import_unreadable", "the file holds NUL characters: not a text file")
    heading = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for cells in reader:
        yield reader.line_num, [cell.strip() for cell in cells]


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFile("import_encoding", "the file is neither UTF-8 nor GB 18030 text")


def _xlsx(data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_UNPACKED:
                raise UnreadableFile("import_too_large", "the workbook unpacks to more than is allowed")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as exc:
        if isinstance(exc, UnreadableFile):
            raise
        raise UnreadableFile("import_unreadable", f"not a readable workbook: {exc}") from exc
    sheet = book.worksheets[0] if book.worksheets else None
    if sheet is None:
        raise UnreadableFile("import_empty", "the workbook has no sheet")
    for line, cells in enumerate(sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS + 1), start=1):
        yield line, [_text(cell) for cell in cells]


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, datetime | date | time):
        return cell.isoformat(sep=" ") if isinstance(cell, datetime) else cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def safe_cell(value: object) -> str:
    """A cell that a spreadsheet shows and never computes: what begins like a formula gets an apostrophe in front."""
    text = "" if value is None else str(value)
    return "'" + text if text.startswith(_FORMULA) else text


def write_csv(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV text with a byte order mark, so that spreadsheets read Chinese; cells made safe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([safe_cell(h) for h in heading])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return "﻿" + out.getvalue()
