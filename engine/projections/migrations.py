"""What a migration to another version changes in the read tables: the version, ids of elements, names and forms of open user tasks.

Finished user tasks whose element has a successor follow it, so that four eyes and statistics still find them; the others stay with the version that they
belong to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.model.inputs import MigrateInstance
from engine.model.migration import ElementMigrated, UserTaskChanged
from engine.model.records import Record
from engine.ports import Head
from engine.projections.user_tasks import offer_again
from engine.store.rows import json_list
from engine.store.statements import Batch, Statement
from engine.store.tables import incident, instance, job, subscription
from engine.store.task_tables import user_task

_HOME = Statement(instance.update().where(instance.c.id == sa.bindparam("b_id")))
_TASK = Statement(user_task.update().where(user_task.c.instance_id == sa.bindparam("b_instance"), user_task.c.key == sa.bindparam("b_key")))
_STANDING = (incident.c.instance_id == sa.bindparam("b_instance"), incident.c.resolved_at.is_(None))
_INCIDENTS = Statement(incident.update().where(*_STANDING))
_INCIDENT = Statement(incident.update().where(*_STANDING, incident.c.key == sa.bindparam("b_key")))
_JOB = Statement(job.update().where(job.c.id == sa.bindparam("b_id")))
_SUBSCRIPTION = Statement(
    subscription.update().where(subscription.c.instance_id == sa.bindparam("b_instance"), subscription.c.key == sa.bindparam("b_key"))
)


class MigrationProjection:
    """After the other projections: it changes rows that they own."""

    name = "migration"
    about = frozenset({MigrateInstance, ElementMigrated, UserTaskChanged})

    def apply(self, batch: Batch, record: Record, head: Head) -> None:
        """Nothing but for a migration."""
        if not isinstance(record.input, MigrateInstance):
            return
        batch.add(_HOME, {"b_id": head.instance_id, "definition_id": head.definition_id, "process_id": head.process_id})
        batch.add(_INCIDENTS, {"b_instance": head.instance_id, "definition_id": head.definition_id})
        open_tasks: list[int] = []
        for key, state, values in _tasks(batch, record.input, head):
            batch.add(_TASK, {"b_instance": head.instance_id, "b_key": key, **values})
            open_tasks += [key] if state == "open" else []
        for event in record.events:
            match event:
                case ElementMigrated():
                    where = {"b_instance": head.instance_id, "b_key": event.key, "element_id": event.target}
                    batch.add(_INCIDENT, where)
                    batch.add(_SUBSCRIPTION, where)
                    batch.add(_JOB, {"b_id": f"{head.instance_id}-{event.key}", "element_id": event.target})
                case UserTaskChanged():
                    batch.add(_TASK, {"b_instance": head.instance_id, "b_key": event.key, "name": event.name, "form_key": event.form_key})
                case _:
                    pass
        for key in open_tasks:
            offer_again(batch, head.instance_id, key)

    def clear(self, connection: Connection) -> None:
        """It has no table of its own."""


def _tasks(batch: Batch, done: MigrateInstance, head: Head) -> Iterator[tuple[int, str, dict[str, object]]]:
    """Row by row, because two elements may have changed places."""
    batch.flush()
    query = sa.select(user_task.c.key, user_task.c.element_id, user_task.c.state, user_task.c.excludes)
    query = query.where(user_task.c.instance_id == head.instance_id, user_task.c.definition_id == done.source)
    for key, element, state, excludes in batch.connection.execute(query.order_by(user_task.c.key)).all():
        if state != "open" and element not in done.plan:
            continue
        values: dict[str, object] = {
            "definition_id": head.definition_id,
            "process_id": head.process_id,
            "element_id": done.plan.get(element, element),
        }
        values["excludes"] = json_list([done.plan.get(one, one) for one in json.loads(excludes)])
        yield key, state, values
