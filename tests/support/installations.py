"""An installation with everything in it that is worth moving: finished, open and suspended instances, timers, a message kept, files, people,
drafts, an act on many.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.bootstrap import Flowledger, build
from engine.console import settings_of
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.ports import Due
from engine.store import schema
from engine.store.database import Database
from engine.testing import EmbeddedEngine
from tests.conformance.test_data_stores import DEPOSIT
from tests.support.diagrams import END, START, TWO_TASKS, chain, process, user

CLERK = Actor("clerk", "文员", frozenset(), frozenset({"staff"}))
TIMER = '<intermediateCatchEvent id="wait"><timerEventDefinition><timeDuration>P21D</timeDuration></timerEventDefinition></intermediateCatchEvent>'
WAITING = process(START + user("a") + TIMER + END + chain("start", "a", "wait", "end"), "waiting")
FAILING = process(START + '<scriptTask id="bad"><script>x = 1 / 0</script></scriptTask>' + END + chain("start", "bad", "end"), "failing")


def fill(engine: EmbeddedEngine) -> None:
    """Through commands only, but for a mail that failed."""
    execute = engine.app.execute
    execute(cmd.PutUser("clerk", "文员", ("staff",), (), "long enough 1"), SYSTEM)
    engine.app.accounts.login("clerk", "long enough 1")
    execute(cmd.IssueToken("掃描", datetime(2030, 1, 1, tzinfo=UTC)), CLERK)
    engine.deploy({"two.bpmn": TWO_TASKS}, "第一版")
    engine.deploy({"waiting.bpmn": WAITING, "failing.bpmn": FAILING})
    for number in range(5):
        instance = engine.start("two", {"金额": number / 3, "ok": True, "none": None, "text": "a\u0000b 𠮷 é"}, f"K-{number}")
        [task] = engine.user_tasks(instance)
        if number % 2:
            engine.complete(task.id, {"list": [1, "二", {"x": []}]})
    execute(cmd.SaveDraft(task.id, {"half": "typed"}), CLERK)
    execute(cmd.Attach(instance, "报告.bin", bytes(range(256)) * 300, "application/octet-stream"), SYSTEM)
    execute(cmd.Comment(instance, "看过"), SYSTEM)
    engine.deploy({"deposit.bpmn": DEPOSIT})
    engine.start("deposit", {"n": {"数": [1]}})
    waiting = engine.start("waiting")
    engine.complete(engine.user_tasks(waiting)[0].id)
    engine.start("failing")
    execute(cmd.Suspend(waiting, "审计"), SYSTEM)
    execute(cmd.Resume(waiting, "审计完毕"), SYSTEM)
    execute(cmd.SuspendDefinition("failing:1", "脚本有误"), SYSTEM)
    execute(cmd.StartBulk("suspend", "季度末", (instance, "unknown")), SYSTEM)
    engine.app._transact(lambda uow: uow.jobs.add(Due("mail-1", "mail", None, None, "a", None, {}, uow.now, 8, 8, state="failed")))
    execute(cmd.DiscardJob("mail-1", "地址已停用"), SYSTEM)
    engine.app.run_due()
    execute(cmd.Resume(instance, "完成"), SYSTEM)
    execute(cmd.PublishMessage("early", {"n": 1}, "nobody yet", keep_seconds=3600), SYSTEM)
    execute(cmd.SaveModelDraft("<definitions/>"), Actor("owner", "", frozenset(), frozenset({"process_owner"})))
    engine.advance(timedelta(hours=1).total_seconds() / 2)


def installed(folder: Path) -> Flowledger:
    """A new installation in a folder, as the command line makes it, with the process `two`. To be closed."""
    settings = settings_of(folder, None)
    store = Database(settings.database)
    schema.upgrade(store)
    store.close()
    app = build(settings)
    app.execute(cmd.Deploy({"two.bpmn": TWO_TASKS}), SYSTEM)
    return app
