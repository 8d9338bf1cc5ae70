"""Public ids of work inside of an instance (user tasks, jobs, incidents, open elements): `<instance>-<key>`."""

from __future__ import annotations


def split_work_id(work_id: str) -> tuple[str, int] | None:
    """The instance and the key; None for a text of another form, so that no other number reaches the database."""
    instance_id, _, key = work_id.rpartition("-")
    return (instance_id, int(key)) if instance_id and key.isascii() and key.isdigit() and len(key) < 10 else None
