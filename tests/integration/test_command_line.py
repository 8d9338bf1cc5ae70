"""`flowledger ...` on a real installation in a folder."""

from __future__ import annotations

import sqlite3

import pytest
from click.testing import CliRunner

from engine.bootstrap import build
from engine.cli import main, settings_of
from engine.console import opened
from engine.model import commands as cmd
from engine.model.actors import SYSTEM
from engine.store import schema
from engine.store.database import Database
from tests.support.diagrams import TWO_TASKS, chain, flow, process, user


@pytest.fixture
def data(tmp_path):
    settings = settings_of(tmp_path, None)
    store = Database(settings.database)
    schema.upgrade(store)
    store.close()
    (tmp_path / "two.bpmn").write_bytes(TWO_TASKS)
    assert run(tmp_path, "deploy", "--comment", "first", str(tmp_path / "two.bpmn")).output.startswith("two:1")
    app = build(settings)
    try:
        for _ in range(3):
            [task_id] = app.execute(cmd.Start("two"), SYSTEM).task_ids
            app.execute(cmd.Complete(task_id, {"ok": True}), SYSTEM)
    finally:
        app.close()
    return tmp_path


def run(data, *words):
    command, *rest = words
    return CliRunner().invoke(main, [command, "--data", str(data), *rest])


def test_verify_and_replay_agree_on_an_honest_history(data):
    assert "3 instances, 6 records verified" in run(data, "verify").output
    assert "3 instances, 6 records re-executed" in run(data, "replay").output


def test_verify_fails_when_one_byte_of_history_was_changed(data):
    with sqlite3.connect(data / "flowledger.sqlite3") as connection:
        connection.execute(
            "UPDATE record SET body = replace(body, '\"ok\":true', '\"ok\":false') WHERE seq = 2 AND instance_id = (SELECT min(instance_id) FROM record)"
        )
    result = run(data, "verify")
    assert result.exit_code == 1
    assert "FAULT" in result.output and "1 faults" in result.output


def test_verify_notices_an_instance_that_was_deleted_whole_from_the_records(data):
    with sqlite3.connect(data / "flowledger.sqlite3") as connection:
        connection.execute("DELETE FROM record WHERE instance_id = (SELECT min(instance_id) FROM record)")
    assert run(data, "verify").exit_code == 1


def test_verify_notices_a_diagram_that_was_exchanged(data):
    with sqlite3.connect(data / "flowledger.sqlite3") as connection:
        connection.execute("UPDATE deployment_file SET data = replace(data, 'name=\"A\"', 'name=\"B\"')")
    result = run(data, "verify")
    assert result.exit_code == 1
    assert "not those that were deployed" in result.output


def test_rebuild_makes_the_read_tables_anew(data):
    with sqlite3.connect(data / "flowledger.sqlite3") as connection:
        connection.execute("DELETE FROM user_task")
        connection.execute("UPDATE instance SET state = 'lost'")
    assert "6 records projected" in run(data, "rebuild").output
    with sqlite3.connect(data / "flowledger.sqlite3") as connection:
        assert connection.execute("SELECT count(*) FROM user_task WHERE state = 'open'").fetchone() == (3,)
    assert run(data, "verify").exit_code == 0


def test_a_folder_without_an_installation_says_what_to_do(tmp_path):
    result = run(tmp_path, "verify")
    assert result.exit_code == 1
    assert "flowledger demo" in result.output


def test_a_file_that_is_refused_is_one_line_and_changes_nothing(data):
    (data / "bad.bpmn").write_text("<definitions")
    result = run(data, "deploy", str(data / "bad.bpmn"))
    assert result.exit_code == 1
    assert "bad.bpmn" in result.output and "Traceback" not in result.output


def test_every_problem_of_a_file_is_told_with_place_rule_and_what_to_do(data):
    tasks = "".join(f'\n<userTask id="t{number}" name="Task {number}" assignee="kim"/>' for number in range(7))
    model = "http://www.omg.org/spec/BPMN/20100524/MODEL"
    (data / "seven.bpmn").write_text(f'<definitions xmlns="{model}"><process id="p"><startEvent id="s"/>{tasks}</process></definitions>')
    for command in ("deploy", "soundness"):
        result = run(data, command, str(data / "seven.bpmn"))
        first, *lines = result.output.splitlines()
        assert (result.exit_code, first) == (1, "flowledger: The deployment has 14 problem(s); nothing was deployed.")
        assert len(lines) == 14
        assert lines[6].startswith(
            "seven.bpmn:8: error bpmn.attribute at t6 (Task 6): assignee is no attribute of userTask. Write it as BPMN names it"
        )


