"""Effects that can be counted afterwards: a row in a table of the pack, and a request to a sink outside of any transaction."""

from __future__ import annotations

import os
import urllib.request

import sqlalchemy as sa

from engine.plugins import Pack, ServiceContext, service_task

SINK = "FLOWLEDGER_CRASH_SINK"
metadata = sa.MetaData()
# Without any unique key on purpose: a second row must not be refused by the database, it must not be tried.
tally = sa.Table(
    "crash_tally",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("job", sa.String(128), nullable=False),
    sa.Column("business_key", sa.String(255)),
    sa.Column("element", sa.String(64), nullable=False),
)


@service_task("crash.tally")
def note(context: ServiceContext) -> dict[str, bool]:
    """Writes one row in the transaction that completes the task."""
    context.connection.execute(tally.insert().values(job=context.idempotency_key, business_key=context.business_key, element=context.element_id))
    return {"noted": True}


@service_task("crash.call", transactional=False)
def call(context: ServiceContext) -> dict[str, bool]:
    """Asks the sink for one effect; the sink knows a repetition by the idempotency key."""
    body = f"{context.business_key} {context.element_id}".encode()
    request = urllib.request.Request(os.environ[SINK], body, {"Idempotency-Key": context.idempotency_key}, method="POST")
    with urllib.request.urlopen(request, timeout=10):
        return {"called": True}


pack = Pack(name="crash", title={"en": "Crash harness"}, package="crash_pack", handlers=(note, call), metadata=metadata)
