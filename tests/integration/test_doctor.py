"""`flowledger doctor`: a sound installation is told to be sound, and each thing that can be wrong is found, with what to do."""

from __future__ import annotations

import json
import socket
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.machinery import ModuleSpec
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from engine.bootstrap import Settings
from engine.cli import main
from engine.console import FILE, settings_of
from engine.errors import InvalidInput
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.operations.doctor import database, examine, installation, mail
from engine.plugins import ServiceTask
from engine.store import schema
from engine.store.database import Database
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, process
from tests.support.installations import installed
from tests.support.mail import CERTIFICATE, mail_server
from tests.support.postgres import postgres_server

CHECKS = ["packages", "versions", "packs", "fonts", "sandbox", "front_end", "mail", "data_folder", "disk_space", "database", "schema"]
CHECKS += ["durability", "integrity", "clock", "processes", "jobs", "incidents", "history"]


@pytest.fixture
def data(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    app = installed(folder)
    for _ in range(3):
        app.execute(cmd.Complete(app.execute(cmd.Start("two"), SYSTEM).task_ids[0]), SYSTEM)
    app.close()
    dist = tmp_path / "web" / "static" / "dist"
    dist.mkdir(parents=True)
    (dist / "base.js").write_text("")
    (dist / "manifest.json").write_text(json.dumps({"src/base/index.js": {"file": "base.js"}}))
    monkeypatch.setattr("processes.service_report.doctor.folder", lambda: tmp_path)
    real = installation.find_spec
    monkeypatch.setattr(
        installation, "find_spec", lambda name: ModuleSpec(name, None, origin=str(tmp_path / "web" / "x.py")) if name == "web" else real(name)
    )
    monkeypatch.setattr("engine.operations.doctor.installation._web", lambda: "web")
    return folder


def found(data, level, **kw):
    """{check: English text} of one level."""
    return {f.check: f.found["en"] for f in examine(settings_of(data, None), **kw).findings if f.level == level}


def change(data, statement):
    with sqlite3.connect(data / FILE) as connection:
        connection.execute(statement)


def run(data, *words):
    return CliRunner().invoke(main, ["doctor", "--data", str(data), *words])


def test_a_sound_installation(data):
    done = examine(settings_of(data, None))
    assert [f.check for f in done.findings] == CHECKS
    assert {f.level for f in done.findings} == {"ok"}
    assert done.exit_code == 0
    assert run(data).exit_code == 0


def test_it_changes_nothing(data):
    before = {t: sqlite3.connect(data / FILE).execute(f"SELECT * FROM {t}").fetchall() for t in ("record", "instance", "job", "account")}
    run(data)
    assert {t: sqlite3.connect(data / FILE).execute(f"SELECT * FROM {t}").fetchall() for t in before} == before
    assert {p.name.removeprefix(FILE) for p in data.iterdir()} <= {"", "-wal", "-shm", "-turn"}


def test_words_for_people_and_figures_for_programs(data):
    change(
        data,
        "INSERT INTO job (id, element_id, kind, parameters, state, due_at, attempts, retries) VALUES ('x', 'e', 'timer', '{}', 'failed', '2026-01-01', 3, 3)",
    )
    said = run(data)
    assert said.exit_code == 1
    assert "[警告 warning] jobs" in said.output and "重试" in said.output and "retry" in said.output
    assert "重试" not in run(data, "--language", "en").output
    document = json.loads(run(data, "--json").output)
    assert document["exit_code"] == 1
    [jobs] = [f for f in document["findings"] if f["check"] == "jobs"]
    assert jobs["level"] == "warning" and jobs["data"] == {"failed": 1} and set(jobs["advice"]) == {"zh", "en"}


# --- the database ----------------------------------------------------------------------------------------------------
def test_no_installation(tmp_path):
    done = run(tmp_path / "nothing")
    assert done.exit_code == 2
    assert "flowledger demo" in done.output
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(("revision", "advice"), [("9999", "newer"), ("0001", "upgrade"), (None, "backup")])
def test_another_schema(data, revision, advice):
    change(data, "DELETE FROM alembic_version" if revision is None else f"UPDATE alembic_version SET version_num = '{revision}'")
    done = run(data)
    assert done.exit_code == 2 and advice in done.output


@pytest.mark.parametrize("offset", [8, 0])
def test_a_damaged_file(data, offset):
    """A page whose cells are garbage; a page that is none, at which SQLite's check itself ends."""
    with sqlite3.connect(data / FILE) as connection:
        [root] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_record_actor_instance_id'").fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (data / FILE).open("r+b") as file:
        file.seek((root - 1) * size + offset)
        file.write(b"\xff" * 200)
    assert "damaged" in found(data, "error")["integrity"]


def test_a_file_at_which_the_check_itself_ends(data, monkeypatch):
    def malformed(*_, **__):
        raise sa.exc.DatabaseError("PRAGMA", None, sqlite3.DatabaseError("database disk image is malformed"))

    monkeypatch.setattr("sqlalchemy.engine.Connection.exec_driver_sql", malformed)
    [finding] = database.integrity(Database(settings_of(data, None).database))
    assert finding.level == "error" and "malformed" in finding.found["en"] and "restore" in finding.advice["en"]


def test_rows_that_refer_to_nothing(data):
    change(data, "DELETE FROM deployment")
    assert "deployment_file" in found(data, "error")["integrity"]


def test_a_log_mode_that_loses(data, monkeypatch):
    monkeypatch.setattr(Database, "_prepare_sqlite", lambda *_: None)
    change(data, "PRAGMA journal_mode=DELETE")
    assert "delete" in found(data, "error")["durability"]


@pytest.mark.parametrize("url", ["postgresql://somebody:verysecret@127.0.0.1:1/none", "postgresql://somebody@127.0.0.1:1/none?password=verysecret"])
@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path, url, words):
    done = CliRunner().invoke(main, ["doctor", "--data", str(tmp_path), "--database", url, *words])
    assert done.exit_code == 2
    assert "127.0.0.1" in done.output and "verysecret" not in done.output


