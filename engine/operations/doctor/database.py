"""Checks of the database: reachable, schema, durability, integrity, clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from engine.bootstrap import Settings
from engine.errors import FlowledgerError, StorageDamaged
from engine.model.findings import Finding, fault, fine, warning
from engine.store import addresses, schema
from engine.store.database import Database
from engine.store.making import takes_changes
from engine.store.tables import record

Check = Callable[..., Iterable[Finding]]

POSTGRESQL_LEAST = 150000
CLOCK_SECONDS = 5  # what two machines may differ without anybody noticing
RESTORE = (
    "停止服务，保留这个文件的副本，恢复最近一份能通过验证的备份（flowledger restore），并查明磁盘是否损坏。",
    "Stop the server, keep a copy of the file, restore the newest backup that verifies (flowledger restore), and have the disk examined.",
)
DURABLE = frozenset({"on", "local", "remote_write", "remote_apply"})


def reachable(settings: Settings) -> Finding:
    """It answers."""
    try:
        where = addresses.shown(addresses.read(settings.database))
    except addresses.InvalidAddress as exc:
        advice = (
            "写成 sqlite:////文件夹/文件.sqlite3 或 postgresql://用户:密码@主机/数据库；PostgreSQL 需要 pip install 'flowledger[postgres]'。",
            f"{addresses.HOW} PostgreSQL needs pip install 'flowledger[postgres]'.",
        )
        return fault("database", ("数据库地址不能使用。", str(exc)), advice)
    try:
        store = Database(settings.database)
        try:
            with store.begin(write=False) as connection:
                connection.execute(sa.select(sa.literal(1)))
        finally:
            store.close()
    except (FlowledgerError, sa.exc.SQLAlchemyError) as exc:
        first = _said(exc)
        if isinstance(exc, StorageDamaged):
            return fault("database", (f"{where} 已损坏：{first}", f"{where} is damaged: {first}"), RESTORE)
        advice = ("确认地址、密码与网络，数据库已启动。", "See that address, password and network are right and the database runs.")
        return fault("database", (f"无法连接 {where}：{first}", f"{where} cannot be reached: {first}"), advice)
    return fine("database", f"数据库可以连接：{where}。", f"The database answers: {where}.")


def _said(exc: Exception) -> str:
    """The driver's own words."""
    cause = exc.__cause__ or exc
    return str(getattr(cause, "orig", cause)).partition("\n")[0]


def schema_version(store: Database) -> Finding:
    """The schema is the one that this engine writes."""
    try:
        schema.check(store)
    except schema.SchemaTooNew as exc:
        advice = ("安装写出这个数据库的 Flowledger 版本或更新的版本。", "Install the version of Flowledger that wrote this database, or a newer one.")
        found = exc.data.get("found")
        return fault("schema", (f"数据库结构 {found} 比本版本新。", f"The schema {found} is newer than this version."), advice)
    except schema.SchemaUnclear as exc:
        advice = ("从备份恢复。", "Restore the database from a backup.")
        number = exc.data.get("number")
        return fault("schema", (f"表 alembic_version 记载了 {number} 个数据库结构。", f"The table alembic_version names {number} schemas."), advice)
    except StorageDamaged as exc:
        return fault("schema", (f"数据库文件已损坏：{_said(exc)}", f"The file of the database is damaged: {_said(exc)}"), RESTORE)
    except FlowledgerError:
        advice = ("先备份，再运行 flowledger db upgrade。", "Make a backup, then run flowledger db upgrade.")
        return fault("schema", ("数据库结构缺失或过旧。", "The schema is missing or behind."), advice)
    return fine("schema", "数据库结构与本版本一致。", "The schema is this version's.")


# --- SQLite -------------------------------------------------------------------------------------------------------------
def durability(store: Database, *, quick: bool = False) -> Iterator[Finding]:  # noqa: ARG001 - every check has the same parameters
    """What is acknowledged survives a power failure: write-ahead log, flushed at each commit."""
    with store.begin(write=False) as connection:
        mode = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())
        flush = int(connection.exec_driver_sql("PRAGMA synchronous").scalar() or 0)
    if mode != "wal":
        advice = (
            "把数据文件夹放到支持 WAL 的本机磁盘上，停止占用它的其他程序。",
            "Put the data folder on a local disk that supports WAL, and stop other programs that hold it.",
        )
        yield fault("durability", (f"SQLite 的日志模式是 {mode}，应为 wal。", f"SQLite's journal mode is {mode}; it must be wal."), advice)
    elif flush < 2:
        advice = ("不要更改 synchronous；重新安装未改动的 Flowledger。", "Do not change `synchronous`; install an unchanged Flowledger.")
        yield fault(
            "durability", (f"SQLite 的 synchronous 是 {flush}，应为 2（FULL）。", f"SQLite's `synchronous` is {flush}; it must be 2 (FULL)."), advice
        )
    else:
        yield fine("durability", "SQLite：WAL，synchronous FULL。", "SQLite: WAL, synchronous FULL.")


