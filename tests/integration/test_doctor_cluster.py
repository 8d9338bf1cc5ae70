"""`flowledger doctor` on PostgreSQL: what workers elsewhere need to be woken is there, or it says how to get it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from engine.cli import main
from engine.console import settings_of
from engine.jobs import cluster as jobs_cluster
from engine.operations.doctor import cluster, examine
from engine.store import schema
from engine.store.database import Database
from tests.support.postgres import postgres_server


@pytest.fixture(scope="module")
def server():
    with postgres_server(durable=False) as one:
        yield one


@pytest.fixture
def url(server):
    """An installation without the tables of Procrastinate."""
    address = server.database()
    store = Database(address)
    schema.upgrade(store)
    store.close()
    return address


def told(url):
    """Level, what is found, what to do."""
    store = Database(url)
    try:
        [finding] = cluster.cluster(store)
    finally:
        store.close()
    assert finding.check == "cluster" and set(finding.found) == {"zh", "en"}
    assert finding.level == "ok" or set(finding.advice) == {"zh", "en"}
    return finding.level, finding.found["en"], finding.advice.get("en", "")


def without_library(monkeypatch):
    monkeypatch.setattr(cluster, "LIBRARY", "procrastinate-that-nobody-installed")


def test_tables_that_are_missing_come_with_an_upgrade(url):
    level, found, advice = told(url)
    assert level == "warning" and "tables" in found
    assert "flowledger db upgrade" in advice and "pip install" not in advice
    assert CliRunner().invoke(main, ["db", "upgrade", "--database", url]).exit_code == 0
    assert told(url)[0] == "ok"


def test_a_library_that_is_missing_is_installed(url, monkeypatch):
    store = Database(url)
    assert jobs_cluster.install(store)
    store.close()
    without_library(monkeypatch)
    level, found, advice = told(url)
    assert level == "warning" and "Procrastinate" in found
    assert 'pip install "flowledger[cluster]"' in advice and "db upgrade" not in advice


def test_without_library_and_tables_both_are_to_be_done_in_this_order(url, monkeypatch):
    without_library(monkeypatch)
    level, _, advice = told(url)
    assert level == "warning"
    assert 0 < advice.index('pip install "flowledger[cluster]"') < advice.index("flowledger db upgrade")


def test_the_whole_examination_tells_it_and_changes_nothing(url, tmp_path):
    [finding] = [f for f in examine(settings_of(tmp_path, url)).findings if f.check == "cluster"]
    assert finding.level == "warning"
    store = Database(url)
    with store.begin(write=False) as connection:
        assert connection.scalar(sa.text("SELECT to_regclass('procrastinate_jobs')")) is None
    store.close()


def test_on_sqlite_there_is_nothing_to_be_missing(tmp_path):
    settings = settings_of(tmp_path, None)
    store = Database(settings.database)
    schema.upgrade(store)
    store.close()
    assert "cluster" not in [f.check for f in examine(settings).findings]
