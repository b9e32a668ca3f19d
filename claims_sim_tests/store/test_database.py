"""Opening, migrating and sharing the simulation database."""

import subprocess
import sys
import threading
import time

import duckdb
import pytest

from claims_sim.errors import StoreError, StoreLockedError
from claims_sim.store import schema
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.instance import STORAGE_VERSION
from claims_sim.store.schema import Migration, migrations
from claims_sim.store.tables import SCORE_SCHEMA, STREAM_SCHEMA
from claims_sim_tests.store.conftest import query

HOLDER = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def db(tmp_path) -> SimulationDatabase:
    """Not made yet."""
    return SimulationDatabase(tmp_path / "sim.duckdb", lock_timeout_s=5)


@pytest.fixture
def held(db):
    """A function: let another process hold the database for some seconds; returns the process."""
    with db.connect():
        pass
    processes = []

    def hold(seconds: float) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(db.path), str(seconds)], stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_new_database_is_made_with_its_folder_in_the_old_storage_version(tmp_path):
    db = SimulationDatabase(tmp_path / "deep" / "down" / "sim.duckdb")
    assert query(
        db, "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = current_database()"
    ) == [(f"{STORAGE_VERSION}+",)]
    assert [row[0] for row in query(db, "SELECT version FROM schema_migrations")] == [m.version for m in migrations()]


def test_a_read_only_connection_makes_the_database_too_and_cannot_write(db):
    with db.connect(read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM claims_live_stream").fetchall() == [(0,)]
        with pytest.raises(duckdb.InvalidInputException):
            connection.execute("DELETE FROM counters")


def test_an_empty_file_becomes_a_database(db):
    db.path.touch()
    assert query(db, "SELECT count(*) FROM outbox") == [(0,)]


def test_arrow_schemas_are_those_of_the_tables(db):
    with db.connect() as connection:
        assert connection.sql("FROM claims_live_stream").to_arrow_table().schema.equals(STREAM_SCHEMA)
        assert connection.sql("FROM ml_scores").to_arrow_table().schema.equals(SCORE_SCHEMA)


def test_sessions_run_in_utc_and_spill_beside_the_database(db):
    zone, spill = query(db, "SELECT current_setting('TimeZone'), current_setting('temp_directory')")[0]
    assert (zone, spill) == ("UTC", f"{db.path}.tmp")


def test_a_file_that_is_no_database_is_a_clear_error(db):
    db.path.write_text("claims,please\n" * 400)
    with pytest.raises(StoreError, match="no DuckDB database"), db.connect():
        pass
    assert db.path.read_text().startswith("claims,please")


def test_a_database_with_other_tables_is_left_alone(db):
    with duckdb.connect(db.path) as connection:
        connection.execute("CREATE TABLE claims_normalized (claim_id VARCHAR)")
    with pytest.raises(StoreError, match="'claims_normalized'"), db.connect():
        pass
    with duckdb.connect(db.path) as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("claims_normalized",)]


def test_a_folder_in_the_databases_place_is_a_clear_error(tmp_path):
    (tmp_path / "sim.duckdb").mkdir()
    with pytest.raises(StoreError, match="folder"), SimulationDatabase(tmp_path / "sim.duckdb").connect():
        pass


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be"), SimulationDatabase(tmp_path / "file" / "sim.duckdb").connect():
        pass


def test_a_database_of_a_newer_product_is_refused(db):
    query(db, "INSERT INTO schema_migrations VALUES (9999, 'future', 'x', now()::TIMESTAMP)")
    with pytest.raises(StoreError, match="newer version of claims_sim"), db.connect():
        pass


def test_a_database_of_an_edited_migration_is_refused(db):
    query(db, "UPDATE schema_migrations SET sha256 = 'other'")
    with pytest.raises(StoreError, match="another edition of migration 0001"), db.connect(read_only=True):
        pass


