"""`flowledger serve` under way: told to stop in the middle of a request, and with several processes on one SQLite file."""

from __future__ import annotations

import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from engine.store import tables
from engine.store.database import Database
from tests.support.postgres import postgres_server
from tests.support.racing import somebody_waits_to_write
from tests.support.served import ask, eventually, free_port, installation, running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'flowledger.sqlite3'}"
        return
    with postgres_server(durable=False) as server:
        yield server.database()


def test_a_server_that_is_told_to_stop_answers_what_it_has_begun(url, tmp_path, monkeypatch):
    monkeypatch.setenv("FLOWLEDGER_DATABASE", url)
    _, staff = installation(url)
    site = f"http://127.0.0.1:{free_port()}"
    database = Database(url)
    with running(tmp_path / "log", "serve", "--data", str(tmp_path), "--port", site.rpartition(":")[2]) as server:
        eventually(lambda: ask(f"{site}/health/ready")[0], lambda status: status == 200)
        started = json.loads(ask(f"{site}/api/v1/instances", staff, "POST", {"process_id": "two"})[1])
        answers = []
        path = f"{site}/api/v1/tasks/{started['task_ids'][0]}/complete"
        request = threading.Thread(target=lambda: answers.append(ask(path, staff, "POST", {"values": {"begun": "before the stop"}})))
        with database.begin(write=True) as connection:
            row = sa.select(tables.instance.c.id).where(tables.instance.c.id == started["instance_id"])
            connection.execute(row if database.is_sqlite else row.with_for_update())
            request.start()
            eventually(lambda: somebody_waits_to_write(database), bool)
            server.send_signal(signal.SIGTERM)
            assert not answers
        request.join(40)
        assert server.wait(40) == 0
    with database.begin(write=False) as connection:
        kept = connection.scalar(sa.select(sa.func.count()).select_from(tables.record))
    database.close()
    assert [status for status, _ in answers] == [200]
    assert kept == 2
    with pytest.raises(OSError):
        ask(f"{site}/health/live")


def test_several_processes_on_sqlite_serve_at_once_and_lose_nothing(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'flowledger.sqlite3'}"
    monkeypatch.setenv("FLOWLEDGER_DATABASE", url)
    _, staff = installation(url)
    site = f"http://127.0.0.1:{free_port()}"

    def case(_):
        """Two callers at each task, whatever process they meet: one completes it, the other one is told."""
        [task] = json.loads(ask(f"{site}/api/v1/instances", staff, "POST", {"process_id": "two"})[1])["task_ids"]
        with ThreadPoolExecutor(2) as both:
            told = list(both.map(lambda n: ask(f"{site}/api/v1/tasks/{task}/complete", staff, "POST", {"values": {"by": n}})[0], range(2)))
        return sorted(told)

    with running(tmp_path / "log", "serve", "--data", str(tmp_path), "--workers", "3", "--port", site.rpartition(":")[2]):
        eventually(lambda: ask(f"{site}/health/ready")[0], lambda status: status == 200)
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(case, range(40))) == [[200, 409]] * 40
    database = Database(url)
    with database.begin(write=False) as connection:
        kinds = connection.execute(sa.select(tables.record.c.seq, sa.func.count()).group_by(tables.record.c.seq).order_by(tables.record.c.seq)).all()
    database.close()
    assert kinds == [(1, 40), (2, 40)]