def test_postgresql(monkeypatch, tmp_path):
    with postgres_server() as server:
        url = server.database()
        store = Database(url)
        schema.upgrade(store)

        def levels():
            return {f.check: f.level for f in examine(settings_of(tmp_path, url)).findings if f.check in ("server", "durability", "clock", "history")}

        assert levels() == {"durability": "ok", "clock": "ok", "history": "ok"}
        told = {
            f.check: f.found for f in examine(settings_of(tmp_path, f"{url}{'&' if '?' in url else '?'}password=verysecret"), quick=True).findings
        }
        assert "answers" in told["database"]["en"] and "verysecret" not in str(told)
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for setting in ("fsync = off", "synchronous_commit = off"):
                connection.execute(sa.text(f"ALTER SYSTEM SET {setting}"))
            connection.execute(sa.text("SELECT pg_reload_conf()"))
            while connection.scalar(sa.text("SHOW fsync")) == "on":
                pass
        [told] = [f.found["en"] for f in examine(settings_of(tmp_path, url)).findings if f.check == "durability"]
        assert "fsync = off" in told and "synchronous_commit = off" in told
        monkeypatch.setattr(database, "POSTGRESQL_LEAST", 990000)
        assert levels()["server"] == "error"
        store.close()


def test_a_clock_that_was_set_back(data):
    later = datetime.now(UTC) + timedelta(days=1)
    change(data, f"UPDATE record SET at = '{later:%Y-%m-%d %H:%M:%S}.000000' WHERE seq = 2")
    assert "future" in found(data, "error")["clock"]


# --- the work ----------------------------------------------------------------------------------------------------------
def test_a_chain_that_does_not_verify(data):
    change(data, "UPDATE record SET body = replace(body, 'system', 'nobody') WHERE seq = 2")
    assert "does not verify" in found(data, "error")["history"]


def test_late_jobs(data):
    change(
        data,
        "INSERT INTO job (id, element_id, kind, parameters, state, due_at, attempts, retries) VALUES ('x', 'e', 'timer', '{}', 'due', '2026-01-01', 0, 3)",
    )
    assert "1 jobs are due and not run" in found(data, "warning")["jobs"]