def test_an_older_database_is_migrated_by_whoever_opens_it_next(db, monkeypatch):
    query(db, "INSERT INTO outbox VALUES ('b', 0, 'c', 'p')")
    more = (
        *migrations(),
        Migration(len(migrations()) + 1, "more", "CREATE TABLE more (x INTEGER); INSERT INTO more VALUES (7)"),
    )
    monkeypatch.setattr(schema, "migrations", lambda: more)
    with db.connect(read_only=True) as connection:
        assert connection.execute("SELECT x, (SELECT count(*) FROM outbox) FROM more").fetchall() == [(7, 1)]


def test_a_failing_migration_leaves_nothing_of_itself(db, monkeypatch):
    query(db, "SELECT 1")
    known = migrations()
    bad = Migration(len(migrations()) + 1, "bad", "CREATE TABLE half (x INTEGER); SELECT no_such_function()")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "migrations", lambda: (*known, bad))
        with pytest.raises(duckdb.CatalogException), db.connect():
            pass
    assert query(db, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'half'") == [(0,)]


def test_versions_of_migrations_have_no_gaps():
    assert [m.version for m in migrations()] == list(range(1, len(migrations()) + 1))


def test_a_database_that_stays_locked_names_its_holder(db, held):
    process = held(60)
    impatient = SimulationDatabase(db.path, lock_timeout_s=0.2)
    with (
        pytest.raises(StoreLockedError, match=f"held by process {process.pid} for more than 0.2 s"),
        impatient.connect(),
    ):
        pass


def test_a_database_that_is_locked_for_a_moment_is_waited_for(db, held):
    held(0.4)
    assert query(db, "SELECT 1") == [(1,)]


def test_a_connection_is_closed_also_after_an_error(db):
    with pytest.raises(ZeroDivisionError), db.connect():
        raise ZeroDivisionError
    done = subprocess.run(
        [sys.executable, "-c", HOLDER, str(db.path), "0"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "held\n"


def test_a_transaction_that_raises_stores_nothing(db):
    def fail() -> None:
        with db.transaction() as connection:
            connection.execute("INSERT INTO outbox VALUES ('b', 0, 'c', 'p')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert query(db, "SELECT count(*) FROM outbox") == [(0,)]


def test_reading_beside_a_writing_thread_waits_for_it(db):
    def write() -> None:
        with db.connect() as connection:
            started.set()
            time.sleep(0.3)
            connection.execute("INSERT INTO outbox VALUES ('b', 0, 'c', 'p')")

    started = threading.Event()
    thread = threading.Thread(target=write)
    thread.start()
    started.wait()
    with db.connect(read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM outbox").fetchall() == [(1,)]
    thread.join()


def test_kept_open_serves_reads_and_writes_and_lets_go(db):
    with db.kept_open():
        query(db, "INSERT INTO outbox VALUES ('b', 0, 'c', 'p')")
        with SimulationDatabase(db.path).connect(read_only=True) as connection:
            assert connection.execute("SELECT count(*) FROM outbox").fetchall() == [(1,)]
    with db.connect(read_only=True) as connection, pytest.raises(duckdb.InvalidInputException):
        connection.execute("DELETE FROM outbox")


def test_a_log_left_by_a_removed_database_is_not_replayed_into_a_new_one(db):
    query(db, "SELECT 1")
    db.path.unlink()
    db.path.with_name("sim.duckdb.wal").write_bytes(b"left over")
    assert query(db, "SELECT count(*) FROM outbox") == [(0,)]


@pytest.mark.slow
def test_many_processes_may_make_the_same_database_at_once(tmp_path):
    script = (
        "import sys; from pathlib import Path; from claims_sim.store.database import SimulationDatabase\n"
        "with SimulationDatabase(Path(sys.argv[1])).transaction() as c: c.execute(\"INSERT INTO outbox VALUES ('b', 0, 'c', 'p')\")"
    )
    path = tmp_path / "sim.duckdb"
    running = [subprocess.Popen([sys.executable, "-c", script, str(path)]) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert query(SimulationDatabase(path), "SELECT count(*) FROM outbox") == [(3,)]
