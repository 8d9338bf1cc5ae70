"""Stands in for a connection while a command is carried out ahead of its transaction (`engine.store.ahead`): reads at once, keeps writes for later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

from sqlalchemy.engine import Connection, Dialect

from engine.store.database import Database
from engine.store.foreseen import Foreseen
from engine.store.statements import Compiled, Row, StandIn, Work, run

T = TypeVar("T")


class NotAhead(Exception):
    """What is done here needs a transaction around all that it does."""


class AheadConnection(StandIn):
    """Knows statements (`engine.store.statements`) only: what else a port asks of it raises NotAhead.

    `with` it. It takes a connection to read from only when something is read: what follows a command of this process is often foreseen.
    `writes`: to be run in this order; `later`: to be done after them in the same transaction. `seen`: what was read and may be another by then.
    `refused`: it raised NotAhead or a read failed, whatever became of that.
    """

    def __init__(self, database: Database, foreseen: Foreseen) -> None:
        self._database = database
        self._foreseen = foreseen
        self._outside: AbstractContextManager[Connection] | None = None
        self._unreachable = False
        self.writes: list[tuple[Compiled, Any]] = []
        self.seen: list[tuple[Compiled, Mapping[str, Any], list[Row]]] = []
        self.later: list[Callable[[Connection], None]] = []
        self.refused = False
        self._instances: set[Any] = set()  # that something was read of

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool | None:
        return self._outside.__exit__(kind, error, trace) if self._outside is not None else None

    @property
    def dialect(self) -> Dialect:
        """For which statements are compiled."""
        return self._database.engine.dialect

    @property
    def lost(self) -> bool:
        """Could the database not be reached, or did it go away while it was read?"""
        return self._unreachable or (self._outside is not None and self._reader.invalidated)

    @property
    def reader(self) -> Connection:
        """Outside any transaction. Raises NotAvailable."""
        if self._outside is None:
            outside = self._database.outside()
            try:
                self._reader = outside.__enter__()
            except BaseException:  # as in `_noticed`: whatever it was, what is carried out after it is not written
                self.refused = self._unreachable = True
                raise
            self._outside = outside
        return self._reader

    def run(self, work: Work) -> list[Row]:
        """Reads cannot see what was not written yet, so a table that was written is not read any more."""
        found: list[Row] = []
        for compiled, sets in work:
            if not compiled.reads:
                self.writes.append((compiled, sets))
                found = []
                continue
            if any(write.writes is None or write.writes[0] in compiled.tables for write, _ in self.writes):
                self.refuse()
            found = self._noticed(partial(run, self.reader, [(compiled, sets)]))
            if compiled.of_instance:
                self._instances.add(sets[0]["b_instance"])
            else:
                self.seen.append((compiled, sets[0], found))
        return found

    def foreseen(self, instance_id: str, key: int, seq: int) -> Row | None:
        """As if it had been read, but nothing may be refused because of it."""
        row = self._foreseen.take(instance_id, key, seq)
        if row is not None:
            self.guessed = True
            self._instances.add(instance_id)
        return row

    def settled(self, query: Any, values: Mapping[str, Any] | None = None) -> Any:
        """The result of a query for what never changes once it is there: a version's diagrams."""
        return self._noticed(partial(self.reader.execute, query, values))

    def _noticed(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except BaseException:  # whatever becomes of it: what is carried out after it is not written
            self.refused = True
            raise

    def guarded(self) -> bool:
        """Would somebody else's change of what was read of an instance clash with the record that is to be appended to it?"""
        appended = {one["instance_id"] for compiled, sets in self.writes if compiled.writes == ("record", "insert") for one in sets}
        return self._instances <= appended

    def refuse(self) -> NoReturn:
        """Raises NotAhead."""
        self.refused = True
        raise NotAhead

    def __getattr__(self, name: str) -> Any:
        """Of a real connection."""
        if name.startswith("__"):
            raise AttributeError(name)
        self.refuse()
