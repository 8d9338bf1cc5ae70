"""Setting up on a PostgreSQL as it is found: several nodes at once, no right to make tables, another encoding, a standby. A word each, and no half of it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.engine import make_url

from engine.bootstrap import Settings, build
from engine.cli import main
from engine.console import settings_of
from engine.errors import NotAvailable
from engine.jobs import cluster
from engine.operations.doctor import examine
from engine.store import making, schema
from engine.store.database import Database
from tests.support.postgres import postgres_server
from tests.support.racing import raised, together


@pytest.fixture
def change(postgres):
    """Carries statements out as the superuser."""
    return postgres.execute


def tables(url):
    store = Database(url)
    with store.begin(write=False) as connection:
        found = sa.inspect(connection).get_table_names()
    store.close()
    return found


def cli(*words):
    done = CliRunner().invoke(main, [*words])
    assert isinstance(done.exception, SystemExit | None), done.exception
    return done.exit_code, done.output.strip()


def test_nodes_that_are_set_up_at_the_same_time_do_it_one_after_the_other(postgres):
    url = postgres.database()

    def install():
        store = Database(url)
        try:
            schema.upgrade(store)
            made = cluster.install(store)
        finally:
            store.close()
        app = build(Settings(url))
        try:
            app.install_packs()
        finally:
            app.close()
        return made

    results = together(*(install for _ in range(4)))
    assert not raised(results)
    assert sorted(results) == [False, False, False, True]


@pytest.fixture
def role(change):
    change('CREATE ROLE "Li\'s clerk" LOGIN')
    yield "Li's clerk"
    change('DROP OWNED BY "Li\'s clerk"', 'DROP ROLE "Li\'s clerk"')


@pytest.mark.parametrize("command", [["install"], ["db", "upgrade"]])
@pytest.mark.parametrize(("taken", "granted"), [("", "CREATE"), ("USAGE, ", "USAGE, CREATE")])
def test_a_role_that_may_make_no_tables_is_told_what_it_needs(postgres, change, role, tmp_path, command, taken, granted):
    url = postgres.database()
    change("REVOKE ALL ON SCHEMA public FROM PUBLIC", *([] if taken else [f'GRANT USAGE ON SCHEMA public TO "{role}"']), url=url)
    theirs = make_url(url).set(username=role).render_as_string(hide_password=False)
    code, said = cli(*command, "--data", str(tmp_path), "--database", theirs)
    grant = f'GRANT {granted} ON SCHEMA public TO "{role}"'
    assert code == 1 and grant in said and "\n" not in said
    change(grant, url=url)
    assert cli(*command, "--data", str(tmp_path), "--database", theirs)[0] == 0
    change(f'REASSIGN OWNED BY "{role}" TO CURRENT_USER', f'DROP OWNED BY "{role}"', url=url)


def test_a_role_that_does_not_own_the_tables_is_told_so(postgres, change, role):
    url = postgres.database()
    store = Database(url)
    schema.upgrade(store)
    store.close()
    change("UPDATE alembic_version SET version_num = '0001'", f'GRANT ALL ON SCHEMA public TO "{role}"', url=url)
    change(f'GRANT SELECT, UPDATE ON alembic_version TO "{role}"', url=url)
    code, said = cli("db", "upgrade", "--database", make_url(url).set(username=role).render_as_string(hide_password=False))
    assert code == 1 and "run this with the role that owns them" in said and "\n" not in said
    change(f'DROP OWNED BY "{role}"', url=url)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_an_encoding_that_cannot_hold_every_text_is_refused_before_the_first_table(postgres, change, encoding):
    name = f"other_{encoding.lower()}"
    change(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    url = make_url(postgres._uri).set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)
    code, said = cli("db", "upgrade", "--database", url)
    assert code == 1 and encoding in said and "ENCODING 'UTF8'" in said and "\n" not in said
    assert tables(url) == []


@pytest.mark.parametrize("standby", [False, True])
def test_a_database_that_takes_no_changes_is_read_and_told(tmp_path, standby):
    with postgres_server() as server:
        url = server.database()
        store = Database(url)
        schema.upgrade(store)
        assert making.takes_changes(store)
        store.close()
        if standby:
            server.to_standby()
        else:
            server.execute(f"ALTER DATABASE {make_url(url).database} SET default_transaction_read_only = on")
        _reads_and_tells(url, tmp_path)


def _reads_and_tells(url, tmp_path):
    app = build(Settings(url))
    for use in (app.store.begin(write=True), app.store.outside(writes=True)):
        with pytest.raises(NotAvailable, match="takes no changes"), use as connection:
            connection.execute(sa.text("DELETE FROM job"))
    with app.store.begin(write=False) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM record")) == 0
    with pytest.raises(sa.exc.DBAPIError), app.store.begin(write=False) as connection:  # a defect of ours, whatever the database allows
        connection.execute(sa.text("DELETE FROM job"))
    with pytest.raises(NotAvailable, match="takes no changes"), app.store.begin(write=True) as connection:  # also on a connection that has read
        connection.execute(sa.text("DELETE FROM job"))
    assert "database" in app.unready()
    app.close()
    found = {f.check: f for f in examine(settings_of(tmp_path, url)).findings}
    assert found["read_only"].level == "error" and "standby" in found["read_only"].found["en"]
    code, said = cli("verify", "--database", url)
    assert code == 0 and "0 instances" in said
    code, said = cli("backup", str(tmp_path / "copy"), "--database", url)
    assert code == 0 and "every chain verified" in said
    code, said = cli("install", "--data", str(tmp_path), "--database", url)
    assert code == 1 and "takes no changes" in said and "\n" not in said
