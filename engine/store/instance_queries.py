"""SQL of the instance list, no policy: newest first, by key, along an index for each combination of filters."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from engine.model.actors import Actor
from engine.model.values import iso
from engine.model.views import InstanceFilter, InstanceRow, Page
from engine.store import rows, search
from engine.store.paging import decode_cursor, encode_cursor, following, page_size
from engine.store.tables import instance, record
from engine.store.walks import free, has_work, own


class InstanceQueries:
    """Part of the port Queries: process instances."""

    connection: Connection

    def instance(self, instance_id: str) -> InstanceRow | None:
        """One instance."""
        query = sa.select(*rows.INSTANCE_COLUMNS).select_from(rows.INSTANCE_FROM).where(instance.c.id == instance_id)
        row = self.connection.execute(query).first()
        return rows.instance_row(row) if row else None

    def instances(self, wanted: InstanceFilter, participant: Actor | None) -> Page[InstanceRow]:
        """Newest first; with `participant` only those that the actor started, worked in or may work in."""
        query = sa.select(*rows.INSTANCE_COLUMNS).select_from(rows.INSTANCE_FROM).where(*self._chosen(wanted))
        if participant is not None:
            query = query.where(self._concerns(participant))
        order = (instance.c.started_at, instance.c.id)
        after = decode_cursor(wanted.cursor, datetime, str)
        if after is not None:
            query = query.where(following(order, after, descending=True))
        size = page_size(wanted.size)
        found = self.connection.execute(query.order_by(*(c.desc() for c in order)).limit(size + 1)).all()
        page = [rows.instance_row(r) for r in found[:size]]
        return Page(page, encode_cursor(iso(page[-1].started_at), page[-1].id) if len(found) > size else None)

    def _concerns(self, actor: Actor) -> sa.ColumnElement[bool]:
        """The actor wrote a record of it, or open work of it is theirs or free for them. Two ways to find the newest ones.

        Few are looked up by id and sorted. Among many, the next page is near: the list is walked and each instance asked.
        """
        wrote = sa.select(record.c.instance_id).where(record.c.actor == actor.id)
        lists = (own(actor), *free(actor))
        left = search.FEW - sum(search.how_many(self.connection, [wrote.order_by(record.c.instance_id)]))
        if left < 0:
            # Not EXISTS, for the reason that `has_work` gives.
            mine = sa.select(record.c.seq).where(record.c.actor == actor.id, record.c.instance_id == instance.c.id).limit(1)
            return sa.or_(mine.scalar_subquery().is_not(None), has_work(actor, instance.c.id))
        if sum(search.how_many(self.connection, [walk.entries() for walk in lists])) > left:
            return sa.or_(instance.c.id.in_(wrote), has_work(actor, instance.c.id))
        ids = sa.union(wrote, *(walk.select(walk.table.c.instance_id) for walk in lists))
        return instance.c.id.in_(sorted(self.connection.scalars(ids)))

    def _chosen(self, wanted: InstanceFilter) -> list[sa.ColumnElement[bool]]:
        chosen = (("process_id", wanted.process_id), ("definition_id", wanted.definition_id), ("state", wanted.state))
        where = [instance.c[column] == value for column, value in chosen if value]
        if wanted.text:
            found = search.instances(self.connection, wanted.text)
            known = rows.contains(instance.c.business_key, wanted.text) if found is None else instance.c.id.in_(found)
            where.append(sa.or_(instance.c.id == wanted.text, known))
        return where