def test_open_incidents_and_a_service_task_that_is_not_installed_any_more(data):
    failing = process(START + '<scriptTask id="bad"><script>x = 1 / 0</script></scriptTask>' + END + chain("start", "bad", "end"), "failing")
    calling = process(
        START + '<serviceTask id="call" camunda:type="external" camunda:topic="gone.away"/>' + END + chain("start", "call", "end"), "calling"
    )
    with EmbeddedEngine(
        database=settings_of(data, None).database, handlers=[ServiceTask("gone.away", lambda _: {})], start=datetime.now(UTC)
    ) as engine:
        engine.app.services.identifiers._last = 1_000
        engine.deploy({"failing.bpmn": failing, "calling.bpmn": calling})
        engine.start("failing")
    assert "1 incidents are open" in found(data, "warning")["incidents"]
    assert "gone.away" in found(data, "error")["processes"] and "calling:1" in found(data, "error")["processes"]


def test_a_version_that_can_no_longer_be_executed(data):
    change(data, "UPDATE deployment_file SET data = '<definitions'")
    assert "two:1" in found(data, "error")["processes"]


# --- the mail server -------------------------------------------------------------------------------------------------------
MAIL_FROM = "Flowledger <flow@example.com>"


def of_mail(address, sender=MAIL_FROM):
    [finding] = mail.server(Settings("sqlite://", smtp=address, mail_from=sender))
    assert (finding.check, set(finding.found)) == ("mail", {"zh", "en"})
    assert finding.level == "ok" or set(finding.advice) == {"zh", "en"}
    return finding.level, finding.found["en"], finding.advice.get("en", "")


def with_(server, scheme="smtp", user=""):
    return server.address.replace("smtp://", f"{scheme}://{user}")


def test_a_mail_server_is_greeted_and_gets_no_mail(data):
    with mail_server() as server:
        level, told, _ = of_mail(server.address)
        assert (level, server.sessions, server.messages) == ("ok", 1, [])
        assert server.address.removeprefix("smtp://") in told
        assert found(data, "ok")["mail"] == "No mail server is named (--smtp); no e-mails are sent."
        environment = {"FLOWLEDGER_SMTP": server.address, "FLOWLEDGER_MAIL_FROM": MAIL_FROM}
        assert told in CliRunner(env=environment).invoke(main, ["doctor", "--data", str(data)]).output


def test_a_mail_server_that_wants_encryption_and_a_login_gets_both(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with mail_server() as server:
        server.encrypts, server.login = True, ("li", "se@cret")
        assert of_mail(with_(server, "smtp+starttls", "li:se%40cret@"))[0] == "ok"
        level, told, advice = of_mail(with_(server, "smtp+starttls", "li:hunter2@"))
        assert (level, "535 who are you?" in told, "%40" in advice) == ("error", True, True)
        assert "hunter2" not in told + advice


def test_a_mail_server_that_nobody_knows_is_not_trusted():
    with mail_server() as server:
        server.encrypts = True
        level, told, advice = of_mail(with_(server, "smtp+starttls"))
        assert (level, "certificate cannot be verified" in told, "SSL_CERT_FILE" in advice) == ("error", True, True)


@pytest.mark.parametrize(
    ("scheme", "user", "greeting", "what", "advice"),
    [
        ("smtp+starttls", "", "220 sink", "offers no encryption", "smtps://"),
        ("smtps", "", "220 sink", "cannot be encrypted", "465"),
        ("smtp", "li:secret@", "220 sink", "offers no login", "leave out user"),
        ("smtp", "", "554 not you", "does not accept us: 554 not you", "administrator"),
        ("smtp", "", None, "does not answer", "port 465"),
    ],
)
def test_a_mail_server_that_does_something_else_than_the_settings_say(monkeypatch, scheme, user, greeting, what, advice):
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 5.0 if greeting else 0.05)
    with mail_server() as server:
        server.greeting = greeting
        level, told, todo = of_mail(with_(server, scheme, user))
        assert (level, what in told, advice in todo) == ("error", True, True), (told, todo)
        assert "secret" not in told + todo


def test_a_mail_server_that_is_not_there(monkeypatch):
    with mail_server() as server:
        address = server.address
    level, told, advice = of_mail(address)
    assert (level, "Connection refused" in told, "runs" in advice) == ("error", True, True)

    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    level, told, advice = of_mail("smtp://mail.example")
    assert (level, "no host of this name" in told, "DNS" in advice) == ("error", True, True)