def integrity(store: Database, *, quick: bool = False) -> Iterator[Finding]:
    """SQLite's own check of its file, and that references lead somewhere."""
    dangling: list[str] = []
    try:
        with store.begin(write=False) as connection:
            told = [str(row[0]) for row in connection.exec_driver_sql(f"PRAGMA {'quick_check' if quick else 'integrity_check'}(20)")]
            if told == ["ok"]:
                dangling = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA foreign_key_check")]
    except StorageDamaged as exc:  # so damaged that the check itself ends
        told = [_said(exc)]
    advice = RESTORE
    if told != ["ok"]:
        yield fault("integrity", (f"SQLite 文件已损坏：{told[0]}。", f"The SQLite file is damaged: {told[0]}."), advice)
    elif dangling:
        names = ", ".join(sorted(set(dangling)))
        yield fault("integrity", (f"引用的行不存在，表：{names}。", f"Rows refer to rows that do not exist, in: {names}."), advice)
    else:
        yield fine("integrity", "SQLite 文件完好。", "The SQLite file is sound.")


# --- PostgreSQL -----------------------------------------------------------------------------------------------------------
def server(store: Database, *, quick: bool = False) -> Iterator[Finding]:  # noqa: ARG001
    """Version and the settings on which durability rests."""
    with store.begin(write=False) as connection:
        names = ("server_version_num", "server_version", "fsync", "full_page_writes", "synchronous_commit", "server_encoding", "max_connections")
        shown = {name: str(connection.exec_driver_sql(f"SHOW {name}").scalar()) for name in names}
    if int(shown["server_version_num"]) < POSTGRESQL_LEAST:
        told = shown["server_version"]
        yield fault(
            "server",
            (f"PostgreSQL {told} 低于 15。", f"PostgreSQL {told} is older than 15."),
            ("升级到 15 或更新的版本。", "Upgrade to 15 or newer."),
        )
    off = [name for name in ("fsync", "full_page_writes") if shown[name] != "on"]
    if shown["synchronous_commit"] not in DURABLE:
        off.append("synchronous_commit")
    if off:
        told = ", ".join(f"{name} = {shown[name]}" for name in off)
        yield fault(
            "durability",
            (f"断电会丢失已确认的改动：{told}。", f"Acknowledged changes can be lost when the power fails: {told}."),
            ("在 postgresql.conf 中改为 on，然后重新载入。", "Set them to on in postgresql.conf and reload."),
        )
    if shown["server_encoding"] != "UTF8":
        told = shown["server_encoding"]
        advice = ("新建编码为 UTF8 的数据库，用 flowledger db copy 迁移。", "Make a database with encoding UTF8 and move with flowledger db copy.")
        yield fault("encoding", (f"数据库编码是 {told}。", f"The database's encoding is {told}."), advice)
    if not takes_changes(store):
        advice = (
            "用主库的地址（地址中加 target_session_attrs=read-write 可在多个主机中选择主库），或取消 default_transaction_read_only。",
            "Give the address of the primary (of several hosts target_session_attrs=read-write chooses it), or unset default_transaction_read_only.",
        )
        yield fault(
            "read_only",
            ("数据库不接受更改：它是备库，或被设为只读。", "The database takes no changes: it is a standby, or was made read-only."),
            advice,
        )
    if int(shown["max_connections"]) < 40:  # one process holds up to 16
        told = shown["max_connections"]
        advice = ("提高 max_connections：每个进程最多用 16 个连接。", "Raise max_connections: each process uses up to 16.")
        yield warning("connections", (f"max_connections 只有 {told}。", f"max_connections is only {told}."), advice)
    if not off:
        yield fine(
            "durability",
            f"PostgreSQL {shown['server_version']}：fsync 与 synchronous_commit 打开。",
            f"PostgreSQL {shown['server_version']}: fsync and synchronous_commit are on.",
        )


# --- clocks ---------------------------------------------------------------------------------------------------------------
def clock(store: Database, *, quick: bool = False) -> Iterator[Finding]:  # noqa: ARG001
    """Not before the newest record, not different from the database's, and the time zones are installed."""
    now = datetime.now(UTC)
    with store.begin(write=False) as connection:
        newest = connection.scalar(sa.select(sa.func.max(record.c.at)))
        theirs = now if store.is_sqlite else connection.scalar(sa.text("SELECT clock_timestamp()"))
    advice = ("校准时钟（NTP）；在此之前计时器会提早或推迟。", "Set the clock (NTP); until then timers run early or late.")
    wrong = False
    if newest is not None and newest > now + timedelta(seconds=CLOCK_SECONDS):
        wrong, told = True, f"{newest:%Y-%m-%d %H:%M:%S}"
        yield fault(
            "clock",
            (f"最新记录的时间 {told} UTC 在本机时钟之后。", f"The newest record is of {told} UTC, which is in the future of this machine."),
            advice,
        )
    if theirs is not None and abs((theirs - now).total_seconds()) > CLOCK_SECONDS:
        wrong, seconds = True, abs((theirs - now).total_seconds())
        yield warning(
            "clock", (f"本机与数据库的时钟相差 {seconds:.0f} 秒。", f"The clocks of this machine and the database differ by {seconds:.0f} s."), advice
        )
    try:
        ZoneInfo("Asia/Shanghai")
    except ZoneInfoNotFoundError:
        wrong = True
        yield fault("clock", ("没有时区数据。", "There are no time zones."), ("安装 tzdata。", "Install tzdata."))
    if not wrong:
        yield fine("clock", f"时钟正常（{now:%Y-%m-%d %H:%M:%S} UTC）。", f"The clock is plausible ({now:%Y-%m-%d %H:%M:%S} UTC).")


SQLITE: tuple[Check, ...] = (durability, integrity)
POSTGRESQL: tuple[Check, ...] = (server,)
