"""Live executions between commands: a cache by (instance, seq), never the truth.

`take` removes the entry, so an execution has one user at a time; `put` gives it back after the commit. Whatever goes wrong in
between, the entry is simply gone and the next command rebuilds it from snapshot and records.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from engine.ports import Execution


class LiveExecutions:
    """Least recently used executions; safe for threads."""

    def __init__(self, capacity: int = 2000) -> None:
        self._capacity = capacity
        self._held: OrderedDict[str, tuple[int, Execution]] = OrderedDict()
        self._lock = Lock()
        self.hits = self.misses = 0  # for figures only

    def __len__(self) -> int:
        return len(self._held)

    def take(self, instance_id: str) -> tuple[int, Execution] | None:
        """(seq, execution) and forget it."""
        with self._lock:
            held = self._held.pop(instance_id, None)
            if held is None:
                self.misses += 1
            else:
                self.hits += 1
            return held

    def at(self, instance_id: str) -> int | None:
        """At which record the held one stands."""
        with self._lock:
            held = self._held.get(instance_id)
            return None if held is None else held[0]

    def put(self, instance_id: str, seq: int, execution: Execution) -> None:
        """Keep it unless a newer one is held."""
        with self._lock:
            held = self._held.get(instance_id)
            if held is not None and held[0] > seq:
                return
            self._held[instance_id] = (seq, execution)
            self._held.move_to_end(instance_id)
            while len(self._held) > self._capacity:
                self._held.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._held.clear()