@pytest.mark.parametrize(("address", "sender"), [("mail.example", MAIL_FROM), ("smtp://127.0.0.1", "nobody")])
def test_settings_of_mail_that_cannot_be_used_hide_no_other_check(data, address, sender):
    assert of_mail(address, sender)[0] == "error"
    done = examine(replace(settings_of(data, None), smtp=address, mail_from=sender))
    assert {f.check for f in done.findings if f.level == "error"} == {"mail"}
    assert [f.check for f in done.findings] == CHECKS


def test_a_password_of_mail_that_cannot_be_sent_is_not_shown():
    with mail_server() as server:
        server.login = ("li", "x")
        level, told, _ = of_mail(with_(server, "smtp", "li:pässwort@"))
        assert (level, "characters that cannot be used" in told, "ä" in told) == ("error", True, False)


# --- the installation ----------------------------------------------------------------------------------------------------
def test_somebody_elses_engine(data, monkeypatch):
    monkeypatch.setattr(installation.metadata, "packages_distributions", lambda: {"engine": ["flowledger", "GameEngine"]})
    assert "GameEngine" in found(data, "error")["packages"]


def test_a_package_from_another_folder(data, monkeypatch, tmp_path):
    real = installation.find_spec
    monkeypatch.setattr(
        installation,
        "find_spec",
        lambda name: ModuleSpec(name, None, origin=str(tmp_path / "forms" / "__init__.py")) if name == "forms" else real(name),
    )
    assert str(tmp_path) in found(data, "error")["packages"]


def test_a_library_of_another_version(data, monkeypatch):
    monkeypatch.setattr(installation.metadata, "requires", lambda _: ["SpiffWorkflow==9.9", "nonexistent-thing>=1", "other; extra == 'x'"])
    told = found(data, "error")["versions"]
    assert "SpiffWorkflow 3.2.0 (==9.9)" in told and "nonexistent-thing (missing" in told and "other" not in told


def test_a_pack_that_does_not_load(data, monkeypatch):
    def fail(_folders=()):
        raise InvalidInput("Two packs have the same name: ['a']")

    monkeypatch.setattr(installation, "catalogue", fail)
    monkeypatch.setattr("engine.bootstrap.catalogue", fail)
    told = found(data, "error")
    assert "same name" in told["packs"] and "engine" in told


def test_a_sandbox_that_is_missing(data, monkeypatch, tmp_path):
    monkeypatch.setenv("MONTY_BIN", str(tmp_path / "none"))
    assert "sandbox" in found(data, "error")["sandbox"]


def test_a_front_end_that_was_not_built_or_lost_a_file(data, tmp_path):
    dist = tmp_path / "web" / "static" / "dist"
    (dist / "base.js").unlink()
    assert "base.js" in found(data, "error")["front_end"]
    (dist / "manifest.json").unlink()
    assert "missing" in found(data, "error")["front_end"]


def test_no_fonts(data, monkeypatch):
    monkeypatch.setattr("processes.service_report.doctor.folder", lambda: None)
    assert "font" in found(data, "warning")["fonts"]


def test_a_folder_that_cannot_be_written(data, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(installation.tempfile, "NamedTemporaryFile", refuse)
    assert "Permission denied" in found(data, "error")["data_folder"]


@pytest.mark.parametrize(("free", "level"), [(500_000_000, "warning"), (50_000_000, "error")])
def test_little_space(data, monkeypatch, free, level):
    monkeypatch.setattr(installation.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert "GB" in found(data, level)["disk_space"]


def test_a_network_file_system(data, monkeypatch):
    assert installation._file_system(data) not in installation.NETWORK
    monkeypatch.setattr(installation, "_file_system", lambda _: "nfs4")
    assert "nfs4" in found(data, "error")["file_system"]


def test_a_check_that_fails_itself_hides_no_other(data, monkeypatch):
    def broken():
        raise RuntimeError("boom")

    broken.__name__ = "sandbox"
    monkeypatch.setattr(installation, "CHECKS", (broken,))
    done = examine(settings_of(data, None))
    assert done.exit_code == 2
    assert "boom" in found(data, "error")["sandbox"] and [f.check for f in done.findings][-1] == "history"
