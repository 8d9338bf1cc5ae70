"""Checks what several machines on one PostgreSQL need: Procrastinate, by which whoever makes work wakes a worker elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

import sqlalchemy as sa

from engine.model.findings import Finding, fine, warning
from engine.store.database import Database

LIBRARY = "procrastinate"


def cluster(store: Database, *, quick: bool = False) -> Iterator[Finding]:  # noqa: ARG001 - every check has the same parameters
    """The extra is installed here, and its tables are in the database. Without one of them everything works, but nobody is woken."""
    with store.begin(write=False) as connection:
        tables = connection.scalar(sa.text("SELECT to_regclass('procrastinate_jobs')")) is not None
    library = _version()
    if library is None:
        what = (
            "没有安装 Procrastinate（可选组件 cluster）：本机的进程不能唤醒别处的工作进程，也不被唤醒，到期的工作最多晚一秒才被发现。",
            "Procrastinate (the extra `cluster`) is not installed: processes here wake nobody and are not woken, so due work is found up to a second late.",
        )
        yield warning("cluster", what, _INSTALL if tables else _BOTH)
    elif not tables:
        what = (
            "数据库里没有 Procrastinate 的表：没有进程会被唤醒，到期的工作最多晚一秒才被发现。",
            "The tables of Procrastinate are not in the database: nobody is woken, so due work is found up to a second late.",
        )
        yield warning("cluster", what, _UPGRADE)
    else:
        yield fine("cluster", f"Procrastinate {library}，表齐全。", f"Procrastinate {library}, with its tables.")


def _version() -> str | None:
    try:
        return metadata.version(LIBRARY)
    except metadata.PackageNotFoundError:
        return None


_UPGRADE = (
    "运行 flowledger db upgrade，然后重新启动各个服务与工作进程。",
    "Run flowledger db upgrade, then start servers and workers again.",
)
_INSTALL = (
    '运行 pip install "flowledger[cluster]"，然后重新启动本机的服务与工作进程。',
    'Run pip install "flowledger[cluster]", then start servers and workers here again.',
)
_BOTH = (
    '在每台机器上运行 pip install "flowledger[cluster]"，再运行一次 flowledger db upgrade，然后重新启动各个服务与工作进程。',
    'Run pip install "flowledger[cluster]" on every machine, then flowledger db upgrade once, then start servers and workers again.',
)
