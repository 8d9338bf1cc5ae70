"""Examines an installation from its library versions to a sample of its chains and says what is wrong and what to do.

It changes nothing. A check that fails itself is a finding too: one fault never hides the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.bootstrap import Settings, build
from engine.errors import FlowledgerError
from engine.model.findings import ERROR, OK, WARNING, Finding, fault
from engine.operations.doctor import cluster, database, installation, mail, work
from engine.store.database import Database

__all__ = ["ERROR", "OK", "WARNING", "Examination", "examine"]

SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Examination:
    """All findings, in the order of the checks."""

    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0: nothing to do, 1: warnings, 2: errors."""
        levels = {f.level for f in self.findings}
        return 2 if ERROR in levels else 1 if WARNING in levels else 0


def examine(settings: Settings, *, quick: bool = False, sample: int = SAMPLE) -> Examination:
    """Run every check. `quick` leaves out what reads the whole database; `sample`: chains verified of the newest and of all."""
    found: list[Finding] = []
    for check in installation.CHECKS:
        found += _guarded(check.__name__, check)
    found += _guarded("mail", lambda: mail.server(settings))
    found += _guarded("data_folder", lambda: installation.data_folder(settings))
    if not any(f.level == ERROR and f.check == "database" for f in found):
        found += _database(settings, quick=quick, sample=sample)
    return Examination(tuple(found))


def _database(settings: Settings, *, quick: bool, sample: int) -> list[Finding]:
    found = _guarded("database", lambda: [database.reachable(settings)])
    if any(f.level == ERROR for f in found):
        return found
    store = Database(settings.database)
    try:
        found += _guarded("schema", lambda: [database.schema_version(store)])
        if any(f.level == ERROR for f in found):
            return found
        checks = database.SQLITE if store.is_sqlite else (*database.POSTGRESQL, cluster.cluster)
        for check in (*checks, database.clock):
            found += _guarded(check.__name__, partial(check, store, quick=quick))
    finally:
        store.close()
    return found + _guarded("engine", lambda: _running(settings, sample))


def _running(settings: Settings, sample: int) -> list[Finding]:
    try:
        app = build(replace(settings, smtp=None))  # `mail` has looked at it
    except Exception as exc:  # noqa: BLE001 - `packs` has told why
        what = (f"引擎无法组装：{type(exc).__name__}。", f"The engine cannot be put together: {type(exc).__name__}.")
        return [fault("engine", what, ("先处理上面的错误，再运行一次。", "Mend the errors above first, then run this again."))]
    found: list[Finding] = []
    try:
        for check in (work.processes, work.jobs, work.incidents):
            found += _guarded(check.__name__, partial(check, app))
        found += _guarded("history", lambda: work.history(app, sample))
    finally:
        app.close()
    return found


def _guarded(name: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is what is wrong
        return [_broken(name, exc)]


def _broken(name: str, exc: Any) -> Finding:
    driver = getattr(exc, "orig", None)  # SQLAlchemy's own text shows the statement and its values
    cause = str(exc) if isinstance(exc, FlowledgerError) else f"{type(exc).__name__}: {str(driver or exc).partition(chr(10))[0]}"
    return fault(
        name,
        (f"这项检查无法完成：{cause}", f"This check could not be carried out: {cause}"),
        (
            "按消息处理后再运行一次；仍然如此请把整份输出交给维护者。",
            "Mend what the message says and run this again; else show the whole output to the maintainers.",
        ),
    )
