"""What is given to `flowledger serve` and `worker` that cannot be meant is told in a line before anything is begun."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli import main


@pytest.fixture
def data(tmp_path):
    assert CliRunner().invoke(main, ["install", "--data", str(tmp_path)]).exit_code == 0
    return tmp_path


@pytest.fixture
def served(monkeypatch):
    """(host, port) of each server that would have been started."""
    calls = []
    monkeypatch.setattr("engine.cli._serve", lambda _settings, host, port, *_: calls.append((host, port)))
    return calls


def run(command, data, *words):
    return CliRunner().invoke(main, [command, "--data", str(data), *words])


def test_a_name_is_listened_at_by_its_address(data, served, monkeypatch):
    six, four = ((family, socket.SOCK_STREAM, 6, "", (address, 0)) for family, address in ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")))
    known = {"localhost": [six, four], "six": [six]}
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, *_, **__: known[name])
    for host in ("localhost", "six", "0.0.0.0", "::"):
        assert run("serve", data, "--host", host).exit_code == 0
    assert [host for host, _ in served] == ["127.0.0.1", "::1", "0.0.0.0", "::"]


@pytest.mark.parametrize("host", ["no-such-host.invalid", "", "a..b", "x" * 64 + ".example", "127.0.0.1:8080"])
def test_a_host_that_is_none_is_refused(data, served, monkeypatch, host):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if "invalid" in host:  # the others are refused before anybody is asked
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for words in (("serve", "--host"), ("worker", "--metrics-host"), ("demo", "--prepare-only", "--host")):
        done = run(words[0], data / "new" if words[0] == "demo" else data, *words[1:], host)
        assert done.exit_code == 2 and "neither an address nor a name" in done.output, done.output
    assert (served, (data / "new").exists()) == ([], False)


@pytest.mark.parametrize(
    ("command", "option", "values"),
    [
        ("serve", "--port", ("0", "-1", "99999")),
        ("demo", "--port", ("0", "-1", "99999")),
        ("serve", "--workers", ("0", "-3")),
        ("serve", "--threads", ("0", "65")),
        ("worker", "--metrics-port", ("0", "-1", "99999")),
        ("worker", "--threads", ("0", "-3", "65")),
    ],
)
def test_a_number_out_of_range_is_refused(data, served, command, option, values):
    for value in values:
        done = run(command, data / "new", option, value, *(["--prepare-only"] if command == "demo" else []))
        assert done.exit_code == 2 and f"'{option}'" in done.output, done.output
    assert (served, (data / "new").exists()) == ([], False)


def test_tracing_without_its_extra_is_told_before_processes_are_started(data, served, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    done = run("serve", data, "--tracing")
    assert done.exit_code == 1 and "flowledger[tracing]" in done.output and done.output.count("\n") == 1
    assert served == []


@pytest.mark.parametrize("address", ["smtp://h:99999", "smtp://li:ge/heim@h", "smtps://li:ge#heim@h", "smtps://li:12/geheim@h", "smtp://[::1"])
def test_an_address_of_mail_that_is_not_encoded_is_told_and_not_repeated(data, served, address):
    for command in ("serve", "doctor"):
        done = run(command, data, "--smtp", address, "--mail-from", "flow@example.com")
        assert "percent-encoded" in done.output and "heim" not in done.output and "Traceback" not in done.output
    assert served == []


def test_the_folder_where_one_stands_can_take_a_backup(data, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    done = run("backup", data, ".")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in Path().iterdir()) == ["flowledger.sqlite3", "manifest.json"], "it is still the same folder"
    assert not list(tmp_path.glob("*.unfinished"))