def test_a_schema_from_the_future_is_refused(data):
    with sqlite3.connect(data / "flowledger.sqlite3") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for command in (["verify"], ["db", "upgrade"]):
        result = CliRunner().invoke(main, [*command, "--data", str(data)])
        assert result.exit_code == 1
        assert "install a newer Flowledger" in result.output


FLAWED = process(
    '<startEvent id="start"/><exclusiveGateway id="split" default="split_b"/><parallelGateway id="join"/><endEvent id="end"/>'
    + user("a")
    + user("b")
    + chain("start", "split")
    + flow("split", "a", "x")
    + chain("split", "b", "join", "end")
    + chain("a", "join"),
    "flawed",
)


def test_soundness_needs_no_installation_and_shows_the_way_to_a_deadlock(tmp_path):
    (tmp_path / "good.bpmn").write_bytes(TWO_TASKS)
    good = run(tmp_path / "nowhere", "soundness", str(tmp_path / "good.bpmn"))
    assert (good.exit_code, good.output) == (0, "two: 0 finding(s) (complete, 4 state(s))\n")
    (tmp_path / "flawed.bpmn").write_bytes(FLAWED)
    flawed = run(tmp_path / "nowhere", "soundness", str(tmp_path / "flawed.bpmn"))
    assert flawed.exit_code == 1
    assert "error soundness.deadlock at join" in flawed.output and "way: start -> split -> a -> join" in flawed.output
    short = run(tmp_path / "nowhere", "soundness", "--states", "2", str(tmp_path / "flawed.bpmn"))
    assert (short.exit_code, short.output) == (0, "flawed: 0 finding(s) (NOT complete: budget reached after 2 state(s))\n")
    (tmp_path / "broken.bpmn").write_bytes(b"<broken")
    assert run(tmp_path / "nowhere", "soundness", str(tmp_path / "broken.bpmn")).exit_code == 1


def test_how_long_early_messages_wait_is_a_setting(data, monkeypatch):
    served = []
    monkeypatch.setattr("engine.cli._serve", lambda settings, *_: served.append(settings.limits.message_keep_seconds))
    for words, environment in (((), {}), (("--keep-messages", "60"), {}), ((), {"FLOWLEDGER_KEEP_MESSAGES": "0"})):
        assert CliRunner().invoke(main, ["serve", "--data", str(data), *words], env=environment).exit_code == 0
    assert served == [3600, 60, 0]
    assert CliRunner().invoke(main, ["serve", "--data", str(data), "--keep-messages", "-1"]).exit_code == 2


def test_a_decision_alone_completes_an_earlier_version(data):
    task = process(
        '<startEvent id="start"/><businessRuleTask id="t" flowledger:decision="d"/><endEvent id="end"/>' + chain("start", "t", "end"), "rules"
    )
    table = '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" namespace="r"><decision id="d"><literalExpression><text>{}</text></literalExpression></decision></definitions>'
    (data / "rules.bpmn").write_bytes(task)
    for number in (1, 2):
        (data / "rules.dmn").write_text(table.format(number))
        others = [str(data / "rules.bpmn")] if number == 1 else ["--complete-from", "rules:1"]
        assert run(data, "deploy", *others, str(data / "rules.dmn")).output.startswith(f"rules:{number}")
    assert run(data, "deploy", str(data / "rules.dmn")).exit_code == 1


# --- what operators do by mistake ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", [("manifest", "there.json"), ("manifest", "nowhere/new.json"), ("backup", "there.json/new")])
def test_a_place_that_cannot_be_written_is_told_in_one_line(data, command):
    (data / "there.json").write_text("kept")
    done = run(data, command[0], str(data / command[1]))
    assert done.exit_code == 1
    assert done.output.count("\n") == 1
    assert str(data) in done.output
    assert (data / "there.json").read_text() == "kept"


