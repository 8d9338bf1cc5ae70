"""Gap-free numbers: the next number of a series is taken in the transaction that uses it, so a rollback gives it back."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from processes.service_report.tables import number


def take(connection: Connection, series: str) -> int:
    """The next number of the series, beginning with 1. Holds the series' row until the transaction ends."""
    taken = connection.execute(update(number).where(number.c.series == series).values(last=number.c.last + 1))
    if taken.rowcount == 0:
        connection.execute(insert(number).values(series=series, last=1))
        return 1
    return int(connection.execute(select(number.c.last).where(number.c.series == series)).scalar_one())


def report_number(connection: Connection, doc_kind: str, year: int) -> str:
    """`SMS-SR-2026-0001` for reports, `SMS-SS-2026-0001` for sheets."""
    series = f"SMS-{'SS' if doc_kind == 'sheet' else 'SR'}-{year}"
    return f"{series}-{take(connection, series):04d}"


def archival_code(connection: Connection, parts: tuple[str, str, int, str, str]) -> tuple[str, int]:
    """Fonds, category, year, retention, unit and the item's number within them (DA/T 22-2015), with that number."""
    series = "-".join(str(part) for part in parts)
    item = take(connection, series)
    return f"{series}-{item:04d}", item
