"""What the next command on an instance would read of a user task: the row as this process has just written it (`engine.store.ahead`).

Such a row is no truth: another process may have gone on with the instance, or the database may have lost its last commits. It holds for the record that it
was written with, so whoever uses it must append the very next one, which clashes with anybody else's and is not written where that record is not the
newest (`append` in `engine.store.history`); and must not refuse anything because of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from engine.store.statements import Row, Work

#: Columns of `user_task` and then of `instance` that are read together when a task is worked on.
OF_TASK = (
    *("definition_id", "process_id", "business_key", "element_id", "name", "state", "assignee", "candidate_groups", "candidate_users"),
    *("excludes", "excluded_users", "form_key", "priority", "due", "follow_up", "created_at", "ended_at", "ended_by"),
)
OF_INSTANCE = ("state", "seq", "head_hash", "started_by")
_STATE = len(OF_TASK) + OF_INSTANCE.index("state")  # of the instance; a record that leaves it as it is does not write it
_SEQ = len(OF_TASK) + OF_INSTANCE.index("seq")
KEPT = 2000


class Foreseen:
    """Rows by instance and key, each for one use; the newest are kept. Safe for threads."""

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[str, int], Row] = OrderedDict()
        self._lock = Lock()

    def take(self, instance_id: str, key: int, seq: int) -> Row | None:
        """The row as it was written with this record of the instance."""
        with self._lock:
            row = self._rows.pop((instance_id, key), None)
        return row if row is not None and row[_SEQ] == seq else None

    def keep(self, writes: Work, opened: Row | None) -> None:
        """Of what was committed: open user tasks that it inserted. `opened`: what was read of the task that it completed."""
        rows = dict(_rows(writes, opened))
        with self._lock:
            self._rows.update(rows)
            while len(self._rows) > KEPT:
                self._rows.popitem(last=False)


def _rows(writes: Work, opened: Row | None) -> Iterable[tuple[tuple[str, int], Row]]:
    changed = [one for compiled, sets in writes if compiled.writes in (("instance", "insert"), ("instance", "update")) for one in sets]
    if len(changed) != 1:
        return
    [head] = changed
    if opened is not None:
        head = {"state": opened[_STATE], "started_by": opened[-1], **head}
    if any(name not in head for name in OF_INSTANCE):
        return
    of_instance = tuple([head[name] for name in OF_INSTANCE])
    for compiled, sets in writes:
        if compiled.writes == ("user_task", "insert"):
            for one in sets:
                if one["state"] == "open":
                    yield (one["instance_id"], one["key"]), (*[one[name] for name in OF_TASK], *of_instance)
