"""A clock that is set back: work that was due at once would wait until the old time comes again. It is brought forward; timers are not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from engine.model import schedule
from engine.ports import Due, UnitOfWork

BACKOFF = ("PT5S", "PT30S", "PT2M", "PT10M")  # between attempts, where the diagram does not say
SLACK = timedelta(seconds=30)  # clocks of a cluster agree within that; less is waited for


def next_attempt(due: Due, now: datetime) -> datetime:
    """After one more failed attempt."""
    waits = due.backoff or BACKOFF
    return schedule.duration(waits[min(due.attempts, len(waits) - 1)]).after(now)


def bring_forward(uow: UnitOfWork) -> int:
    """Make due now whatever waits longer than it can be meant to: from before its first attempt not at all, then as long as its backoff says. How many.

    It needs to know neither the old time nor who set the clock, so every node may do it, also one that was started afterwards.
    """
    found = 0
    for due in uow.jobs.ahead(uow.now + SLACK):
        meant = next_attempt(replace(due, attempts=due.attempts - 1), uow.now) if due.attempts else uow.now
        if due.due_at > meant + SLACK:
            uow.jobs.hasten(due, uow.now)
            found += 1
    if found:
        uow.due_now()
    return found


class ClockWatch:
    """Notices that the clock was set back since it was looked at last, by one that cannot be set."""

    def __init__(self, now: Callable[[], datetime], steady: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._steady = steady
        self._ahead: float | None = None  # of the steady clock

    def look(self, set_back: Callable[[], object]) -> None:
        """Call `set_back` when it was; also the first time, because nobody knows what was before. When that fails it is called again."""
        ahead = self._now().timestamp() - self._steady()
        if self._ahead is None or ahead < self._ahead - SLACK.total_seconds():
            set_back()
        self._ahead = ahead
