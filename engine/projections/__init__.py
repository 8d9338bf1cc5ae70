"""Read tables derived from records: each can be dropped and rebuilt (`rebuild`)."""

from __future__ import annotations

from engine.ports import Projection
from engine.projections.data_stores import DataStoreProjection
from engine.projections.instances import IncidentProjection, InstanceProjection, NoteProjection
from engine.projections.migrations import MigrationProjection
from engine.projections.user_tasks import UserTaskProjection
from engine.projections.work import JobProjection, SubscriptionProjection

__all__ = ["ALL"]

ALL: tuple[Projection, ...] = (
    InstanceProjection(),
    UserTaskProjection(),
    JobProjection(),
    SubscriptionProjection(),
    IncidentProjection(),
    NoteProjection(),
    DataStoreProjection(),
    MigrationProjection(),
)
