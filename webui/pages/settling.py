"""After a command: waits a moment while the engine carries out service tasks, so that the answering page shows what follows them.

Nothing depends on it: work that takes longer goes on, and the page shows where it stands.
"""

from __future__ import annotations

import time

from engine.model.definition import ProcessInfo
from webui.pages.engine import flowledger
from webui.signin import current_actor

MOST_SECONDS = 1.5
STEP_SECONDS = 0.05
AUTOMATIC = frozenset({"serviceTask", "sendTask"})


def settle(instance_id: str) -> None:
    """Return when no service task of the instance is on its way, one failed, or the time is over."""
    deadline = time.monotonic() + MOST_SECONDS
    while _busy(instance_id) and time.monotonic() < deadline:
        time.sleep(STEP_SECONDS)


def _busy(instance_id: str) -> bool:
    actor = current_actor()
    with flowledger().reading() as read:
        row = read.instance(actor, instance_id)
        automatic = _automatic(read.process_info(row.definition_id))
        if row.state != "active" or row.error or not automatic:
            return False
        return read.has_work(actor, instance_id, automatic)


def _automatic(info: ProcessInfo) -> frozenset[str]:
    return frozenset(e.id for e in info.elements.values() if e.type in AUTOMATIC)
