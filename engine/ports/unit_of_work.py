"""One write transaction, with the ports to everything that it may change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from engine.model.records import Record
from engine.ports.accounts import Accounts
from engine.ports.definitions import Definitions
from engine.ports.instances import Blobs, DataStores, Drafts, Head, Instances, Records
from engine.ports.jobs import Jobs
from engine.ports.operations import Answers, Bulks
from engine.ports.waiting import Waiting


class UnitOfWork(Protocol):
    """One write transaction. It commits when its block ends and rolls back on an exception; `after_commit` runs then.

    `now` is read once. `connection` is the SQLAlchemy connection for handlers of packs.
    """

    now: datetime
    connection: Any
    after_commit: list[Callable[[], None]]

    @property
    def records(self) -> Records: ...

    @property
    def instances(self) -> Instances: ...

    @property
    def definitions(self) -> Definitions: ...

    @property
    def jobs(self) -> Jobs: ...

    @property
    def waiting(self) -> Waiting: ...

    @property
    def bulks(self) -> Bulks: ...

    @property
    def stores(self) -> DataStores: ...

    @property
    def answers(self) -> Answers: ...

    @property
    def blobs(self) -> Blobs: ...

    @property
    def drafts(self) -> Drafts: ...

    @property
    def accounts(self) -> Accounts: ...

    def due_now(self) -> None:
        """Work of this transaction is due at once: whoever does it is woken when it commits."""

    def attempt(self, work: Callable[[], object]) -> Exception | None:
        """Run a part of this unit of work; when it raises, what it wrote is undone alone, and its exception is given back.

        Raises ConcurrentChange and NotAvailable (but not of one instance), and what concerns the whole transaction: it is lost then.
        """

    def append(self, record: Record, head: Head) -> None:
        """Write the record and bring every read table up to it; `head` is the instance after it.

        Raises ConcurrentChange when (instance, seq) is taken, RequestIdReused when the request id is; the transaction is lost then.
        """
