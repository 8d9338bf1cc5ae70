"""Pages for people, one module per noun. A view builds a command or a query, executes it, renders; it decides nothing."""

from __future__ import annotations

from webui.pages import (
    account,
    administration,
    conformance,
    definitions,
    health,
    history,
    home,
    instances,
    mending,
    metrics,
    migration,
    modeler,
    operations,
    replay,
    start,
    tasks,
    worklist,
)

BLUEPRINTS = (
    health.blueprint,
    metrics.blueprint,
    home.blueprint,
    account.blueprint,
    worklist.blueprint,
    tasks.blueprint,
    start.blueprint,
    history.blueprint,
    definitions.blueprint,
    modeler.blueprint,
    instances.blueprint,
    replay.blueprint,
    mending.blueprint,
    operations.blueprint,
    migration.blueprint,
    administration.blueprint,
    conformance.blueprint,
)
