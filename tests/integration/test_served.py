"""`flowledger serve` and `worker` as processes: their log lines, the figures that several of them share, and readiness."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from engine.bootstrap import Settings, build
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.serving import UNREAD_BYTES, reading_all
from tests.support.diagrams import TWO_TASKS
from tests.support.mail import mail_server
from tests.support.postgres import postgres_server
from tests.support.served import ask, eventually, free_port, installation, running


@pytest.fixture(scope="module")
def postgres():
    with postgres_server(durable=False) as server:
        yield server


def figure(text, name):
    return next((float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name)), 0.0)


def test_one_process_on_sqlite_tells_json_lines(tmp_path):
    url = f"sqlite:///{tmp_path / 'flowledger.sqlite3'}"
    monitor, staff = installation(url)
    site = f"http://127.0.0.1:{free_port()}"
    words = ("serve", "--data", str(tmp_path), "--port", site.rpartition(":")[2], "--log-format", "json")
    with running(tmp_path / "log", *words):
        eventually(lambda: ask(f"{site}/health/ready"), lambda a: a == (200, '{"status":"ok"}\n'))
        assert ask(f"{site}/api/v1/instances?x=geheim", staff)[0] == 422
        status, told = ask(f"{site}/api/v1/instances", staff, "POST", {"process_id": "two", "variables": {"word": "geheim"}})
        assert status == 201
        status, figures = ask(f"{site}/metrics", monitor)
        assert status == 200 and figure(figures, 'flowledger_commands_total{command="Start",outcome="done"}') >= 1
    text = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert len(lines) == len(text.splitlines())  # the server's own lines, too
    assert "geheim" not in text
    assert any(line.get("route") == "/api/v1/instances" and line.get("status") == 201 for line in lines)
    assert any(line.get("command") == "Start" and line.get("instance") == json.loads(told)["instance_id"] for line in lines)


def test_processes_of_one_server_count_together_and_a_worker_has_a_page_of_its_own(postgres, tmp_path, monkeypatch):
    url = postgres.database()
    monitor, staff = installation(url)
    monkeypatch.setenv("FLOWLEDGER_DATABASE", url)
    site, page = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
    serve = ("serve", "--data", str(tmp_path), "--workers", "2", "--no-jobs", "--port", site.rpartition(":")[2])
    work = ("worker", "--data", str(tmp_path), "--metrics-port", page.rpartition(":")[2])
    with running(tmp_path / "log", *serve), running(tmp_path / "worker.log", *work):
        eventually(lambda: ask(f"{site}/health/ready")[0], lambda status: status == 200)
        for _ in range(20):
            assert ask(f"{site}/api/v1/instances", staff, "POST", {"process_id": "two"})[0] == 201
        name = 'flowledger_commands_total{command="Start",outcome="done"}'
        for _ in range(8):  # whichever process answers
            assert figure(ask(f"{site}/metrics", monitor)[1], name) == 20
        status, figures = eventually(lambda: ask(f"{page}/metrics"), lambda a: not isinstance(a, OSError))
        assert status == 200 and figure(figures, "flowledger_database_up") == 1


def test_what_a_refused_request_brought_is_read_so_that_its_connection_goes_on():
    """Otherwise the server cuts it about ten seconds later, and whatever the client sends at that moment stays without an answer."""
    answered = []

    def refuses(environ, start_response):
        return ["no"]

    for length, left in (("5", b""), (str(UNREAD_BYTES + 1), b"hello"), ("", b"hello"), ("x", b"hello")):
        body = io.BytesIO(b"hello")
        answered.append(reading_all(refuses)({"CONTENT_LENGTH": length, "wsgi.input": body}, None))
        assert body.read() == left
    assert answered == [["no"]] * 4


def test_a_server_tells_people_of_their_tasks_and_writes_checkpoints(tmp_path):
    url, folder = f"sqlite:///{tmp_path / 'flowledger.sqlite3'}", tmp_path / "elsewhere"
    monitor, staff = installation(url)
    folder.mkdir()
    app = build(Settings(url))
    app.execute(cmd.PutUser("wang", "Wang", email="wang@example.com", notify="all", language="en", password="not used at all"), SYSTEM)
    app.execute(cmd.Deploy({"two.bpmn": TWO_TASKS.replace(b'id="a"', b'id="a" camunda:candidateUsers="wang"')}), SYSTEM)
    app.close()
    port = str(free_port())
    site = f"http://127.0.0.1:{port}"
    with mail_server() as server:
        words = ["serve", "--data", str(tmp_path), "--port", port, "--smtp", server.address, "--mail-from", "flow@example.com", "--public-url", site]
        with running(tmp_path / "log", *words, "--checkpoints", str(folder), "--checkpoint-every", "R/PT1S"):
            eventually(lambda: ask(f"{site}/health/ready"), lambda a: a == (200, '{"status":"ok"}\n'))
            assert ask(f"{site}/api/v1/instances", staff, "POST", {"process_id": "two"})[0] == 201
            [message] = eventually(lambda: list(server.messages), lambda found: found)
            eventually(lambda: ask(f"{site}/metrics", monitor), lambda a: 'kind="mail",outcome="done"' in a[1])
            eventually(lambda: [path for path in folder.iterdir() if b'"records": 1' in path.read_bytes()], lambda found: found)
    assert (message["To"], message["Subject"]) == ("wang@example.com", "Task: A")
    assert f"{site}/tasks/" in message.get_content()
    verify = [sys.executable, "-m", "engine.cli", "verify", "--data", str(tmp_path), "--against", str(folder)]
    assert subprocess.run(verify, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--smtp", "smtp://127.0.0.1"], "Name the sender"),
        (["--smtp", "mail.example"], "The mail server is given as"),
        (["--checkpoints", "nowhere"], "There is no folder"),
        (["--checkpoints", ".", "--checkpoint-every", "daily"], "endless cycle"),
    ],
)
def test_what_cannot_work_is_told_in_one_line_at_the_start(tmp_path, words, said):
    installation(f"sqlite:///{tmp_path / 'flowledger.sqlite3'}")
    command = [sys.executable, "-m", "engine.cli", "serve", "--data", str(tmp_path), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
