"""An installation for trying things: schema, packs, one account for each role, and whatever demonstration data the packs bring."""

from __future__ import annotations

from collections.abc import Callable

from engine.bootstrap import Flowledger, Settings, build
from engine.model.actors import SYSTEM
from engine.model.commands import PutUser
from engine.plugins.loading import load
from engine.store import schema
from engine.store.database import Database

Progress = Callable[[str], None]

# (id, name, roles, groups, what for)
ACCOUNTS = (
    ("pm", "李明", ("staff",), ("project_manager",), "项目经理 project manager"),
    ("qa", "王芳", ("staff",), ("quality_admin",), "质量管理员 quality administrator"),
    ("rd", "张伟", ("staff",), ("rd_centre",), "研发中心 R&D centre, reviewer"),
    ("eng", "刘洋", ("staff",), ("engineering",), "工程部 engineering, reviewer"),
    ("mgr1", "陈静", ("staff",), ("dept_manager",), "研发中心经理 R&D manager"),
    ("mgr2", "赵强", ("staff",), ("dept_manager",), "工程部经理 engineering manager"),
    ("desk", "周敏", ("staff",), ("service_desk",), "服务台 service desk"),
    ("owner", "孙磊", ("process_owner",), (), "流程负责人 process owner"),
    ("auditor", "吴敏", ("auditor",), (), "审计员 auditor"),
    ("admin", "郑凯", ("administrator", "operator"), (), "管理员 administrator"),
)


def password(user_id: str) -> str:
    """Of a demonstration account."""
    return f"{user_id}-demo-1"


def prepare(settings: Settings, progress: Progress) -> list[tuple[str, str, str]]:
    """Make what is missing; does nothing to what is there. Returns (user id, name, what for) of the demonstration accounts."""
    store = Database(settings.database)
    schema.upgrade(store)
    store.close()
    app = build(settings)
    try:
        _fill(app, progress)
    finally:
        app.close()
    return [(user, name, what) for user, name, _, _, what in ACCOUNTS]


def _fill(app: Flowledger, progress: Progress) -> None:
    app.install_packs()
    with app.reading() as read:
        known = {u.id for u in read.users(SYSTEM)}
    if not known:
        progress("演示账号 demo accounts")
    for user, name, roles, groups, _ in ACCOUNTS:
        if user not in known:
            app.execute(PutUser(user, name, roles, groups, password(user)), SYSTEM)
    for pack in app.catalogue.packs:
        if pack.demo is not None:
            load(pack.demo)(app, progress)