@pytest.mark.parametrize("command", ["serve", "verify", "rebuild", "manifest", "db upgrade", "backup {}/kept", "user li"])
@pytest.mark.parametrize("named", ["--data {}/mistyped", "--database sqlite:///{}/mistyped/x.sqlite3"])
def test_a_place_that_holds_nothing_is_told_and_nothing_is_made_there(tmp_path, command, named):
    words = f"{command} {named}".format(tmp_path, tmp_path).split()
    done = CliRunner().invoke(main, words, env={"FLOWLEDGER_PASSWORD": "long enough 1"})
    assert done.exit_code == 1
    assert "There is no" in done.output and "flowledger install" in done.output and done.output.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_may_have_any_name(tmp_path):
    data, kept, again = (tmp_path / name for name in ("100%?x#y%20", "kept%?", "again %?"))
    for words in (
        ["install", "--data", data],
        ["db", "upgrade", "--data", data],
        ["backup", "--data", data, kept],
        ["restore", "--data", again, kept],
        ["verify", "--data", again],
    ):
        done = CliRunner().invoke(main, [str(word) for word in words])
        assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.iterdir()} == {data.name, kept.name, again.name}
    assert (data / "flowledger.sqlite3").is_file() and (again / "flowledger.sqlite3").is_file()


@pytest.mark.parametrize("command", ["verify", "install", "serve"])
@pytest.mark.parametrize(
    ("database", "cause"),
    [
        ("postgresql://li:geheim@127.0.0.1:1/x", "Connection refused"),
        ("postgresql://li@127.0.0.1:1/x?password=geheim", "Connection refused"),
        ("sqlite:///{}/folder", "unable to open database file"),
        ("sqlite:///{}/text", "file is not a database"),
    ],
)
def test_why_a_database_cannot_be_used_is_told(tmp_path, command, database, cause):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("kept" * 1000)
    done = CliRunner().invoke(main, [command, "--database", database.format(tmp_path)])
    assert isinstance(done.exception, SystemExit) and done.exit_code == 1
    assert cause in done.output and "flowledger doctor" in done.output and done.output.count("\n") == 1
    assert "geheim" not in done.output


def test_what_people_wrote_is_the_owners_alone(data):
    app = build(settings_of(data, None))
    app.execute(cmd.Start("two"), SYSTEM)  # so that there is a log beside it
    files = sorted(path.name for path in data.glob("flowledger.sqlite3*"))
    assert "flowledger.sqlite3-wal" in files
    assert {path.stat().st_mode & 0o077 for path in data.glob("flowledger.sqlite3*")} == {0}
    app.close()
    assert run(data, "backup", str(data / "b")).exit_code == 0
    assert run(data / "again", "restore", str(data / "b")).exit_code == 0
    assert (data / "again" / "flowledger.sqlite3").stat().st_mode & 0o077 == 0


def test_an_installation_is_made_with_its_packs_and_again_changes_nothing(tmp_path):
    data = tmp_path / "new"
    first = run(data, "install")
    assert first.exit_code == 0, first.output
    assert "service_report:1" in first.output.replace("  ", " ")
    again = run(data, "install")
    assert again.output == first.output
    checked = run(data, "doctor", "--quick", "--language", "en")
    assert checked.exit_code == 0, checked.output


# --- accounts --------------------------------------------------------------------------------------------------------------------
def account(data, *words, password="long enough 1"):
    done = CliRunner().invoke(main, ["user", "--data", str(data), *words], env={"FLOWLEDGER_PASSWORD": password})
    assert done.exit_code == 0, done.output
    with opened(data, None) as app, app.reading() as read:
        return done.output, next(one for one in read.users(SYSTEM) if one.id == "li")


def signs_in(data, password):
    with opened(data, None) as app:
        return app.accounts.login("li", password)


def test_a_new_account_is_staff_unless_it_is_said(data):
    output, li = account(data, "li")
    assert (li.name, li.roles, li.groups, li.active) == ("li", ("staff",), (), True)
    assert output == "li saved: li; roles: staff; groups: none\n"
    assert signs_in(data, "long enough 1")


def test_a_new_password_takes_nothing_else_away(data):
    account(data, "--name", "李娜", "--role", "administrator", "--role", "operator", "--group", "clerks", "li")
    with opened(data, None) as app:
        app.execute(cmd.PutUser("li", language="en", time_zone="Europe/Berlin", email="li@example.com", notify="all", active=False), SYSTEM)
    output, li = account(data, "li", password="another one 2")
    assert (li.name, li.roles, li.groups) == ("李娜", ("administrator", "operator"), ("clerks",))
    assert (li.language, li.time_zone, li.email, li.notify, li.active) == ("en", "Europe/Berlin", "li@example.com", "all", False)
    assert "not active" in output
    output, li = account(data, "--active", "--group", "", "--role", "auditor", "li", password="another one 2")
    assert (li.name, li.roles, li.groups, li.active) == ("李娜", ("auditor",), (), True)
    assert signs_in(data, "another one 2") and "not active" not in output
