"""Addresses of databases as people write them."""

from __future__ import annotations

import importlib.util

import pytest
from click.testing import CliRunner

from engine.cli import main
from engine.store import addresses
from engine.store.database import Database

WRONG = [
    ("nonsense", "not named by an address"),
    ("/var/lib/flowledger.sqlite3", "not named by an address"),
    ("postgresql://li:geheim@host:port/x", "not named by an address"),
    ("mysql://li:geheim@host/x", "not on mysql"),
    ("postgresql+psycopg2://li:geheim@host/x", "not on postgresql.psycopg2"),
    ("postgresql://li:geheim@host/x?colour=red", "no option colour"),
    ("postgresql://li:g@geheim@host/x", "%40"),
    ("sqlite://geheim/x.sqlite3", "three slashes"),
    ("sqlite:///x.sqlite3?mode=geheim", "no options"),
]


@pytest.mark.parametrize("written", ["postgres://li@host/x", "postgresql://li@host/x", "postgresql+psycopg://li@host/x"])
def test_every_usual_spelling_of_postgresql_is_the_same_address(written):
    assert str(addresses.read(written)) == "postgresql+psycopg://li@host/x"


def test_options_of_libpq_and_files_are_kept(tmp_path):
    assert addresses.read("postgres://host/x?sslmode=require&connect_timeout=3").query == {"sslmode": "require", "connect_timeout": "3"}
    assert addresses.read(f"sqlite:///{tmp_path}/x.sqlite3").database == f"{tmp_path}/x.sqlite3"


def test_a_server_that_goes_silent_is_given_up_as_soon_as_the_address_says_else_after_seconds():
    plain = addresses.with_defaults(addresses.read("postgresql://host/x"))
    assert (plain.host, plain.database, plain.query) == ("host", "x", addresses.DEFAULTS)
    socket = addresses.with_defaults(addresses.read("postgresql:///x?host=/run/postgresql&keepalives=0&connect_timeout=60")).query
    assert socket == addresses.DEFAULTS | {"host": "/run/postgresql", "keepalives": "0", "connect_timeout": "60"}
    assert addresses.with_defaults(addresses.read("sqlite:///x.sqlite3")).query == {}


@pytest.mark.parametrize(("written", "said"), WRONG)
def test_another_address_is_refused_without_being_repeated(written, said):
    with pytest.raises(addresses.InvalidAddress, match=said) as refusal:
        Database(written)
    assert "geheim" not in str(refusal.value)


def test_every_file_has_an_address(tmp_path):
    for name in ("100%", "a?b", "c#d", "%20", "e f", "数据", "plain"):
        assert addresses.file_of(addresses.read(addresses.of_file(tmp_path / name))) == tmp_path / name
    for written in ("sqlite://", "sqlite:///:memory:", "sqlite:///file:x", "postgresql://host/x"):
        assert addresses.file_of(addresses.read(written)) is None


@pytest.mark.parametrize(
    "written", ["postgresql://li:geheim@host:1/x?sslmode=require", "postgresql://li@host:1/x?password=geheim&sslpassword=geheim"]
)
def test_an_address_is_shown_without_what_may_be_secret(written):
    assert addresses.shown(addresses.read(written)).replace(":***", "") == "postgresql+psycopg://li@host:1/x"


def test_a_missing_driver_is_named_with_its_extra(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "psycopg" else found(name))
    with pytest.raises(addresses.InvalidAddress, match=r"pip install 'flowledger\[postgres\]'"):
        Database("postgresql://host/x")


@pytest.mark.parametrize("command", ["serve", "worker", "install", "verify", "rebuild", "doctor", "db upgrade", "backup x", "restore .", "manifest"])
@pytest.mark.parametrize("written", ["nonsense", "mysql://li:geheim@host/x"])
def test_every_command_tells_it_in_a_line(command, written):
    done = CliRunner().invoke(main, [*command.split(), "--database", written])
    assert done.exit_code in (1, 2) and isinstance(done.exception, SystemExit)
    assert addresses.HOW in done.output and "geheim" not in done.output and "maintainers" not in done.output


def test_copying_tells_it_of_both_addresses(tmp_path):
    (tmp_path / "x.sqlite3").touch()
    there = f"sqlite:///{tmp_path / 'x.sqlite3'}"
    for source, target in (("nonsense", there), (there, "nonsense")):
        done = CliRunner().invoke(main, ["db", "copy", "--from", source, "--to", target])
        assert done.exit_code == 1 and addresses.HOW in done.output
