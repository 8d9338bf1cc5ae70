"""Lists as CSV files: UTF-8 with a byte order mark, so that spreadsheets read Chinese, and no cell that a spreadsheet would run as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from flask import Response

from engine.model.views import Page

T = TypeVar("T")
ROWS = 20_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """A text for one cell; a leading formula character gets an apostrophe before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not isinstance(value, int | float) else text


def every(page_at: Callable[[str | None], Page[T]], limit: int = ROWS) -> Iterator[T]:
    """The rows of all pages of a list by key, at most `limit`."""
    cursor: str | None = None
    count = 0
    while count < limit:
        page = page_at(cursor)
        for row in page.rows[: limit - count]:
            count += 1
            yield row
        cursor = page.next
        if cursor is None:
            return


def csv_download(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """The file as an answer."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response("\ufeff" + out.getvalue(), mimetype="text/csv", headers=headers)
